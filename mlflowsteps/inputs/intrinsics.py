"""The 18 intrinsic functions of the Amazon States Language as Python functions.

Each gives an expression that may stand wherever a placeholder may. It checks what can be known of the arguments while
the workflow is written; what they do is ``asl.intrinsics``.
"""

from __future__ import annotations

from typing import Any

from mlflowsteps.inputs.expressions import Call
from mlflowsteps.inputs.syntax import Json, Reference, argument, quote, split_tokens

__all__ = [
    "array",
    "array_contains",
    "array_get_item",
    "array_length",
    "array_partition",
    "array_range",
    "array_unique",
    "base64_decode",
    "base64_encode",
    "format",
    "hash",
    "json_merge",
    "json_to_string",
    "math_add",
    "math_random",
    "string_split",
    "string_to_json",
    "uuid",
]

HASH_ALGORITHMS = ("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512")
_TEXT = (str,)
_INTEGER = (int,)
_NUMBER = (int, float)
_ARRAY = (list, tuple)
_OBJECT = (dict,)


def _check(function: str, name: str, value: Json, types: tuple[type, ...]) -> None:
    """Refuse an argument whose type, or declared type, cannot be right."""
    if isinstance(value, Reference):
        declared = value.type
        fits = not isinstance(declared, type) or issubclass(declared, (*types, *((float,) if int in types else ())))
    else:
        fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    if not fits:
        wanted = " or ".join(kind.__name__ for kind in types)
        raise TypeError(f"intrinsics.{function}: {name} must be {wanted} or a placeholder for one, not {value!r}")


def _call(name: str, *arguments: Json, type: Any = None) -> Call:  # noqa: A002 - as Call's
    return Call(f"States.{name}({', '.join(argument(value) for value in arguments)})", type)


def format(template: str, *values: Json) -> Call:  # noqa: A001 - the function's own name
    """Text with values put in (``States.Format``).

    Args:
        template: text with one ``{}`` for each value.
        values: what is put in, in order.

    Raises:
        TypeError: the template is no text.
        ValueError: the number of ``{}`` is not that of the values.

    >>> format("job-{}", Call("States.UUID()")).to_jsonpath()
    "States.Format('job-{}', States.UUID())"
    """
    if not isinstance(template, str):
        raise TypeError(f"intrinsics.format: template must be text, not {template!r}")
    literals = template.split("{}")
    if len(literals) - 1 != len(values):
        raise ValueError(
            f"intrinsics.format: {template!r} has {len(literals) - 1} times {{}} for {len(values)} values; "
            "write one {} for each value"
        )
    parts: list[str] = []
    arguments: list[str] = []
    for index, literal in enumerate(literals):
        tokens = split_tokens(literal)
        parts.append("{}".join(quote(part)[1:-1] for part in tokens[::2]))
        arguments += tokens[1::2]
        if index < len(values):
            parts.append("{}")
            arguments.append(argument(values[index]))
    text = ", ".join([f"'{''.join(parts)}'", *arguments])
    return Call(f"States.Format({text})", str)


def string_to_json(text: str | Reference) -> Call:
    """The value that JSON text stands for (``States.StringToJson``)."""
    _check("string_to_json", "text", text, _TEXT)
    return _call("StringToJson", text)


def json_to_string(value: Json) -> Call:
    """A value as JSON text (``States.JsonToString``)."""
    return _call("JsonToString", value, type=str)


def array(*values: Json) -> Call:
    """An array of the values (``States.Array``)."""
    return _call("Array", *values, type=list)


def array_partition(values: list[Json] | Reference, size: int | Reference) -> Call:
    """The array cut into arrays of ``size`` elements, the last one perhaps shorter (``States.ArrayPartition``)."""
    _check("array_partition", "values", values, _ARRAY)
    _check("array_partition", "size", size, _INTEGER)
    if isinstance(size, int) and size < 1:
        raise ValueError(f"intrinsics.array_partition: size must be at least 1, not {size}")
    return _call("ArrayPartition", values, size, type=list)


def array_contains(values: list[Json] | Reference, value: Json) -> Call:
    """True where the array holds the value (``States.ArrayContains``)."""
    _check("array_contains", "values", values, _ARRAY)
    return _call("ArrayContains", values, value, type=bool)


