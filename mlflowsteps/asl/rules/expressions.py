"""Rules about expressions: paths, intrinsic functions, payload templates, JSONata and variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mlflowsteps.asl import fields
from mlflowsteps.asl.fields import fields_of
from mlflowsteps.asl.intrinsics import compile_intrinsic, is_intrinsic
from mlflowsteps.asl.paths import compile_path, compile_reference_path
from mlflowsteps.asl.rules.fields import is_expression
from mlflowsteps.asl.rules.view import State, fault, pointer, shown
from mlflowsteps.asl.values import Json
from mlflowsteps.exceptions import Diagnostic, InvalidExpression

__all__ = ["EXPRESSION_RULES", "MAX_TEMPLATE_DEPTH"]

Found = Iterator[Diagnostic]

MAX_TEMPLATE_DEPTH = 100
MAX_VARIABLE = 80
_TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Assign", "Credentials")
_MAYBE_INTRINSIC = {"ErrorPath", "CausePath"}
_REFERENCE = {"ResultPath", "ItemsPath"}
_VARIABLE = re.compile(r"[^\W\d]\w*")
# Fields in which a string {% %} is evaluated, wherever it stands in them.
_JSONATA_FIELDS = (
    "Arguments", "Output", "Assign", "Items", "ItemSelector", "ItemBatcher", "ItemReader", "ResultWriter",
    "TimeoutSeconds", "HeartbeatSeconds", "Seconds", "Timestamp", "Error", "Cause", "MaxConcurrency",
    "ToleratedFailureCount", "ToleratedFailurePercentage", "Credentials",
)  # fmt: skip


def paths(state: State) -> Found:
    """The fields that hold a path hold one; ResultPath and ItemsPath one that names a single place."""
    if state.jsonata or not state.type:
        return
    for name, field in fields_of(state.type).items():
        text = state.body.get(name)
        if field.kind in {fields.PATH, fields.REFERENCE_PATH} and isinstance(text, str):
            yield from _path(pointer(state.pointer, name), text, name)
    for where, name, text in _inner_paths(state):
        yield from _path(where, text, name)
    for index, entry in enumerate(_list(state.body.get("Catch"))):
        text = entry.get("ResultPath") if isinstance(entry, dict) else None
        if isinstance(text, str):
            yield from _path(pointer(state.pointer, "Catch", index, "ResultPath"), text, "ResultPath")
        elif isinstance(entry, dict) and text is not None:
            yield fault(pointer(state.pointer, "Catch", index, "ResultPath"), "Expected value of type String")


def _inner_paths(state: State) -> Iterator[tuple[str, str, str]]:
    """Place, field and text of the paths inside ItemReader and ItemBatcher of a Map."""
    reader, batcher = state.body.get("ItemReader"), state.body.get("ItemBatcher")
    config = reader.get("ReaderConfig") if isinstance(reader, dict) else None
    holders = (
        (pointer(state.pointer, "ItemReader", "ReaderConfig"), config),
        (pointer(state.pointer, "ItemBatcher"), batcher),
    )
    for where, holder in holders if state.type == "Map" else ():
        for name, text in holder.items() if isinstance(holder, dict) else ():
            if name.endswith("Path") and isinstance(text, str):
                yield pointer(where, name), name, text


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _path(where: str, text: str, name: str) -> Found:
    check: Callable[[str], object] = compile_path
    if name in _MAYBE_INTRINSIC and is_intrinsic(text):
        check = compile_intrinsic
    elif name == "ResultPath":
        check = compile_reference_path
    try:
        if check(text) is not None and name == "ItemsPath":
            _one_place(text)
    except InvalidExpression as error:
        message = "Value must be a valid JSONPath."
        if name in _REFERENCE:
            began = text.startswith("$")
            reason = error.reason if began else "Reference path didn't start with '$'"
            message = f"Value is not a Reference Path: {reason}"
        yield fault(where, message, _because(error))


def _one_place(text: str) -> None:
    """ItemsPath names one place, of the input, the context object or a variable."""
    if not compile_path(text).definite:
        raise InvalidExpression(text, "a reference path must name one place")


def _because(error: InvalidExpression) -> str:
    return f"{error}. {error.hint}".removesuffix(". ")


def templates(state: State) -> Found:
    """Keys ending in .$ hold a path or an intrinsic function, at any depth."""
    if state.jsonata or not state.type:
        return
    for place, template in _template_places(state):
        yield from _template(place, template)


def _template_places(state: State) -> Iterator[tuple[str, Json]]:
    known = fields_of(state.type)
    for name in _TEMPLATES:
        if name in state.body and name in known:
            yield pointer(state.pointer, name), state.body[name]
    for field in ("Catch", "Choices"):
        for index, entry in enumerate(_list(state.body.get(field))):
            if isinstance(entry, dict) and "Assign" in entry:
                yield pointer(state.pointer, field, index, "Assign"), entry["Assign"]
    for field, inner in (("ItemReader", "Parameters"), ("ResultWriter", "Parameters"), ("ItemBatcher", "BatchInput")):
        holder = state.body.get(field)
        if isinstance(holder, dict) and inner in holder and field in known:
            yield pointer(state.pointer, field, inner), holder[inner]


def _template(where: str, template: Json) -> Found:
    waiting: list[tuple[Json, int]] = [(template, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_TEMPLATE_DEPTH:
            message = f"A payload template is nested more than {MAX_TEMPLATE_DEPTH} deep"
            yield fault(where, message, code="TOO_DEEPLY_NESTED")
            return
        if isinstance(value, dict):
            yield from _keys(where, value)
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting.extend((item, depth + 1) for item in inner)


def _keys(where: str, value: dict[str, Json]) -> Found:
    for key, text in value.items():
        if not key.endswith(".$"):
            continue
        if key[:-2] in value:
            message = f"The fields '{key[:-2]}' and '{key}' stand for the same name"
            yield fault(where, message, "Remove one")
        problem = _expression_problem(text)
        if problem:
            message = f"The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call"
            yield fault(where, message, problem)


def _expression_problem(text: Json) -> str:
    if not isinstance(text, str):
        return f"A string, not {shown(text)}"
    try:
        if is_intrinsic(text):
            compile_intrinsic(text)
        else:
            compile_path(text)
    except InvalidExpression as error:
        return _because(error)
    return ""


def variables(state: State) -> Found:
    """Names of variables are names, and $states is the language's."""
    places = [(pointer(state.pointer, "Assign"), state.body["Assign"])] if "Assign" in state.body else []
    for field in ("Catch", "Choices"):
        for index, entry in enumerate(_list(state.body.get(field))):
            if isinstance(entry, dict) and "Assign" in entry:
                places.append((pointer(state.pointer, field, index, "Assign"), entry["Assign"]))
    for where, assigned in places:
        if not isinstance(assigned, dict):
            yield fault(where, "Expected value of type Object", "Names of variables and their values")
            continue
        for key in assigned:
            yield from _variable(where, key if state.jsonata else key.removesuffix(".$"))


