"""What a trial leaves on disk while it runs: turns as lines, raw streams compressed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from testbed.records import Funnel
from testbed.store import TrialPaths, storing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from testbed.records import Exchange, Turn


@dataclass
class Recording:
    """Appends to one try's files; of a conversation only its funnel is kept in memory."""

    paths: TrialPaths
    _stages: Counter[str] = field(default_factory=Counter, init=False)
    _causes: Counter[str] = field(default_factory=Counter, init=False)

    def begin(self) -> None:
        """Make the try's folder, so that no later try takes its number."""
        with storing(self.paths.folder):
            self.paths.folder.mkdir(parents=True)

    def turn(self, turn: Turn) -> None:
        """Append one turn of the conversation and count its tool calls."""
        for call in turn.tool_calls:
            self._stages[call.stage] += 1
            if call.cause is not None:
                self._causes[call.cause] += 1
        self._append(self.paths.turns, turn.model_dump_json().encode() + b"\n")

    def funnel(self) -> Funnel:
        """Return how far the tool calls got."""
        return Funnel(stages=dict(self._stages), causes=dict(self._causes))

    def exchange(
        self, exchange: Exchange, request: Mapping[str, Any], chunks: Sequence[tuple[float, bytes]]
    ) -> None:
        """Append one HTTP attempt as a compressed frame of its own: a torn tail costs one."""
        import zstandard

        record = {
            "exchange": exchange.model_dump(mode="json"),
            "request": request,
            "chunks": [[round(at, 6), data.decode("latin-1")] for at, data in chunks],
        }
        line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        self._append(self.paths.exchanges, zstandard.ZstdCompressor().compress(line))

    def note(self, text: str) -> None:
        """Append to the try's log."""
        self._append(self.paths.log, text.rstrip("\n").encode() + b"\n")

    def _append(self, path: Path, data: bytes) -> None:
        with storing(path), path.open("ab") as file:
            file.write(data)


def read_exchanges(path: Path) -> Iterator[dict[str, Any]]:
    """Yield every recorded exchange: `exchange`, `request` and `chunks` ([seconds, latin-1])."""
    import zstandard

    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        rest = b""
        while piece := reader.read(1 << 16):
            *lines, rest = (rest + piece).split(b"\n")
            yield from map(json.loads, lines)
