"""Small data sets made here, with a known rule and a known amount of noise."""

from __future__ import annotations

import random

Row = tuple[float, list[float]]


def regression(rows: int, *, seed: int = 7, noise: float = 0.05) -> list[Row]:
    """Rows of (label, features): the label is a smooth rule of three features, in (0, 1), with a little noise."""
    draw = random.Random(seed)
    found: list[Row] = []
    for _ in range(rows):
        a, b, c = (draw.uniform(0, 1) for _ in range(3))
        label = 0.5 * a + 0.3 * b * b + 0.1 * (c > 0.5) + draw.gauss(0, noise)
        found.append((min(max(label, 0.001), 0.999), [a, b, c]))
    return found


def csv(rows: list[Row], *, label: bool = True) -> str:
    return "".join(",".join(f"{v:.6f}" for v in ([y] if label else []) + x) + "\n" for y, x in rows)


def libsvm(rows: list[Row]) -> str:
    return "".join(f"{y:.6f} " + " ".join(f"{i}:{v:.6f}" for i, v in enumerate(x, 1)) + "\n" for y, x in rows)
