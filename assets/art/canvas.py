"""The palette, and what the drawings are made with: grids of characters, outlines, PNG files."""

import struct
import zlib
from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent

# --------------------------------------------------------------------------------------------------
# The palette. Light comes from the top left.
# --------------------------------------------------------------------------------------------------

PALETTE = {
    # lines and deep shade
    "k": "#2a1c2c",  # outline
    "K": "#4a3238",  # dark brown
    # wood, leather, bread
    "n": "#6b4230",
    "w": "#955c36",
    "W": "#c08449",
    "y": "#e3b374",
    # skin
    "s": "#f3c79f",
    "S": "#d0916c",
    # stone, iron, cloth
    "a": "#434a5e",
    "b": "#6d768b",
    "c": "#9aa5b4",
    "d": "#c9d1d8",
    "e": "#f6f4ea",
    # red, orange, gold
    "r": "#962a3c",
    "R": "#d6453f",
    "P": "#f49a94",
    "o": "#ee8634",
    "m": "#b9772a",
    "G": "#f2bd3c",
    "Y": "#fdeea0",
    # green
    "f": "#2e5740",
    "F": "#427c46",
    "i": "#5a9a4a",
    "l": "#66a74e",
    "L": "#93cb5f",
    # blue
    "u": "#2b4a84",
    "U": "#3f7fc0",
    "v": "#66b3de",
    "V": "#b9e6ee",
    # earth and sand
    "X": "#cfae72",
    "x": "#ead59c",
}

# Cloth that the game tints: a picture of its own (`*_body.png`), in these grays.
CLOTH = {"1": "e", "2": "d", "3": "c", "4": "b"}

CLEAR = (0, 0, 0, 0)


def color(char, alpha=255):
    code = PALETTE[char]
    return tuple(int(code[at : at + 2], 16) for at in (1, 3, 5)) + (alpha,)


# --------------------------------------------------------------------------------------------------
# Grids
# --------------------------------------------------------------------------------------------------


def grid(text, width=16, height=16):
    """The rows of a drawing, checked."""
    rows = text.split()
    assert len(rows) == height, f"{len(rows)} rows instead of {height}:\n{text}"
    for number, row in enumerate(rows):
        assert len(row) == width, f"row {number} is {len(row)} wide instead of {width}: {row}"
    return rows


def outline(rows, char="k"):
    """Fills every empty pixel beside a drawn one."""
    height, width = len(rows), len(rows[0])

    def drawn(x, y):
        return 0 <= x < width and 0 <= y < height and rows[y][x] != "."

    def pixel(x, y):
        if rows[y][x] == "." and any(
            drawn(x + dx, y + dy) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))
        ):
            return char
        return rows[y][x]

    return ["".join(pixel(x, y) for x in range(width)) for y in range(height)]


def recolor(rows, changes):
    """Other characters for some; '.' removes."""
    return ["".join(changes.get(char, char) for char in row) for row in rows]


def on(base, rows):
    """The drawing on a full ground."""
    return recolor(rows, {".": base})


def quarter_turn(rows):
    """Turned clockwise."""
    return ["".join(column) for column in zip(*reversed(rows))]


def over(rows, top, left=0, down=0):
    """Puts a drawing onto another one."""
    rows = [list(row) for row in rows]
    for y, row in enumerate(top):
        for x, char in enumerate(row):
            if char != ".":
                rows[down + y][left + x] = char
    return ["".join(row) for row in rows]


def outline_worn(rows, figure):
    """Outlines what a figure wears, but only where the figure itself has its outline or nothing."""
    return [
        "".join(
            inside if inside != "." or below not in ".k" else around
            for inside, around, below in zip(*both)
        )
        for both in zip(rows, outline(rows), figure)
    ]


# --------------------------------------------------------------------------------------------------
# PNG
# --------------------------------------------------------------------------------------------------


def paeth(left, up, corner):
    """The neighbour that is closest to left + up - corner."""
    guess = left + up - corner
    return min((left, up, corner), key=lambda byte: abs(guess - byte))


def filtered(line, above):
    """A line of RGBA bytes with the filter that leaves the smallest differences."""
    left = bytes(4) + line[:-4]
    corner = bytes(4) + above[:-4]
    zero = bytes(len(line))
    best = None
    for number, guesses in (
        (0, zero),
        (2, above),
        (1, left),
        (4, bytes(map(paeth, left, above, corner))),
    ):
        data = bytes((byte - guess) % 256 for byte, guess in zip(line, guesses))
        size = sum(min(byte, 256 - byte) for byte in data)
        if best is None or size < best[0]:
            best = (size, bytes([number]) + data)
    return best[1]


def png(width, height, lines):
    """A PNG file of lines of RGBA bytes."""

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    above = [bytes(4 * width), *lines[:-1]]
    packer = zlib.compressobj(6, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
    packed = packer.compress(b"".join(map(filtered, lines, above))) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return head + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def save(folder, name, rows, alpha=255):
    """Writes a drawing. `alpha` is how opaque it is, for all characters or for each one named."""
    by_char = alpha if isinstance(alpha, dict) else dict.fromkeys(PALETTE, alpha)

    def pixel(char):
        return CLEAR if char == "." else color(char, by_char.get(char, 255))

    lines = [b"".join(bytes(pixel(char)) for char in row) for row in rows]
    path = ASSETS / folder / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(len(rows[0]), len(rows), lines))
