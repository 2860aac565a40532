"""Draws the rooms of the package as they stand in the import contract of pyproject.toml, each with its charter's line.

A room imports only from rooms below its own row; rooms that stand side by side do not import one another.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

TREE = Path(__file__).parents[2]
WIDTH, GAP, PAD = 940, 8, 10  # pixels
NAME_LINE, TEXT_LINE = 18, 15
CHARACTER = 6.1  # pixels: the widest that 11 px of a common sans-serif font comes to on average
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class Room:
    """One room: its name, what it is for, and the rows of rooms inside it."""

    name: str
    purpose: str
    rows: list[list[Room]] = field(default_factory=list)


def rooms(contracts: list[dict[str, object]], package: str) -> list[list[Room]]:
    """The rows of ``package``: the contract of kind ``layers`` whose container it is; [] where there is none."""
    layers = next((c["layers"] for c in contracts if c["type"] == "layers" and package in _list(c["containers"])), [])
    found = [[_room(contracts, package, name.strip()) for name in str(row).split("|")] for row in _list(layers)]
    present = [[room for room in row if room is not None] for row in found]
    return [row for row in present if row]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _room(contracts: list[dict[str, object]], package: str, name: str) -> Room | None:
    """The room; None where the contract allows for its absence, and it is absent."""
    optional, name = name.startswith("("), name.strip("()")
    folder = TREE.joinpath(*package.split("."))
    files = [file for file in (folder / f"{name}.py", folder / name / "__init__.py") if file.exists()]
    if not files:
        if optional:
            return None
        raise SystemExit(f"pyproject.toml: the import contract names {package}.{name}, and there is no such module")
    charter = ast.get_docstring(ast.parse(files[0].read_text(encoding="utf-8"))) or ""
    purpose = charter.split("\n\n")[0].replace("\n", " ").replace("``", "")
    return Room(name, purpose, rooms(contracts, f"{package}.{name}"))


def lines_of(room: Room, width: float) -> list[str]:
    """The room's purpose in lines that fit the width."""
    return textwrap.wrap(room.purpose, int((width - 2 * PAD) / CHARACTER))


def share(width: float, count: int) -> float:
    """The width of one of ``count`` boxes side by side."""
    return (width - GAP * (count - 1)) / count


def height_of(room: Room, width: float) -> float:
    """How high the room's box must be."""
    own = PAD * 1.6 + NAME_LINE + TEXT_LINE * len(lines_of(room, width))
    inner = width - 2 * PAD
    return own + sum(height_of_row(row, inner) + GAP for row in room.rows)


def height_of_row(row: list[Room], width: float) -> float:
    """How high the boxes of one row are: as the highest one must be."""
    return max(height_of(room, share(width, len(row))) for room in row)


def draw_rows(rows: list[list[Room]], x: float, y: float, width: float, depth: int = 0) -> list[str]:
    """The rows from top to bottom, as SVG."""
    found = []
    for row in rows:
        high, each = height_of_row(row, width), share(width, len(row))
        for number, room in enumerate(row):
            found += draw_room(room, (x + number * (each + GAP), y, each, high), depth)
        y += high + GAP
    return found


def draw_room(room: Room, box: tuple[float, float, float, float], depth: int) -> list[str]:
    """One box with its name, purpose, and the rooms inside."""
    x, y, width, high = box
    fill = ("#eef3fa", "#ffffff")[depth % 2]
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{high:.1f}"'
    found = [
        f'<rect {place} rx="6" fill="{fill}" stroke="#5b7083"/>',
        f'<text x="{x + PAD:.1f}" y="{y + PAD + 9:.1f}" font-size="13" font-weight="bold">{escape(room.name)}</text>',
    ]
    y += PAD + NAME_LINE + 6
    for line in lines_of(room, width):
        found.append(f'<text x="{x + PAD:.1f}" y="{y:.1f}" font-size="11">{escape(line)}</text>')
        y += TEXT_LINE
    return found + draw_rows(room.rows, x + PAD, y - 4, width - 2 * PAD, depth + 1)


def picture() -> str:
    """The whole picture as SVG."""
    contracts = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    rows = rooms(contracts, "mlflowsteps")
    high = sum(height_of_row(row, WIDTH - 2 * GAP) + GAP for row in rows) + GAP
    size = f'width="{WIDTH}" height="{high:.0f}" viewBox="0 0 {WIDTH} {high:.0f}"'
    names = "; ".join(", ".join(room.name for room in row) for row in rows)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONT}" fill="#16202a">',
            f"<title>Rooms of mlflowsteps, from the top row to the bottom one: {escape(names)}</title>",
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            *draw_rows(rows, GAP, GAP, WIDTH - 2 * GAP),
            "</svg>\n",
        ]
    )
