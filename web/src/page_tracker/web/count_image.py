"""A count as a PNG image, for pages that show it without a frame or SVG. Pure.

Digits of five by seven dots, magnified; the format is that of
https://www.w3.org/TR/png-3/, in shades of grey of one byte.
"""

from __future__ import annotations

import struct
import zlib

WIDTH, HEIGHT = 200, 80
BORDER, MARGIN, LARGEST = 2, 6, 5
_BLACK, _GREY, _WHITE = 0, 0x66, 0xFF

# Rows of five dots, from the top, two hexadecimal digits each.
_DIGITS = {
    "0": "0e11131519110e",
    "1": "040c040404040e",
    "2": "0e11010204081f",
    "3": "1f02040201110e",
    "4": "02060a121f0202",
    "5": "1f101e0101110e",
    "6": "0608101e11110e",
    "7": "1f010204080808",
    "8": "0e11110e11110e",
    "9": "0e11110f01020c",
    "?": "0e110102040004",
}
_ROWS, _DOTS, _GAP = 7, 5, 3


def count_image(count: str) -> bytes:
    """The image of a count; what is no digit is a gap between groups."""
    rows = [_dots(count, row) for row in range(_ROWS)]
    room = WIDTH - 2 * (BORDER + MARGIN)
    scale = max(1, min(LARGEST, room // max(1, len(rows[0]))))
    left = max(0, (WIDTH - scale * len(rows[0])) // 2)
    top = (HEIGHT - scale * _ROWS) // 2
    pixels = [bytearray(_line(y)) for y in range(HEIGHT)]
    for y in range(scale * _ROWS):
        line = b"".join(bytes((dot,)) * scale for dot in rows[y // scale])
        pixels[top + y][left : left + len(line)] = line[: WIDTH - left]
    return _png(pixels)


def _dots(count: str, row: int) -> bytes:
    """One row of the digits, each followed by a gap of one dot."""
    line = b""
    for character in count:
        dots = _DIGITS.get(character)
        if dots is None:
            line += bytes((_WHITE,)) * _GAP
            continue
        bits = int(dots[2 * row : 2 * row + 2], 16)
        line += bytes(
            _BLACK if bits >> at & 1 else _WHITE for at in range(_DOTS - 1, -1, -1)
        )
        line += bytes((_WHITE,))
    return line[:-1]


def _line(y: int) -> bytes:
    """A line of pixels with nothing but the border."""
    if not BORDER <= y < HEIGHT - BORDER:
        return bytes((_GREY,)) * WIDTH
    side = bytes((_GREY,)) * BORDER
    return side + bytes((_WHITE,)) * (WIDTH - 2 * BORDER) + side


def _png(pixels: list[bytearray]) -> bytes:
    head = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 0, 0, 0, 0)
    unfiltered = b"".join(b"\0" + line for line in pixels)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", head),
            (b"IDAT", zlib.compress(unfiltered, 9)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
