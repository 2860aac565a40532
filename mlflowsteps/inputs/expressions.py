"""Values that are known only while a workflow runs, as objects of a Python program.

An expression stands for a path or an intrinsic function; it may be put wherever a value may, and inside an f-string. It
owns what Python may and may not do with one; how it is written is ``syntax``, where it may stand is ``templates``.
"""

from __future__ import annotations

from typing import Any, NoReturn

from mlflowsteps.inputs import rules
from mlflowsteps.inputs.syntax import INPUT_ROOT, Json, Reference, path_of_keys, token_of, translate

__all__ = ["Call", "Expression", "Path", "Variable"]


class Expression(Reference):
    """A value that is known only while a workflow runs.

    ``<``, ``<=``, ``>`` and ``>=`` make rules for a Choice state, as ``equals`` and its like do; ``==`` and ``hash``
    stay those of the object itself. In an f-string it leaves a printable token, which compiling turns into
    ``States.Format``.
    """

    def to_jsonata(self, root: str = INPUT_ROOT) -> str:
        """The expression in JSONata, without ``{% %}``.

        Args:
            root: what ``$`` means: ``$states.input``, or ``$states.result`` in a result selector.

        Raises:
            TypeError: it has no counterpart in JSONata.
        """
        return translate(self.to_jsonpath(), root)

    def equals(self, value: Json) -> rules.Rule:
        """Rule: the value is equal to ``value`` (number, text, boolean, datetime, None or a typed placeholder)."""
        return rules.equal(self, value)

    def not_equals(self, value: Json) -> rules.BaseRule:
        """Rule: the value is not equal to ``value``."""
        return ~rules.equal(self, value)

    def is_present(self) -> rules.Rule:
        """Rule: there is such a value, be it null."""
        return rules.Rule(self, "IsPresent", True)

    def is_null(self) -> rules.Rule:
        """Rule: the value is null."""
        return rules.Rule(self, "IsNull", True)

    def is_numeric(self) -> rules.Rule:
        """Rule: the value is a number."""
        return rules.Rule(self, "IsNumeric", True)

    def is_string(self) -> rules.Rule:
        """Rule: the value is a string."""
        return rules.Rule(self, "IsString", True)

    def is_boolean(self) -> rules.Rule:
        """Rule: the value is true or false."""
        return rules.Rule(self, "IsBoolean", True)

    def is_timestamp(self) -> rules.Rule:
        """Rule: the value is a string that is an RFC 3339 time."""
        return rules.Rule(self, "IsTimestamp", True)

    def matches(self, pattern: str) -> rules.Rule:
        r"""Rule: the value matches ``pattern``, in which ``*`` is any text (``\\*`` the character itself)."""
        return rules.Rule(self, "StringMatches", pattern)

    def __lt__(self, other: Json) -> rules.Rule:
        return rules.compare(self, "LessThan", other)

    def __le__(self, other: Json) -> rules.Rule:
        return rules.compare(self, "LessThanEquals", other)

    def __gt__(self, other: Json) -> rules.Rule:
        return rules.compare(self, "GreaterThan", other)

    def __ge__(self, other: Json) -> rules.Rule:
        return rules.compare(self, "GreaterThanEquals", other)

    def __str__(self) -> str:
        return token_of(self)

    def __format__(self, spec: str) -> str:
        if spec:
            raise TypeError(f"{self!r} is known only while the workflow runs and cannot be formatted as {spec!r}")
        return token_of(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.to_jsonpath()}>"

    def _unknown(self, use: str, fix: str) -> NoReturn:
        raise TypeError(f"{self!r} is known only while the workflow runs and has no {use}; {fix}")

    def __bool__(self) -> NoReturn:  # noqa: PLE0304 - it has none
        fix = "compare it in a Choice state: choice.when(placeholder.equals(...), next_step)"
        self._unknown("truth value", f"{fix}; where another library asks for it, give text: str(placeholder)")

    def __int__(self) -> NoReturn:
        self._unknown("int value", "give the placeholder itself, or compute with intrinsics.math_add(placeholder, 1)")

    __index__ = __int__

    def __float__(self) -> NoReturn:
        self._unknown("float value", "give the placeholder itself, or compute with intrinsics.math_add(placeholder, 1)")

    def __iter__(self) -> NoReturn:
        self._unknown("items to iterate over", "use a Map state: Map(..., items_path=placeholder, iterator=...)")

    def __len__(self) -> NoReturn:  # noqa: PLE0303 - it has none
        self._unknown("length", "use intrinsics.array_length(placeholder)")


class Path(Expression):
    """A path below a fixed root, such as the context object or a variable; ``[key]`` goes deeper.

    Args:
        root: text of the root, such as ``$$.Execution``.
        keys: subscripts below it.
        type: declared type of the value.
    """

    def __init__(self, root: str, keys: tuple[str | int, ...] = (), type: Any = None) -> None:  # noqa: A002 - as Placeholder's
        self.root, self.keys, self.type = root, keys, type

    def __getitem__(self, key: str | int) -> Path:
        if not isinstance(key, str | int):
            raise ValueError(f"A key is a string or an integer, not {key!r}")  # noqa: TRY004 - as Placeholder's
        return Path(self.root, (*self.keys, key))

    def to_jsonpath(self) -> str:
        """The path's text."""
        return self.root + path_of_keys(self.keys)


class Variable(Path):
    """A variable that an earlier state set by ``assign={name: ...}``.

    Args:
        name: the variable's name, without ``$``.

    Raises:
        ValueError: no variable can have the name.

    >>> Variable("auc").to_jsonpath()
    '$auc'
    """

    def __init__(self, name: str) -> None:
        if not name.isidentifier() or name == "states":
            raise ValueError(f"{name!r} cannot be the name of a variable: letters, digits and _, not 'states'")
        super().__init__(f"${name}")


class Call(Expression):
    """A call of an intrinsic function; ``intrinsics`` makes them.

    Args:
        text: the call, such as ``States.UUID()``.
        type: type of its result; None where it depends on the arguments.
    """

    is_path = False

    def __init__(self, text: str, type: Any = None) -> None:  # noqa: A002 - as Placeholder's
        self.text, self.type = text, type

    def to_jsonpath(self) -> str:
        """The call's text."""
        return self.text
