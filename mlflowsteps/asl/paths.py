"""Paths: JSONPath in the dialect of the service, compiled once into closures.

It owns the definite and the indefinite rule, roots (``$``, ``$$``, ``$name``), reference paths and their writing, and
the texts of failed reads. Syntax stands in ``path_syntax``, selection in ``path_walk``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from mlflowsteps.asl.path_syntax import Call, Descent, Indices, Keys, Segment, parse_path
from mlflowsteps.asl.path_walk import Budget, compile_segments, is_definite
from mlflowsteps.asl.values import Json, Scope, dumps
from mlflowsteps.exceptions import InvalidExpression, PathError, StatesError

__all__ = ["Path", "ReferencePath", "compile_path", "compile_reference_path"]

Key: TypeAlias = str | int

_ROOT = re.compile(r"\$(\$|[^\W\d]\w*)?")
MAX_PATH = 8_192


class Path:
    """A compiled path.

    Attributes:
        text: the path as written.
        definite: True: it names one place, and reading gives the value or an error; False: always a list.
        root: ``$`` the input, ``$$`` the context object, or the name of a variable.
        read: from a Scope to the value; raises PathError where a definite path finds nothing.
    """

    __slots__ = ("definite", "read", "root", "segments", "text")

    def __init__(self, text: str, root: str, segments: tuple[Segment, ...]) -> None:
        self.text, self.root, self.segments = text, root, segments
        self.definite = is_definite(segments)
        self.read: Callable[[Scope], Json] = _reader(self)

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


@lru_cache(maxsize=2048)
def compile_path(text: str) -> Path:
    """Compile a JSONPath.

    Args:
        text: such as ``$.a[0].b``, ``$..price``, ``$$.Execution.Id`` or ``$variable.a``.

    Raises:
        InvalidExpression: the text is no path.

    >>> compile_path("$.a.b").read(Scope({"a": {"b": 1}}))
    1
    >>> compile_path("$.a[*].b").read(Scope({}))
    []
    """
    if not text.startswith("$"):
        raise InvalidExpression(text, "a path begins with '$'", 0, f"Write '$.{text}'" if text.isidentifier() else "")
    if len(text) > MAX_PATH:
        raise InvalidExpression(text, f"a path is at most {MAX_PATH} characters long")
    match = _ROOT.match(text)
    root = match[0] if match else "$"
    name = root if root in {"$", "$$"} else root[1:]
    return Path(text, name, parse_path(text, len(root)))


# --- reading


def _reader(path: Path) -> Callable[[Scope], Json]:
    if not path.definite:
        return _list_reader(path)
    keys = _plain_keys(path.segments)
    if keys is None:
        return _value_reader(path)
    if path.root != "$":
        return _rooted_reader(path, keys)
    if not keys:
        return lambda scope: scope.input
    if all(isinstance(key, str) for key in keys):
        return _names_reader(path, keys)
    return _keys_reader(path, keys)


def _plain_keys(segments: tuple[Segment, ...]) -> tuple[Key, ...] | None:
    """The names and indices of a path that has nothing else; None for other paths."""
    keys: list[Key] = []
    for segment in segments:
        if isinstance(segment, Keys) and len(segment.names) == 1:
            keys.append(segment.names[0])
        elif isinstance(segment, Indices) and len(segment.numbers) == 1:
            keys.append(segment.numbers[0])
        else:
            return None
    return tuple(keys)


def _names_reader(path: Path, names: tuple[Key, ...]) -> Callable[[Scope], Json]:
    def read(scope: Scope) -> Json:
        value = scope.input
        try:
            for name in names:
                value = value[name]
        except (KeyError, TypeError, IndexError):
            raise _not_found(path, names, scope.input) from None
        return value

    return read


def _keys_reader(path: Path, keys: tuple[Key, ...]) -> Callable[[Scope], Json]:
    return lambda scope: _follow(path, keys, scope.input)


def _follow(path: Path, keys: tuple[Key, ...], document: Json) -> Json:
    value = document
    try:
        for key in keys:
            if key.__class__ is int and value.__class__ is not list:
                raise _not_found(path, keys, document)
            value = value[key]
    except (KeyError, TypeError, IndexError):
        raise _not_found(path, keys, document) from None
    return value


def _rooted_reader(path: Path, keys: tuple[Key, ...]) -> Callable[[Scope], Json]:
    if path.root == "$$":
        return lambda scope: _follow(path, keys, scope.context)
    return lambda scope: _follow(path, keys, _root(path, scope))


def _root(path: Path, scope: Scope) -> Json:
    if path.root == "$":
        return scope.input
    if path.root == "$$":
        return scope.context
    try:
        return scope.variables[path.root]
    except KeyError:
        raise PathError(path.text, f"There is no variable ${path.root}") from None


def _list_reader(path: Path) -> Callable[[Scope], Json]:
    select = compile_segments(path.segments)

    def read(scope: Scope) -> Json:
        document = _root(path, scope)
        return select(document, Budget(document))

    return read


def _value_reader(path: Path) -> Callable[[Scope], Json]:
    """Definite paths with several names at their end, or with a function."""
    segments = path.segments
    call = segments[-1] if isinstance(segments[-1], Call) else None
    # A function over an indefinite path is applied to the list, as Jayway does for `$..a.length()`.
    gathered = call is not None and not is_definite(segments[:-1])
    select = compile_segments(segments[:-1] if gathered else segments)
    apply = compile_segments((call,)) if gathered and call is not None else None

    def read(scope: Scope) -> Json:
        document = _root(path, scope)
        budget = Budget(document)
        found = select(document, budget)
        if apply is not None:
            found = apply(found, budget)
        if not found:
            raise PathError(path.text, f"No results for path: {path.text}")
        return found[0]

    return read


def _not_found(path: Path, keys: tuple[Key, ...], document: Json) -> PathError:
    """Walk again, slowly, to say as the service does where the path ends."""
    value, place = document, "$"
    for position, key in enumerate(keys):
        fragment = _fragment(key)
        if isinstance(key, str) and not isinstance(value, dict):
            return PathError(path.text, _no_object(fragment, place, value))
        if isinstance(key, int) and not isinstance(value, list):
            detail = f"The path {place} is null" if value is None else _no_array(fragment, value)
            return PathError(path.text, detail)
        place += fragment
        if isinstance(key, str) and key not in value and position < len(keys) - 1:
            return PathError(path.text, f"Missing property in path {place}")
        try:
            value = value[key]
        except (KeyError, IndexError):
            break
    past_end = isinstance(value, list) and place == "$" + "".join(_fragment(key) for key in keys)
    return PathError(path.text, f"No results for path: {place}", past_end=past_end)


def _fragment(key: Key) -> str:
    return f"['{key}']" if isinstance(key, str) else f"[{key}]"


def _no_object(fragment: str, place: str, value: Json) -> str:
    provider = "com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider"
    return (
        f"Expected to find an object with property {fragment} in path {place} but found '{_java_type(value)}'. "
        f"This is not a json object according to the JsonProvider: '{provider}'."
    )


def _no_array(fragment: str, value: Json) -> str:
    return f"Filter: {fragment} can only be applied to arrays. Current context is: {dumps(value)}"


_JAVA_TYPES = {str: "TextNode", bool: "BooleanNode", int: "IntNode", float: "DoubleNode", list: "ArrayNode"}


def _java_type(value: Json) -> str:
    return "null" if value is None else f"com.fasterxml.jackson.databind.node.{_JAVA_TYPES[type(value)]}"


# --- writing


class ReferencePath:
    """A path that names one place, and can be written to: names and indices only, from ``$``.

    Attributes:
        text: the path as written.
        read: as of Path.
    """

    __slots__ = ("keys", "read", "text")

    def __init__(self, path: Path, keys: tuple[Key, ...]) -> None:
        self.text, self.keys, self.read = path.text, keys, path.read

    def __repr__(self) -> str:
        return f"ReferencePath({self.text!r})"

    def write(self, document: Json, value: Json) -> Json:
        """A document like the given one, with the value at this path; what does not change is shared.

        Missing objects are made on the way. An index must be there already.

        Raises:
            StatesError: States.ResultPathMatchFailure where the path leads through something else.
        """
        if not self.keys:
            return value
        copies: list[tuple[Json, Key]] = []
        node = document
        for key in self.keys:
            copy = self._opened(node, key, document)
            copies.append((copy, key))
            node = copy[key] if isinstance(key, int) else copy.get(key, {})
        result = value
        for copy, key in reversed(copies):
            copy[key] = result
            result = copy
        return result

    def _opened(self, node: Json, key: Key, document: Json) -> Json:
        """A shallow copy of a container that may hold the key."""
        if isinstance(key, str):
            if isinstance(node, dict):
                return dict(node)
        elif isinstance(node, list) and 0 <= key < len(node):
            return list(node)
        raise StatesError(
            "States.ResultPathMatchFailure", f"Unable to apply ReferencePath {self.text} to input {dumps(document)}"
        )


@lru_cache(maxsize=2048)
def compile_reference_path(text: str) -> ReferencePath:
    """Compile a path that can be written to.

    Args:
        text: names and indices from ``$``, such as ``$.a['b'][0]``.

    Raises:
        InvalidExpression: no path, or one that names no single place of the document.

    >>> compile_reference_path("$.a.b").write({"x": 1}, 2)
    {'x': 1, 'a': {'b': 2}}
    """
    path = compile_path(text)
    if path.root != "$":
        raise InvalidExpression(text, "a reference path begins with '$.'", 0)
    keys = _plain_keys(path.segments)
    if keys is None:
        what = "'..'" if any(isinstance(segment, Descent) for segment in path.segments) else "more than one place"
        raise InvalidExpression(text, f"a reference path must name one place, this one has {what}")
    if any(isinstance(key, int) and key < 0 for key in keys):
        raise InvalidExpression(text, "an index of a reference path is 0 or more")
    return ReferencePath(path, keys)
