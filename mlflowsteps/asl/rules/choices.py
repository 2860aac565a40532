"""Rules about the rules of a Choice state."""

from __future__ import annotations

from collections.abc import Iterator

from mlflowsteps.asl.choices import COMPARATORS, LOGIC, MAX_RULE_DEPTH, compile_rule
from mlflowsteps.asl.paths import compile_path
from mlflowsteps.asl.rules.view import State, fault, pointer, shown, wrong_language
from mlflowsteps.asl.values import Json
from mlflowsteps.exceptions import Diagnostic, InvalidExpression

__all__ = ["CHOICE_RULES"]

Found = Iterator[Diagnostic]

_ONE_OF = ("And", "Or", "Not", "Variable", "Condition")
_TOP = {"Next", "Assign", "Output", "Comment"}


def choices_are_there(state: State) -> Found:
    """A Choice state has one rule at least."""
    if state.type == "Choice" and state.body.get("Choices") == []:
        yield fault(pointer(state.pointer, "Choices"), "Value cannot be empty", "Add a rule")


def choice_rules(state: State) -> Found:
    """Each rule has one condition, in the state's query language, and a Next at the top alone."""
    if state.type != "Choice":
        return
    for where, rule, depth in _rules(state):
        if not isinstance(rule, dict):
            yield fault(where, f"Expected value of type Object, found {shown(rule)}")
        elif depth > MAX_RULE_DEPTH:
            yield fault(where, f"Choice rules are nested more than {MAX_RULE_DEPTH} deep", code="TOO_DEEPLY_NESTED")
        else:
            yield from _frame(where, rule, depth, state)
            yield from _condition(where, rule, state)


def _rules(state: State) -> Iterator[tuple[str, Json, int]]:
    """Every rule with its place and depth; And, Or and Not are opened with a stack."""
    entries = state.body.get("Choices")
    where = pointer(state.pointer, "Choices")
    tops = enumerate(entries if isinstance(entries, list) else [])
    waiting: list[tuple[str, Json, int]] = [(pointer(where, index), rule, 1) for index, rule in tops]
    waiting.reverse()
    while waiting:
        place, rule, depth = waiting.pop()
        yield place, rule, depth
        if isinstance(rule, dict) and depth <= MAX_RULE_DEPTH:
            for name in ("And", "Or"):
                inner = rule.get(name)
                if isinstance(inner, list):
                    waiting.extend((pointer(place, name, index), item, depth + 1) for index, item in enumerate(inner))
            if "Not" in rule:
                waiting.append((pointer(place, "Not"), rule["Not"], depth + 1))


def _frame(where: str, rule: dict[str, Json], depth: int, state: State) -> Found:
    """What stands beside the condition."""
    if depth == 1 and "Next" not in rule:
        yield fault(where, "These fields are required: [Next]", "Name the state that follows when the rule matches")
    if "Next" in rule and depth == 1 and not isinstance(rule["Next"], str):
        yield fault(pointer(where, "Next"), f"Expected value of type String, found {shown(rule['Next'])}")
    known = {*_ONE_OF, *COMPARATORS, "Comment"} | (_TOP if depth == 1 else set())
    for name in rule:
        if name not in known:
            hint = "Only a rule of Choices has it, not one inside And, Or or Not" if name in _TOP else ""
            yield fault(where, f"Field '{name}' is not supported", hint or state.hints.near(name, known))
    if "Output" in rule and not state.jsonata:
        yield fault(where, wrong_language(state, "Output", "JSONata"))


def _condition(where: str, rule: dict[str, Json], state: State) -> Found:
    found = [name for name in _ONE_OF if name in rule]
    if len(found) != 1:
        message = f"The object must have only one of the following fields, [{', '.join(_ONE_OF)}]"
        hint = (
            f"It has {', '.join(found)}"
            if found
            else "Add a Condition"
            if state.jsonata
            else "Add a Variable and a comparator"
        )
        yield fault(where, message, hint)
        return
    if (found[0] == "Condition") != state.jsonata:
        other = "JSONPath" if state.jsonata else "JSONata"
        message = wrong_language(state, found[0], other)
        yield fault(
            where, message, 'Write "Condition": "{% ... %}"' if state.jsonata else "Write Variable and a comparator"
        )
    elif found[0] in LOGIC:
        yield from _logic(where, found[0], rule)
    elif found[0] == "Variable":
        yield from _comparison(where, rule, state)


def _logic(where: str, name: str, rule: dict[str, Json]) -> Found:
    if name != "Not" and not isinstance(rule[name], list):
        yield fault(pointer(where, name), f"Expected value of type Array, found {shown(rule[name])}")
    elif name != "Not" and not rule[name]:
        yield fault(pointer(where, name), "Value cannot be empty", "Add a rule")
    extra = [field for field in rule if field in COMPARATORS]
    if extra:
        yield fault(where, f"Field '{extra[0]}' is not supported", f"A comparator stands in a rule inside {name}")


def _comparison(where: str, rule: dict[str, Json], state: State) -> Found:
    found = [name for name in rule if name in COMPARATORS]
    if len(found) != 1:
        message = f"There should only be one of the following fields: [{', '.join(found)}]"
        hint = "Split it into rules within And"
        if not found:
            message = "A rule with Variable needs a comparator"
            others = [name for name in rule if name not in _TOP and name not in _ONE_OF]
            hint = state.hints.near(others[0], COMPARATORS) if others else "Such as StringEquals or NumericGreaterThan"
        yield fault(where, message, hint)
        return
    for name in ("Variable", *[name for name in found if COMPARATORS[name] == "Path"]):
        problem = _path_problem(rule[name])
        if problem:
            yield fault(pointer(where, name), f"Value is not a Reference Path: {problem}")
            return
    try:
        compile_rule({"Variable": rule["Variable"], found[0]: rule[found[0]]})
    except InvalidExpression as error:
        yield fault(pointer(where, found[0]), f"{error.reason}, found {shown(rule[found[0]])}", error.hint)


def _path_problem(text: Json) -> str:
    if not isinstance(text, str):
        return f"expected a path, found {shown(text)}"
    if not text.startswith("$"):
        return "Reference path didn't start with '$'"
    try:
        compile_path(text)
    except InvalidExpression as error:
        return str(error)
    return ""


CHOICE_RULES = (choices_are_there, choice_rules)
