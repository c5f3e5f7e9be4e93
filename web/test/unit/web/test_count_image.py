"""A count as a PNG image: what is in its pixels."""

import struct
import zlib

import pytest

from page_tracker.web.count_image import HEIGHT, WIDTH, count_image


def rows_of(image: bytes) -> list[bytes]:
    """The lines of pixels, read as the standard says they are written."""
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    chunks = {}
    at = 8
    while at < len(image):
        (length,) = struct.unpack_from(">I", image, at)
        kind, data = image[at + 4 : at + 8], image[at + 8 : at + 8 + length]
        (check,) = struct.unpack_from(">I", image, at + 8 + length)
        assert check == zlib.crc32(kind + data)
        chunks[kind] = data
        at += 12 + length
    assert struct.unpack(">IIBB", chunks[b"IHDR"][:10]) == (WIDTH, HEIGHT, 8, 0)
    lines = zlib.decompress(chunks[b"IDAT"])
    width = WIDTH + 1  # with the byte that says how a line is filtered
    assert len(lines) == width * HEIGHT and set(lines[::width]) == {0}
    return [lines[at + 1 : at + width] for at in range(0, len(lines), width)]


def test_a_digit_is_drawn_in_the_middle_as_large_as_it_may_be() -> None:
    black = [row.count(0) for row in rows_of(count_image("1"))]
    drawn = [number for number in black if number]
    assert len(drawn) == 7 * 5
    assert drawn[0] == 5 and drawn[-1] == 3 * 5
    assert black.index(drawn[0]) in range(HEIGHT // 2 - 20, HEIGHT // 2)


@pytest.mark.parametrize("count", ["", "1 234 567 890 123 456", "9" * 200, "?"])
def test_any_count_is_an_image(count: str) -> None:
    rows = rows_of(count_image(count))
    assert {len(row) for row in rows} == {WIDTH}


def test_another_count_is_another_image() -> None:
    assert count_image("12") != count_image("21")
