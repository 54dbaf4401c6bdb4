"""Temporary folders of killed processes are found and removed, those in use are not."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from runner.scratch import scratch_folder, sweep_scratch

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HELD = (
    "import sys, time\n"
    "from runner.scratch import scratch_folder\n"
    "with scratch_folder() as folder:\n"
    "    print(folder, flush=True)\n"
    "    time.sleep(60)\n"
)


def test_only_the_folder_of_a_killed_process_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with subprocess.Popen([sys.executable, "-c", HELD], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        left = other.stdout.readline().strip()
        with scratch_folder() as mine:
            assert sweep_scratch() == 0
            other.send_signal(signal.SIGKILL)
            other.wait()

            assert sweep_scratch() == 1
            assert [str(path) for path in tmp_path.iterdir()] == [str(mine)]
            assert left != str(mine)
    assert list(tmp_path.iterdir()) == []
