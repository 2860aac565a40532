"""Placeholders: inputs and outputs whose values are known only while a workflow runs.

A placeholder is a collection that grows as it is subscripted, or one with a fixed schema. It owns the collections and
their schemas; how a value that holds placeholders is written into a definition is ``templates``.
"""

from __future__ import annotations

# ruff: noqa: SLF001 - the values of a collection are of its own class
import json
from difflib import get_close_matches
from typing import Any, ClassVar, NoReturn, Self

from mlflowsteps.inputs.expressions import Expression
from mlflowsteps.inputs.models import Default
from mlflowsteps.inputs.schema import (
    Fault,
    Schema,
    ValidationResult,
    faults,
    filled,
    inner_of_optional,
    is_optional,
    type_name,
    type_names,
    unwrapped,
)
from mlflowsteps.inputs.syntax import Json, path_of_keys

__all__ = ["ExecutionInput", "MapItemIndex", "MapItemValue", "Origin", "Placeholder", "StepInput", "StepResult"]


class Origin:
    """Which state's output a ``StepInput`` is; compared by identity.

    Args:
        state_id: the state's name when the placeholder was made, for messages.
    """

    def __init__(self, state_id: str) -> None:
        self.state_id = state_id


class Placeholder(Expression):
    """A collection of values that are known only while a workflow runs; ``collection["key"]`` is one of them.

    Args:
        schema: keys and their types, nested as the input is, such as ``{"JobName": str, "Steps": {"tol": float}}``,
            ``Default(int, 40)`` for a key that may be left out; or a dataclass, pydantic model or TypedDict. The
            collection then takes no other key. None: keys come into being as they are asked for.
        name: the key of this value in ``parent``.
        type: type of this value.
        parent: the collection this value is in.

    Raises:
        ValueError: a key is neither a string nor an integer.
    """

    root: ClassVar[str] = "$"

    def __init__(
        self,
        schema: Schema = None,
        *,
        name: str | int | None = None,
        type: Any = None,  # noqa: A002 - the old SDK's name
        parent: Placeholder | None = None,
    ) -> None:
        self.store: dict[str | int, Self] = {}
        self.default: Default | None = None
        self.immutable = False
        self.schema = schema
        self.name, self.type, self.parent = name, type, parent
        if schema:
            self._set_schema(schema)
            self._make_immutable()

    def get(self, name: str | int, type: Any) -> Self:  # noqa: A002 - the old SDK's name
        """The value at ``name``, with a declared type.

        Args:
            name: the key.
            type: its type, such as ``float``.

        Raises:
            ValueError: the key exists with another type, or the schema has no such key.
        """
        found = self.store.get(self._key(name))
        if found is None:
            return self._add(name, type)
        if found.type != type:
            raise ValueError(
                f"Key {name!r} already exists with a different value type: {_name_of(found.type)}, not {_name_of(type)}"
            )
        return found

    def __getitem__(self, name: str | int) -> Self:
        found = self.store.get(self._key(name))
        return self._add(name, None) if found is None else found

    def get_schema_as_dict(self) -> dict[str | int, Any]:
        """Keys and types of the collection; ``str`` where no type was declared."""
        return {
            key: (value.type or str) if value._is_empty() else value.get_schema_as_dict()
            for key, value in self.store.items()
        }

    def get_schema_as_json(self, pretty: bool = False) -> str:
        """Keys and types of the collection as JSON text.

        Args:
            pretty: indent it.
        """
        return json.dumps(type_names(self.get_schema_as_dict()), indent=4 if pretty else None)

    def contains(self, placeholder: object) -> bool:
        """True where ``placeholder`` is one of this collection's values, at any depth."""
        pending = list(self.store.values())
        while pending:
            value = pending.pop()
            if value is placeholder:
                return True
            pending.extend(value.store.values())
        return False

    def __contains__(self, placeholder: object) -> bool:
        return self.contains(placeholder)

    def validate(self, input: Json) -> ValidationResult:  # noqa: A002 - the old SDK's name
        """Compare an input with the collection's keys and types.

        Args:
            input: the input; None is one without any key.

        Returns:
            ``(valid, keys_missing, keys_type_mismatch)``.
        """
        found = self.faults(input)
        missing = [fault.key for fault in found if fault.provided is None]
        mismatches = [(fault.key, fault.expected, fault.provided) for fault in found if fault.provided is not None]
        return ValidationResult(not found, missing, mismatches)

    def faults(self, value: Json) -> list[Fault]:
        """Every place where ``value`` does not fit the collection's keys and types; each says so as text."""
        return list(faults({} if value is None else value, self._typed()))

    def filled(self, value: Json) -> Json:
        """An input with the schema's defaults for the keys that it lacks; None is an input without any key."""
        typed = self._typed()
        if value is None:
            found = filled({}, typed)
            return found or None
        return filled(value, typed)

    def has_defaults(self) -> bool:
        """True where a key of the schema has a default."""
        return any(value.default is not None or value.has_defaults() for value in self.store.values())

    def to_jsonpath(self) -> str:
        """The path of this value, such as ``$$.Execution.Input['a']``."""
        return self.root + path_of_keys(self._get_path())

    def _typed(self) -> Schema:
        """The schema as far as it was declared: keys without a type take any value."""
        if self._is_empty() or is_optional(self.type):
            found = self.type if self.name is not None or self.type is not None else None
        else:
            found = {key: value._typed() for key, value in self.store.items()}
        return found if self.default is None else Default(found, self.default.value)

    def _key(self, name: object) -> str | int:
        if isinstance(name, str | int) and not isinstance(name, bool):
            return name
        raise ValueError(f"Key name can only be string or integer, not {name!r}")

    def _add(self, name: str | int, type: Any) -> Self:  # noqa: A002 - as get's
        if self.immutable:
            self._refuse(name)
        made = self._child(name, type)
        # setdefault is atomic, so that two threads that ask for one key get one placeholder
        return self.store.setdefault(name, made)

    def _child(self, name: str | int, type: Any) -> Self:  # noqa: A002 - as get's
        return self.__class__(name=name, type=type, parent=self)

    def _refuse(self, name: str | int) -> NoReturn:
        near = get_close_matches(str(name), [str(key) for key in self.store], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" It has {', '.join(map(repr, self.store)) or 'no keys'}."
        place = self.to_jsonpath()
        raise ValueError(
            f"Placeholder variable does not conform to schema set for the placeholder collection: {place} has no key "
            f"{name!r}.{hint}"
        )

    def _get_path(self) -> list[str | int]:
        path: list[str | int] = []
        node: Placeholder | None = self
        while node is not None and node.name is not None:
            path.append(node.name)
            node = node.parent
        return path[::-1]

    def _is_empty(self) -> bool:
        return not self.store

    def _set_schema(self, schema: Schema) -> None:
        schema = unwrapped(schema)
        if not isinstance(schema, dict):
            raise ValueError(f"A schema is a dict of keys and types, not {schema!r}")  # noqa: TRY004 - as for keys
        for key, kind in schema.items():
            inner = unwrapped(kind)
            if isinstance(inner, str | int | float):
                raise ValueError(  # noqa: TRY004 - as for keys
                    f"Key {key!r} of the schema has the type {inner!r}, which is none: write a type, such as str, int "
                    "or list[str], without quotes."
                )
            keys = unwrapped(inner_of_optional(inner))  # what an optional object has where it is given
            if isinstance(keys, dict) and keys:
                self._add(self._key(key), inner)._set_schema(keys)
            elif isinstance(inner, dict) and inner:
                self._add(self._key(key), dict)._set_schema(inner)
            else:
                self._add(self._key(key), dict if inner == {} else inner)
            self.store[key].default = kind if isinstance(kind, Default) else None

    def _make_immutable(self) -> None:
        for value in self.store.values():
            value._make_immutable()
        self.immutable = True


def _name_of(kind: Any) -> str:
    return "none declared" if kind is None else type_name(kind)


class ExecutionInput(Placeholder):
    """The input of an execution; the same in every state.

    >>> ExecutionInput(schema={"JobName": str})["JobName"].to_jsonpath()
    "$$.Execution.Input['JobName']"
    """

    root = "$$.Execution.Input"


class StepInput(Placeholder):
    """The input of the state it is used in; ``state.output()`` gives the one that is that state's output.

    >>> StepInput()["Payload"][0].to_jsonpath()
    "$['Payload'][0]"
    """

    def __init__(
        self,
        schema: Schema = None,
        *,
        name: str | int | None = None,
        type: Any = None,  # noqa: A002 - the old SDK's name
        parent: Placeholder | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.origin = origin
        """Which state's output it is; None: the input of whatever state uses it."""
        super().__init__(schema, name=name, type=type, parent=parent)

    def _child(self, name: str | int, type: Any) -> Self:  # noqa: A002 - as get's
        return self.__class__(name=name, type=type, parent=self, origin=self.origin)


class StepResult(Placeholder):
    """The raw result of the state it is used in, for its ``result_selector``.

    >>> StepResult()["Payload"].to_jsonpath()
    "$['Payload']"
    """


class MapItemValue(Placeholder):
    """The item that an iteration of a Map state works on.

    >>> MapItemValue()["name"].to_jsonpath()
    "$$.Map.Item.Value['name']"
    """

    root = "$$.Map.Item.Value"


class MapItemIndex(Placeholder):
    """The index, from 0, of the item that an iteration of a Map state works on.

    >>> MapItemIndex().to_jsonpath()
    '$$.Map.Item.Index'
    """

    root = "$$.Map.Item.Index"

    def __init__(self) -> None:
        super().__init__(type=int)

    def __getitem__(self, name: str | int) -> NoReturn:
        raise AttributeError("MapItemIndex is a number and has no keys; MapItemValue()[...] reads the item")

    def get(self, name: str | int, type: Any) -> NoReturn:  # noqa: A002 - the old SDK's name
        """A number has no keys.

        Raises:
            AttributeError: always.
        """
        raise AttributeError(f"MapItemIndex is a number and has no key {name!r} of type {type_name(type)}")