def _variable(where: str, name: str) -> Found:
    if name == "states":
        message = "Cannot assign to reserved variable '$states'."
        yield fault(where, message, "Choose another name", code="RESERVED_VARIABLE_NAME")
    elif not _VARIABLE.fullmatch(name):
        message = f"Invalid variable name '{name[:MAX_VARIABLE]}': the variable name contains invalid characters."
        yield fault(where, message, "Letters, digits and _, a letter first", code="INVALID_VARIABLE_NAME")
    elif len(name) > MAX_VARIABLE:
        message = f"Invalid variable name '{name[:MAX_VARIABLE]}...': it has more than {MAX_VARIABLE} characters."
        yield fault(where, message, code="INVALID_VARIABLE_NAME")


def expressions(state: State) -> Found:
    """Every {% %} of a JSONata state is an expression the service takes."""
    if not state.jsonata or not state.type:
        return
    for name in _JSONATA_FIELDS:
        if name in state.body and name in fields_of(state.type):
            yield from _jsonata(pointer(state.pointer, name), state.body[name], "state")
    for field, inner in (("Choices", ("Condition", "Assign", "Output")), ("Catch", ("Assign", "Output"))):
        for index, entry in enumerate(_list(state.body.get(field))):
            for name in inner:
                if isinstance(entry, dict) and name in entry:
                    where = pointer(state.pointer, field, index, name)
                    yield from _jsonata(where, entry[name], "catcher" if field == "Catch" else "state")
                    if name == "Condition" and not (is_expression(entry[name]) or isinstance(entry[name], bool)):
                        yield fault(where, "JSONata string must start with {% and end with %}")


def _jsonata(where: str, value: Json, place: str) -> Found:
    from mlflowsteps.asl.jsonata import check_expression  # loads the library: only for those who use it

    waiting: list[tuple[str, Json, int]] = [(where, value, 1)]
    while waiting:
        at, item, depth = waiting.pop()
        if depth > MAX_TEMPLATE_DEPTH:
            yield fault(where, f"A value is nested more than {MAX_TEMPLATE_DEPTH} deep", code="TOO_DEEPLY_NESTED")
            return
        if isinstance(item, dict):
            waiting.extend((pointer(at, key), inner, depth + 1) for key, inner in item.items())
        elif isinstance(item, list):
            waiting.extend((pointer(at, index), inner, depth + 1) for index, inner in enumerate(item))
        elif isinstance(item, str) and item.startswith("{%"):
            if not is_expression(item):
                yield fault(at, "JSONata string must start with {% and end with %}", "Close it with %}")
            else:
                for code, message, hint in check_expression(item[2:-2].strip(), place):
                    yield fault(at, message, hint, code=code)


# --- warnings of the service


def literal_paths(state: State) -> Found:
    """A value that looks like a path under a key without .$ (a warning)."""
    if state.jsonata or not state.type:
        return
    for place, template in _template_places(state):
        waiting: list[tuple[Json, int]] = [(template, 1)]
        while waiting:
            value, depth = waiting.pop()
            if isinstance(value, dict) and depth <= MAX_TEMPLATE_DEPTH:
                for key, text in value.items():
                    waiting.append((text, depth + 1))
                    if isinstance(text, str) and not key.endswith(".$") and text.startswith(("$.", "$$.", "States.")):
                        message = (
                            f"The value of '{key}' looks like a path or an intrinsic function, but is taken literally"
                        )
                        yield fault(place, message, f"Write '{key}.$'", code="NO_DOLLAR", severity="WARNING")


def static_result(state: State) -> Found:
    """Paths in a Pass state's Result stay as they are (a warning)."""
    result = state.body.get("Result")
    if state.type == "Pass" and isinstance(result, dict) and any(str(key).endswith(".$") for key in result):
        message = "Result is taken literally: keys that end in .$ are not evaluated"
        hint = "Write it as Parameters"
        yield fault(pointer(state.pointer, "Result"), message, hint, code="PASS_RESULT_IS_STATIC", severity="WARNING")


EXPRESSION_RULES = (paths, templates, variables, expressions, literal_paths, static_result)
