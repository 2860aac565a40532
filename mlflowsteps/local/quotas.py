"""The service's quotas, each of which a runtime may set otherwise.

Owns names, values and units. Who enforces one reads it here; nothing else holds such a number.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields

__all__ = ["Quotas"]


@dataclass(frozen=True, slots=True)
class Quotas:
    """The quotas of Step Functions, at the service's values.

    Args:
        history_events: events of a standard execution's history, with the one that ends it.
        payload_bytes: an input, output, result or variable, in UTF-8.
        variables_bytes: all variables of an execution.
        definition_bytes: a definition.
        name_length: characters of a state machine's, execution's, version's, alias's or activity's name.
        tags: tags of one resource.
        state_machines: state machines.
        activities: activities.
        versions: versions of one state machine.
        aliases: aliases of one state machine.
        open_executions: standard executions that run at a time.
        activity_pollers: workers that wait for tasks of one activity at a time.
        poll_seconds: how long GetActivityTask waits for a task.
        express_seconds: longest time of an Express execution.
        redrive_days: days after its end in which an execution may be redriven.
        redrives: how often one execution may be redriven.

    Source:
        Developer guide, "Service quotas"; the API's model.
    """

    history_events: int = 25_000
    payload_bytes: int = 262_144
    variables_bytes: int = 10 * 1024 * 1024
    definition_bytes: int = 1_048_576
    name_length: int = 80
    tags: int = 50
    state_machines: int = 100_000
    activities: int = 100_000
    versions: int = 1_000
    aliases: int = 100
    open_executions: int = 1_000_000
    activity_pollers: int = 1_000
    poll_seconds: float = 60
    express_seconds: float = 300
    redrive_days: float = 14
    redrives: int = 1_000

    @classmethod
    def of(cls, given: Mapping[str, float] | None) -> Quotas:
        """The service's quotas with some of them set otherwise.

        Args:
            given: values by name.

        Raises:
            ValueError: there is no quota of a name (the nearest one is named), or a value is no number of 1 or more.

        >>> Quotas.of({"history_events": 100}).history_events
        100
        """
        known = {one.name: one for one in fields(cls)}
        for name, value in (given or {}).items():
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(known)}."
                raise ValueError(f"There is no quota {name!r}.{hint}")
            _check(name, value, whole=isinstance(known[name].default, int) and known[name].type == "int")
        return cls(**(dict(given or {})))  # type: ignore[arg-type]


def _check(name: str, value: object, *, whole: bool) -> None:
    kind = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or not value > 0:
        wanted = "a whole number" if whole else "a number"
        raise ValueError(f"The quota {name} is {value!r}; it must be {wanted} above 0.")
