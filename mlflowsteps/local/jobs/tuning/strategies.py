"""Strategies: which values the next training job gets. Random and Grid are here; the others learn, by optuna.

A strategy is rebuilt from the trials that are written down, and proposes after a crash what it would have proposed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from mlflowsteps.local.jobs.tuning.ranges import Categorical
from mlflowsteps.local.jobs.tuning.requests import Definition
from mlflowsteps.local.jobs.tuning.trials import Trial

__all__ = ["Grid", "Random", "Strategy"]

_TRIES = 50  # draws until the values differ from all that were tried; a small space may be exhausted


class Strategy(Protocol):
    """Proposes values, and hears how they did."""

    def propose(self, number: int, known: Sequence[Trial]) -> tuple[int, dict[str, str]] | None:
        """Index of a definition and the values of trial ``number`` (from 0); None where all was tried."""

    def observe(self, trial: Trial, series: Sequence[float]) -> bool:
        """Take note of the objective's values so far; True where the training job is not worth going on with."""

    def ended(self, trial: Trial) -> None:
        """Take note of a trial's end."""


class Random:
    """Values drawn at random, each by its scaling; definitions take turns.

    Args:
        definitions: the training job definitions.
        seed: the same one gives the same values.
    """

    def __init__(self, definitions: Sequence[Definition], seed: int) -> None:
        self._definitions, self._seed = definitions, seed

    def propose(self, number: int, known: Sequence[Trial]) -> tuple[int, dict[str, str]] | None:
        """See Strategy."""
        index = number % len(self._definitions)
        draw = random.Random(f"{self._seed}/{number}")  # noqa: S311 - of experiments, not of secrets
        tried = [trial.tuned for trial in known if trial.definition == index]
        values: dict[str, str] = {}
        for _ in range(_TRIES):
            values = {item.name: item.at(draw.random()) for item in self._definitions[index].ranges}
            if values not in tried:
                break
        return index, values

    def observe(self, trial: Trial, series: Sequence[float]) -> bool:
        """Nothing is learnt."""
        del trial, series
        return False

    def ended(self, trial: Trial) -> None:
        """Nothing is learnt."""
        del trial


class Grid:
    """Every combination of categorical values once, the last range changing fastest.

    Args:
        definitions: the training job definitions.
        seed: not used; a grid has one order.
    """

    def __init__(self, definitions: Sequence[Definition], seed: int) -> None:
        del seed
        self._definitions = definitions

    def propose(self, number: int, known: Sequence[Trial]) -> tuple[int, dict[str, str]] | None:
        """See Strategy."""
        del known
        for index, definition in enumerate(self._definitions):
            ranges = [item for item in definition.ranges if isinstance(item, Categorical)]
            total = 1
            for item in ranges:
                total *= len(item.values)
            if number < total:
                return index, _point(ranges, number)
            number -= total
        return None

    def observe(self, trial: Trial, series: Sequence[float]) -> bool:
        """Nothing is learnt."""
        del trial, series
        return False

    def ended(self, trial: Trial) -> None:
        """Nothing is learnt."""
        del trial


def _point(ranges: Sequence[Categorical], number: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in reversed(ranges):
        number, place = divmod(number, len(item.values))
        found[item.name] = item.values[place]
    return dict(reversed(found.items()))


Maker = Callable[[Sequence[Definition], int], Strategy]
STRATEGIES: Mapping[str, Maker] = {"Random": Random, "Grid": Grid}
