"""PNG without a codec: a hostile picture is checked to the last byte, and stripped."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.shots.webp import MAX_SIDE, NoPicture

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_SAMPLES: Final = {2: 3, 6: 4}
"""Colour type -> samples of a pixel: RGB and RGBA, as browsers write them."""
_DEPTH: Final = 8
_FILTERS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Png:
    """One picture, with nothing in it but its pixels."""

    data: bytes
    width: int
    height: int


def read_png(data: bytes, *, limit: int) -> Png:
    """Check a PNG, pixels included, and drop all that is no pixel; `NoPicture` for all others."""
    if len(data) > limit:
        raise NoPicture(f"{len(data)} bytes")
    if not data.startswith(_SIGNATURE):
        raise NoPicture("no PNG")
    chunks = list(_chunks(data[len(_SIGNATURE) :]))
    kinds = [kind for kind, _ in chunks]
    if kinds[:1] != [b"IHDR"] or kinds.count(b"IHDR") != 1 or kinds[-1] != b"IEND":
        raise NoPicture("its chunks are out of order")
    header = chunks[0][1]
    pixels = b"".join(body for kind, body in chunks if kind == b"IDAT")
    width, height = _demand_pixels(header, pixels)
    kept = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    whole = _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in kept)
    return Png(data=whole, width=width, height=height)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        if _chunk(kind, body) != data[at : at + 12 + size]:
            raise NoPicture("a chunk is damaged")
        yield kind, body
        at += 12 + size
        if kind == b"IEND":
            return  # whatever follows is dropped
    raise NoPicture("it has no end")


def _demand_pixels(header: bytes, packed: bytes) -> tuple[int, int]:
    """Return width and height; raise `NoPicture` unless the pixels unpack to just these."""
    try:
        width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", header)
    except struct.error:
        raise NoPicture("no header") from None
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise NoPicture(f"{width}x{height} pixels")
    if depth != _DEPTH or colour not in _SAMPLES or any(rest):
        raise NoPicture("not as browsers write it")
    row = 1 + width * _SAMPLES[colour]
    unpacker = zlib.decompressobj()
    try:
        pixels = unpacker.decompress(packed, row * height + 1)
    except zlib.error as fault:
        raise NoPicture("its pixels cannot be unpacked") from fault
    whole = len(pixels) == row * height and unpacker.eof and not unpacker.unused_data
    if not whole or max(pixels[::row]) > _FILTERS:
        raise NoPicture("its pixels are not all there")
    return width, height


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
