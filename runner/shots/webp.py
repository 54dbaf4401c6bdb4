"""WebP without a codec: hostile pictures are checked and stripped, frames become an animation.

A picture is taken apart down to its one bitstream and put together again, so that nothing but
that leaves: no metadata, no trailing bytes, no second image. The bitstream itself is for the
reader's browser, which decodes pictures of strangers every day.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_SIDE: Final = 1280
_LOSSY: Final = b"VP8 "
_LOSSLESS: Final = b"VP8L"
_START_CODE: Final = b"\x9d\x01\x2a"
_LOSSLESS_MARK: Final = 0x2F
_ANIMATED: Final = 0x02
_OVERWRITE: Final = 0x02
_TO_BACKGROUND: Final = 0x01
_SIDE: Final = 14
"""Bits of a side's length in both bitstreams."""


class NoPicture(Exception):
    """The bytes are no picture that is kept."""


@dataclass(frozen=True, kw_only=True)
class Bitstream:
    """One still picture."""

    kind: bytes
    data: bytes
    width: int
    height: int

    def still(self) -> bytes:
        """Return it as a file of its own."""
        return _riff(_chunk(self.kind, self.data))


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture of an animation."""

    picture: Bitstream
    milliseconds: int


def read_webp(data: bytes, *, limit: int) -> Bitstream:
    """Take the bitstream out of a still WebP; raise `NoPicture` for everything else."""
    if len(data) > limit:
        raise NoPicture(f"{len(data)} bytes")
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise NoPicture("no WebP")
    found = [(kind, body) for kind, body in _chunks(data[12:]) if kind in (_LOSSY, _LOSSLESS)]
    if len(found) != 1:
        raise NoPicture(f"{len(found)} bitstreams")
    kind, body = found[0]
    width, height = _size(kind, body)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise NoPicture(f"{width}x{height} pixels")
    return Bitstream(kind=kind, data=body, width=width, height=height)


def animate(frames: Sequence[Frame]) -> bytes:
    """Put frames together to an animation that runs for ever; smaller ones stand in the middle."""
    width, height = canvas(frames)
    # What a frame leaves is wiped only where the next may be smaller: wiping can flicker.
    alike = all((f.picture.width, f.picture.height) == (width, height) for f in frames)
    manner = bytes([_OVERWRITE if alike else _OVERWRITE | _TO_BACKGROUND])
    flags = struct.pack("<B3x", _ANIMATED) + _three(width - 1) + _three(height - 1)
    endless = struct.pack("<IH", 0xFFFFFFFF, 0)
    parts = [_chunk(b"VP8X", flags), _chunk(b"ANIM", endless)]
    for frame in frames:
        picture = frame.picture
        left, top = (width - picture.width) // 4, (height - picture.height) // 4
        head = b"".join(map(_three, (left, top, picture.width - 1, picture.height - 1)))
        image = _chunk(picture.kind, picture.data)
        parts.append(_chunk(b"ANMF", head + _three(frame.milliseconds) + manner + image))
    return _riff(b"".join(parts))


def canvas(frames: Sequence[Frame]) -> tuple[int, int]:
    """Return width and height of what holds every frame."""
    pictures = [frame.picture for frame in frames]
    return max(p.width for p in pictures), max(p.height for p in pictures)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > len(data):
            raise NoPicture("a chunk is longer than the file")
        yield kind, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _size(kind: bytes, body: bytes) -> tuple[int, int]:
    mask = (1 << _SIDE) - 1
    if kind == _LOSSY:
        # Bit 0 of the first byte is clear in a key frame; a still is one.
        if len(body) < 10 or body[0] & 1 or body[3:6] != _START_CODE:  # noqa: PLR2004  (the header's length)
            raise NoPicture("no key frame")
        width, height = struct.unpack_from("<HH", body, 6)
        return width & mask, height & mask
    if len(body) < 5 or body[0] != _LOSSLESS_MARK:  # noqa: PLR2004  (the header's length)
        raise NoPicture("no lossless picture")
    bits = int.from_bytes(body[1:5], "little")
    return (bits & mask) + 1, (bits >> _SIDE & mask) + 1


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(data)) + data + b"\0" * (len(data) % 2)


def _riff(chunks: bytes) -> bytes:
    return _chunk(b"RIFF", b"WEBP" + chunks)
