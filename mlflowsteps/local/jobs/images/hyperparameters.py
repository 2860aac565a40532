"""Hyperparameters of built-in algorithms: readers of their texts, and a check of all of them against a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["ParameterError", "Reader", "check", "decode", "flag", "integer", "one_of", "read", "real", "text"]

Reader = Callable[[str], Any]


class ParameterError(ValueError):
    """A hyperparameter is missing, not known, or out of its range."""


def integer(low: int, high: float = float("inf")) -> Callable[[str], int]:
    """Reads a whole number from ``low`` to ``high``."""

    def read(value: str) -> int:
        number = float(value)
        if not number.is_integer() or not low <= number <= high:
            raise ValueError(f"must be an integer of at least {low}" + (f", at most {high}" if high < 1e300 else ""))
        return int(number)

    return read


def real(low: float = float("-inf"), high: float = float("inf")) -> Callable[[str], float]:
    """Reads a number from ``low`` to ``high``."""

    def read(value: str) -> float:
        number = float(value)
        if not low <= number <= high:
            raise ValueError(f"must be a number from {low} to {high}")
        return number

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """Reads one of some words."""

    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return read


def flag(*more: str) -> Callable[[str], str]:
    """Reads ``true`` or ``false`` in any case (SageMaker's SDK 2 sends ``True``), or one of some other words."""

    def read(value: str) -> str:
        found = value.lower()
        if found not in ("true", "false", *more):
            raise ValueError(f"must be one of {', '.join(('true', 'false', *more))}")
        return found

    return read


def text(value: str) -> str:
    """Reads anything."""
    return value


def decode(raw: object) -> str:
    """A value that may be JSON-encoded text, as some estimators send it."""
    found = str(raw).strip()
    if found.startswith('"'):
        try:
            return str(json.loads(found))
        except ValueError:
            return found
    return found


def read(name: str, value: str, reader: Reader) -> Any:
    """One value.

    Raises:
        ParameterError: names the hyperparameter, the value and what is allowed.
    """
    try:
        return reader(value)
    except (ValueError, OverflowError) as error:
        reason = str(error) if "must be" in str(error) else "must be a number"
        raise ParameterError(f"Hyperparameter {name!r} is {value!r}; it {reason}.") from None


def check(given: Mapping[str, str], known: Mapping[str, Reader], required: tuple[str, ...]) -> dict[str, Any]:
    """All values, typed.

    Raises:
        ParameterError: one is missing, not known or not valid.
    """
    found = {}
    for name, raw in given.items():
        if name.startswith(("_", "sagemaker_")):
            continue
        if name not in known:
            raise ParameterError(
                f"Hyperparameter {name!r} (value {decode(raw)!r}) is not known to this image. Take it out, or correct "
                f"its name; known are: {', '.join(sorted(known))}"
            )
        found[name] = read(name, decode(raw), known[name])
    missing = [name for name in required if name not in found]
    if missing:
        raise ParameterError(f"Hyperparameter {missing[0]!r} is required.")
    return found
