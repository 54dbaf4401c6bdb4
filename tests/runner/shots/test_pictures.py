"""Hostile pictures are refused, sound ones stripped, frames put together."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import pytest

from runner.shots.album import thinned
from runner.shots.png import read_png
from runner.shots.webp import Frame, NoPicture, animate, read_webp

LIMIT = 120_000


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int = 4, height: int = 3, *, pixels: bytes | None = None, more: bytes = b""
) -> bytes:
    rows = bytes(height * (1 + 3 * width)) if pixels is None else pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def lossy(width: int = 640, height: int = 400, data: bytes = b"bits") -> bytes:
    frame = b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + data
    return riff(part(b"VP8 ", frame))


def part(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def riff(body: bytes) -> bytes:
    return part(b"RIFF", b"WEBP" + body)


def test_a_sound_png_keeps_its_pixels_and_nothing_else() -> None:
    loaded = png(more=chunk(b"tEXt", b"Comment\0<script>")) + b"and a zip archive"

    picture = read_png(loaded, limit=LIMIT)

    assert (picture.width, picture.height) == (4, 3)
    assert picture.data == png()
    assert read_png(picture.data, limit=LIMIT) == picture


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no PNG"),
        (b"<svg onload=alert(1)>", "no PNG"),
        (png()[:-1], "no end|damaged"),
        (png()[:60] + b"\xff" + png()[61:], "damaged"),
        (png(width=100_000, pixels=b"\0"), "100000x3 pixels"),
        (png(pixels=b"\0" * 10), "not all there"),
        (png(pixels=bytes(10_000_000)), "not all there"),
        (png(pixels=b"\x09" * 39), "not all there"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "out of order"),
        (png(more=chunk(b"IHDR", b"")), "out of order"),
        (png().replace(zlib.compress(bytes(39)), b""), "damaged"),
    ],
)
def test_what_is_no_picture_of_a_browser_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(NoPicture, match=why):
        read_png(data, limit=LIMIT)


def test_pictures_that_are_too_heavy_are_not_even_looked_at() -> None:
    with pytest.raises(NoPicture, match="200 bytes"):
        read_png(bytes(200), limit=100)
    with pytest.raises(NoPicture, match="200 bytes"):
        read_webp(bytes(200), limit=100)


def test_a_still_webp_gives_its_bitstream_alone() -> None:
    bare = lossy()
    loaded = riff(part(b"VP8X", bytes(10)) + bare[12:] + part(b"EXIF", b"where it was taken"))

    picture = read_webp(loaded, limit=LIMIT)

    assert (picture.width, picture.height) == (640, 400)
    assert picture == read_webp(bare, limit=LIMIT)


def test_a_lossless_webp_is_measured_by_its_own_header() -> None:
    bits = (640 - 1) | (400 - 1) << 14
    data = riff(part(b"VP8L", b"\x2f" + bits.to_bytes(4, "little") + b"bits"))

    picture = read_webp(data, limit=LIMIT)
    assert (picture.width, picture.height) == (640, 400)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (png(), "no WebP"),
        (riff(b""), "0 bitstreams"),
        (riff(lossy()[12:] * 2), "2 bitstreams"),
        (lossy(width=8000), "8000x400 pixels"),
        (lossy(height=0), "640x0 pixels"),
        (lossy().replace(b"\x9d\x01\x2a", b"\0\0\0"), "no key frame"),
        (riff(part(b"VP8 ", b"short")), "no key frame"),
        (riff(part(b"VP8L", b"\x00bits.")), "no lossless picture"),
        (riff(b"VP8 \xff\xff\xff\x7f"), "longer than the file"),
        (riff(part(b"ANMF", lossy()[12:])), "0 bitstreams"),
    ],
)
def test_what_is_no_still_webp_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(NoPicture, match=why):
        read_webp(data, limit=LIMIT)


def frames(*sizes: tuple[int, int], weight: int = 4) -> list[Frame]:
    pictures = [
        read_webp(lossy(w, h, bytes([n]) * weight), limit=LIMIT) for n, (w, h) in enumerate(sizes)
    ]
    return [Frame(picture=p, milliseconds=100 * n) for n, p in enumerate(pictures, 1)]


def test_an_animation_holds_every_frame_for_its_time_in_the_middle_of_the_canvas() -> None:
    wide, tall = frames((640, 400), (200, 600))

    data = animate([wide, tall])

    assert data[:4] + data[8:16] == b"RIFFWEBPVP8X"
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert (data[24:27], data[27:30]) == ((639).to_bytes(3, "little"), (599).to_bytes(3, "little"))
    places = [at for at in range(len(data)) if data[at : at + 4] == b"ANMF"]
    told = [
        [int.from_bytes(data[p + 8 + i : p + 11 + i], "little") for i in range(0, 15, 3)]
        for p in places
    ]
    assert told == [[0, 50, 639, 399, 100], [110, 0, 199, 599, 200]]


def test_a_heavy_animation_loses_every_second_frame_and_no_time() -> None:
    many = frames(*[(640, 400)] * 9, weight=1000)

    fewer = thinned(many, limit=6000)

    assert len(animate(fewer)) <= 6000
    assert 1 < len(fewer) < len(many)
    assert sum(f.milliseconds for f in fewer) == sum(f.milliseconds for f in many)
    assert thinned(many, limit=1 << 20) == many


def test_one_frame_is_kept_however_heavy() -> None:
    (only,) = frames((640, 400), weight=1000)

    assert thinned([only, replace(only, milliseconds=7)], limit=10) == [
        replace(only, milliseconds=107)
    ]
