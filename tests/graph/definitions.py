"""Definitions made by hypothesis: nested, looping, with long and odd names, and not always valid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.graph.samples import HOSTILE_NAMES

_WORDS = st.sampled_from(
    ["Train", "Score fold", "Deploy the endpoint to staging", "A", "機械学習モデル", "Wait", "N" * 90]
)
_ODD = st.sampled_from(HOSTILE_NAMES)


@st.composite
def machines(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """A state machine of up to nine states a level."""
    count = draw(st.integers(1, 9))
    stems = draw(st.lists(st.one_of(_WORDS, _ODD), min_size=count, max_size=count))
    names = [f"{stem} {index}" for index, stem in enumerate(stems)]
    targets = st.sampled_from([*names, "Nowhere"]) if draw(st.booleans()) else st.sampled_from(names)
    states = {}
    for index, name in enumerate(names):
        after = names[index + 1] if index + 1 < count else None
        states[name] = draw(_state(after, targets, depth))
    return {"StartAt": names[0], "States": states}


@st.composite
def _state(draw: st.DrawFn, after: str | None, targets: st.SearchStrategy[str], depth: int) -> dict[str, Any]:
    kinds = ["Task", "Task", "Pass", "Wait", "Choice", "Succeed", "Fail"] + (["Parallel", "Map"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    state: dict[str, Any] = {"Type": kind}
    if kind in {"Succeed", "Fail"}:
        return state
    if kind == "Choice":
        count = draw(st.integers(1, 4))
        rules = [{"Variable": "$.some.path", "NumericGreaterThan": n, "Next": draw(targets)} for n in range(count)]
        return {**state, "Choices": rules, "Default": draw(targets)}
    if after and draw(st.integers(0, 5)):
        state["Next"] = after if draw(st.integers(0, 4)) else draw(targets)
    else:
        state["End"] = True
    if kind in {"Task", "Parallel", "Map"} and draw(st.booleans()):
        state["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": draw(targets)}]
    if kind == "Parallel":
        state["Branches"] = draw(st.lists(machines(depth - 1), max_size=3))
    if kind == "Map":
        state["ItemProcessor"] = draw(machines(depth - 1))
    return state
