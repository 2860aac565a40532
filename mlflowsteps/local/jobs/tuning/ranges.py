"""Ranges of hyperparameters: what a request says may be tried, and a point of the unit interval turned into a value.

Values are texts on both sides, as in the API; of integers and real numbers the ends belong to the range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Categorical", "Numeric", "Range", "RangeError", "read_ranges"]

LINEAR, LOGARITHMIC, REVERSE_LOGARITHMIC = "Linear", "Logarithmic", "ReverseLogarithmic"
_DECADES_FOR_AUTO = 3.0  # Auto scales a positive range by its logarithm where it spans so many powers of ten
_MAX_VALUES = 30


class RangeError(ValueError):
    """A range that the service refuses; the message names it, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Categorical:
    """One of several texts.

    Args:
        name: the hyperparameter.
        values: what it may be.
    """

    name: str
    values: tuple[str, ...]

    def at(self, draw: float) -> str:
        """The value at a point of [0, 1).

        >>> [Categorical("booster", ("gbtree", "dart")).at(draw) for draw in (0.0, 0.49, 0.5)]
        ['gbtree', 'gbtree', 'dart']
        """
        return self.values[min(int(draw * len(self.values)), len(self.values) - 1)]

    def holds(self, text: str) -> bool:
        """Whether a value is in the range."""
        return text in self.values


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number between two others.

    Args:
        name: the hyperparameter.
        low: smallest value.
        high: largest value.
        integer: whether only whole numbers are meant.
        scaling: ``Linear``, ``Logarithmic`` or ``ReverseLogarithmic``.
    """

    name: str
    low: float
    high: float
    integer: bool
    scaling: str = LINEAR

    def at(self, draw: float) -> str:
        """The value at a point of [0, 1).

        >>> Numeric("depth", 1, 4, integer=True).at(0.99), Numeric("eta", 0.0, 1.0, integer=False).at(0.25)
        ('4', '0.25')
        >>> Numeric("alpha", 0.01, 100.0, integer=False, scaling="Logarithmic").at(0.5)
        '1.0'
        """
        low, high = (self.low - 0.5, self.high + 0.5) if self.integer else (self.low, self.high)
        if self.integer and self.scaling == LOGARITHMIC:
            low = max(low, 0.5)
        value = _UNSCALE[self.scaling](low, high, draw)
        return self.text(value)

    def text(self, value: float) -> str:
        """A number as it stands in a request."""
        kept = min(max(value, self.low), self.high)
        return str(round(kept)) if self.integer else repr(float(kept))

    def holds(self, text: str) -> bool:
        """Whether a value is in the range."""
        try:
            return self.low <= float(text) <= self.high
        except ValueError:
            return False


Range = Categorical | Numeric


def _linear(low: float, high: float, draw: float) -> float:
    return low + (high - low) * draw


def _logarithmic(low: float, high: float, draw: float) -> float:
    return math.exp(_linear(math.log(low), math.log(high), draw))


def _reverse_logarithmic(low: float, high: float, draw: float) -> float:
    return 1.0 - math.exp(_linear(math.log(1.0 - low), math.log(1.0 - high), draw))


_UNSCALE: Mapping[str, Callable[[float, float, float], float]] = {
    LINEAR: _linear,
    LOGARITHMIC: _logarithmic,
    REVERSE_LOGARITHMIC: _reverse_logarithmic,
}


def read_ranges(given: Mapping[str, Any]) -> list[Range]:
    """The ranges of a request, in the order of their kinds.

    Args:
        given: ParameterRanges, or HyperParameterRanges of a training job definition.

    Raises:
        RangeError: one is not valid, or two have one name.
    """
    found: list[Range] = [_numeric(row, integer=True) for row in given.get("IntegerParameterRanges") or ()]
    found += [_numeric(row, integer=False) for row in given.get("ContinuousParameterRanges") or ()]
    found += [_categorical(row["Name"], row["Values"]) for row in given.get("CategoricalParameterRanges") or ()]
    # Autotune's hints: their example is where the service looks first, and it finds the range by itself.
    found += [Categorical(row["Name"], (str(row["ValueHint"]),)) for row in given.get("AutoParameters") or ()]
    names = [item.name for item in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RangeError(f"ParameterRanges names {twice!r} twice; each hyperparameter may have one range.")
    if len(found) > _MAX_VALUES:
        raise RangeError(f"ParameterRanges holds {len(found)} ranges; at most {_MAX_VALUES} are allowed.")
    return found


def _categorical(name: str, values: Sequence[str]) -> Categorical:
    if not 1 <= len(values) <= _MAX_VALUES:
        raise RangeError(f"CategoricalParameterRanges, {name!r}: {len(values)} values; 1 to {_MAX_VALUES} are allowed.")
    return Categorical(name, tuple(str(value) for value in values))


def _numeric(row: Mapping[str, Any], *, integer: bool) -> Numeric:
    name, kind = row["Name"], "IntegerParameterRanges" if integer else "ContinuousParameterRanges"
    low, high = (_number(row[key], f"{kind}, {name!r}: {key}", integer=integer) for key in ("MinValue", "MaxValue"))
    if low > high or (low == high and not integer):
        raise RangeError(f"{kind}, {name!r}: MinValue {row['MinValue']} must be below MaxValue {row['MaxValue']}.")
    scaling = _scaling(row.get("ScalingType", "Auto"), low, high, f"{kind}, {name!r}", integer=integer)
    return Numeric(name, low, high, integer, scaling)


def _number(text: str, what: str, *, integer: bool) -> float:
    try:
        found = float(int(text)) if integer else float(text)
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise RangeError(f"{what} is {str(text)[:40]!r}; it must be {'an integer' if integer else 'a number'} as text.")
    return found


def _scaling(given: str, low: float, high: float, what: str, *, integer: bool) -> str:
    if given == "Auto":
        wide = low > 0 and math.log10(high / low) >= _DECADES_FOR_AUTO
        return LOGARITHMIC if wide else LINEAR
    if given == LOGARITHMIC and low <= 0:
        raise RangeError(f"{what}: ScalingType Logarithmic needs values above 0, and MinValue is {low:g}.")
    if given == REVERSE_LOGARITHMIC and (integer or not 0 <= low <= high < 1):
        raise RangeError(
            f"{what}: ScalingType ReverseLogarithmic is for continuous ranges with 0 <= x < 1, not {low:g} to {high:g}."
        )
    return given