def array_range(first: int | Reference, last: int | Reference, step: int | Reference) -> Call:
    """The numbers from ``first`` to ``last``, both included (``States.ArrayRange``); at most 1,000 of them."""
    for name, value in (("first", first), ("last", last), ("step", step)):
        _check("array_range", name, value, _INTEGER)
    if isinstance(step, int) and step == 0:
        raise ValueError("intrinsics.array_range: step must not be 0")
    if (
        isinstance(first, int)
        and isinstance(last, int)
        and isinstance(step, int)
        and len(range(first, last + (1 if step > 0 else -1), step)) > 1000
    ):
        raise ValueError(f"intrinsics.array_range: {first} to {last} by {step} are more than 1,000 numbers")
    return _call("ArrayRange", first, last, step, type=list)


def array_get_item(values: list[Json] | Reference, index: int | Reference) -> Call:
    """The element at ``index``, from 0 (``States.ArrayGetItem``)."""
    _check("array_get_item", "values", values, _ARRAY)
    _check("array_get_item", "index", index, _INTEGER)
    if isinstance(index, int) and index < 0:
        raise ValueError(f"intrinsics.array_get_item: index counts from 0, not {index}")
    return _call("ArrayGetItem", values, index)


def array_length(values: list[Json] | Reference) -> Call:
    """The number of elements (``States.ArrayLength``)."""
    _check("array_length", "values", values, _ARRAY)
    return _call("ArrayLength", values, type=int)


def array_unique(values: list[Json] | Reference) -> Call:
    """The array without repeated elements (``States.ArrayUnique``)."""
    _check("array_unique", "values", values, _ARRAY)
    return _call("ArrayUnique", values, type=list)


def base64_encode(text: str | Reference) -> Call:
    """The text in Base64; at most 10,000 characters (``States.Base64Encode``)."""
    _check("base64_encode", "text", text, _TEXT)
    return _call("Base64Encode", text, type=str)


def base64_decode(text: str | Reference) -> Call:
    """The text that Base64 stands for; at most 10,000 characters (``States.Base64Decode``)."""
    _check("base64_decode", "text", text, _TEXT)
    return _call("Base64Decode", text, type=str)


def hash(value: Json, algorithm: str | Reference) -> Call:  # noqa: A001 - the function's own name
    """The hash of a value in hexadecimal digits (``States.Hash``).

    Args:
        value: what is hashed; what is not text is hashed as its JSON text.
        algorithm: MD5, SHA-1, SHA-256, SHA-384 or SHA-512.

    Raises:
        ValueError: there is no such algorithm.
    """
    _check("hash", "algorithm", algorithm, _TEXT)
    if isinstance(algorithm, str) and algorithm not in HASH_ALGORITHMS:
        raise ValueError(f"intrinsics.hash: algorithm must be one of {', '.join(HASH_ALGORITHMS)}, not {algorithm!r}")
    return _call("Hash", value, algorithm, type=str)


def json_merge(first: dict[str, Json] | Reference, second: dict[str, Json] | Reference, deep: bool = False) -> Call:
    """One object of two; where both have a key, the second's value (``States.JsonMerge``).

    Args:
        first: an object.
        second: an object.
        deep: the service merges the top level only, so that this must be False.

    Raises:
        ValueError: ``deep`` is True.
    """
    _check("json_merge", "first", first, _OBJECT)
    _check("json_merge", "second", second, _OBJECT)
    if deep:
        raise ValueError("intrinsics.json_merge: the service merges the top level only; deep must be False")
    return _call("JsonMerge", first, second, False, type=dict)


def math_random(first: int | Reference, last: int | Reference, seed: int | Reference | None = None) -> Call:
    """A random whole number from ``first`` to ``last``, the latter excluded (``States.MathRandom``)."""
    _check("math_random", "first", first, _INTEGER)
    _check("math_random", "last", last, _INTEGER)
    if seed is None:
        return _call("MathRandom", first, last, type=int)
    _check("math_random", "seed", seed, _INTEGER)
    return _call("MathRandom", first, last, seed, type=int)


def math_add(first: float | Reference, second: float | Reference) -> Call:
    """The sum of two whole numbers; others are rounded first (``States.MathAdd``)."""
    _check("math_add", "first", first, _NUMBER)
    _check("math_add", "second", second, _NUMBER)
    return _call("MathAdd", first, second, type=int)


def string_split(text: str | Reference, separator: str | Reference) -> Call:
    """The parts of the text between the characters of ``separator``, empty ones left out (``States.StringSplit``)."""
    _check("string_split", "text", text, _TEXT)
    _check("string_split", "separator", separator, _TEXT)
    return _call("StringSplit", text, separator, type=list)


def uuid() -> Call:
    """A new random UUID, version 4 (``States.UUID``)."""
    return Call("States.UUID()", str)
