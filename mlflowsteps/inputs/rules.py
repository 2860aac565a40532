"""Conditions on values that are known only while a workflow runs: the rules of a Choice state.

It owns what a rule is and how it reads in both query languages. How rules become a Choice state is written in
``steps``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NoReturn

from mlflowsteps.asl.fields import JSONPATH
from mlflowsteps.inputs.syntax import Json, Reference, json_literal, translate

__all__ = ["BaseRule", "CompoundRule", "NotRule", "Rule", "compare", "equal"]

_KINDS: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Numeric": (int, float),
    "Boolean": (bool,),
    "Timestamp": (str,),
    "Is": (bool,),
}
_TIMESTAMP = r"/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/"
_JSONATA_TESTS = {
    "IsNull": "$type(@) = 'null'",
    "IsPresent": "$exists(@)",
    "IsNumeric": "$type(@) = 'number'",
    "IsString": "$type(@) = 'string'",
    "IsBoolean": "$type(@) = 'boolean'",
    "IsTimestamp": f"$type(@) = 'string' and $contains(@, {_TIMESTAMP})",
}
_JSONATA_SIGNS = {"Equals": "=", "LessThan": "<", "GreaterThan": ">", "LessThanEquals": "<=", "GreaterThanEquals": ">="}


class BaseRule:
    """What all rules share: ``&``, ``|``, ``~``, and no truth value of their own."""

    def to_dict(self) -> dict[str, Json]:
        """The rule as it stands in a Choice state of the query language JSONPath."""
        raise NotImplementedError

    def to_jsonata(self) -> str:
        """The rule as a JSONata expression, without ``{% %}``."""
        raise NotImplementedError

    def render(self, language: str) -> dict[str, Json]:
        """The rule as it stands in a Choice state.

        Args:
            language: ``JSONPath`` or ``JSONata``.
        """
        return self.to_dict() if language == JSONPATH else {"Condition": f"{{% {self.to_jsonata()} %}}"}

    def __and__(self, other: BaseRule) -> CompoundRule:
        return CompoundRule("And", [*_parts(self, "And"), *_parts(other, "And")])

    def __or__(self, other: BaseRule) -> CompoundRule:
        return CompoundRule("Or", [*_parts(self, "Or"), *_parts(other, "Or")])

    def __invert__(self) -> BaseRule:
        return NotRule(self)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"{self!r} is known only while the workflow runs, so that Python cannot branch on it. Give it to a Choice "
            "state: choice.when(rule, next_step). Join rules by & | ~, not by and, or, not; write a < x < b as "
            "(a < x) & (x < b)."
        )

    def __str__(self) -> str:
        return str(self.to_dict())

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Rule(BaseRule):
    """One comparison.

    Args:
        variable: what is compared: a path (``$.auc``) or a placeholder.
        operator: name of the comparison, such as ``NumericGreaterThan``.
        value: what it is compared with; a path or a placeholder where the operator ends in ``Path``. A placeholder with
            any other comparison turns the operator into its ``Path`` form.

    Raises:
        ValueError: the variable is no path, or the value's type does not fit the operator.
    """

    def __init__(self, variable: str | Reference, operator: str, value: Json) -> None:
        has_path_form = not operator.startswith("Is") and operator != "StringMatches"
        if isinstance(value, Reference) and has_path_form and not operator.endswith("Path"):
            operator += "Path"
        _check_path(variable, f"the variable of {operator}")
        if operator.endswith("Path"):
            _check_path(value, f"the value of {operator}")
        else:
            _check_value(operator, value)
        self.variable, self.operator, self.value = variable, operator, value

    def to_dict(self) -> dict[str, Json]:
        """The rule as it stands in a Choice state of the query language JSONPath."""
        return {"Variable": _path(self.variable), self.operator: _path(self.value)}

    def to_jsonata(self) -> str:
        """The rule as a JSONata expression, without ``{% %}``."""
        left = translate(_path(self.variable))
        if self.operator in _JSONATA_TESTS:
            test = _JSONATA_TESTS[self.operator].replace("@", left)
            return test if self.value else f"$not({test})"
        if self.operator == "StringMatches":
            return f"$contains({left}, /{_regex(self.value)}/)"
        right = translate(_path(self.value)) if self.operator.endswith("Path") else json_literal(self.value)
        operator = self.operator.removesuffix("Path")
        kind = next(kind for kind in _KINDS if operator.startswith(kind))
        if kind == "Timestamp":
            left, right = f"$toMillis({left})", f"$toMillis({right})"
        return f"{left} {_JSONATA_SIGNS[operator.removeprefix(kind)]} {right}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(variable={self.variable!r}, operator={self.operator!r}, value={self.value!r})"


class CompoundRule(BaseRule):
    """Rules of which all (``And``) or at least one (``Or``) must hold.

    Args:
        operator: ``And`` or ``Or``.
        rules: the rules, tried in order.

    Raises:
        ValueError: one of them is no rule.
    """

    def __init__(self, operator: str, rules: list[BaseRule]) -> None:
        self.operator, self.rules = operator, [_rule(rule) for rule in rules]

    def to_dict(self) -> dict[str, Json]:
        """The rule as it stands in a Choice state of the query language JSONPath."""
        return {self.operator: [rule.to_dict() for rule in self.rules]}

    def to_jsonata(self) -> str:
        """The rule as a JSONata expression, without ``{% %}``."""
        return f" {self.operator.lower()} ".join(f"({rule.to_jsonata()})" for rule in self.rules)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(operator={self.operator!r}, rules={self.rules!r})"


class NotRule(BaseRule):
    """A rule that holds where another does not.

    Args:
        rule: the other one.

    Raises:
        ValueError: it is no rule.
    """

    def __init__(self, rule: BaseRule) -> None:
        self.rule = _rule(rule)

    def to_dict(self) -> dict[str, Json]:
        """The rule as it stands in a Choice state of the query language JSONPath."""
        return {"Not": self.rule.to_dict()}

    def to_jsonata(self) -> str:
        """The rule as a JSONata expression, without ``{% %}``."""
        return f"$not({self.rule.to_jsonata()})"

    def __invert__(self) -> BaseRule:
        return self.rule

    def __repr__(self) -> str:
        return f"{type(self).__name__}(rule={self.rule!r})"


def compare(left: Reference, sign: str, right: Json) -> Rule:
    """The rule for ``left < right`` and its like.

    Args:
        left: what is compared.
        sign: ``Equals``, ``LessThan``, ``GreaterThan``, ``LessThanEquals`` or ``GreaterThanEquals``.
        right: a number, text, datetime, or a placeholder of a declared type.

    Raises:
        TypeError: the type of the comparison cannot be told from ``right``.
    """
    if isinstance(right, dt.datetime):
        return Rule(left, f"Timestamp{sign}", _timestamp(right))
    return Rule(left, f"{_kind_of(left, right, sign)}{sign}", right)


def equal(left: Reference, right: Json) -> Rule:
    """The rule for equality, by the type of ``right``: number, text, boolean, datetime, None or a typed placeholder.

    Raises:
        TypeError: the type of the comparison cannot be told from ``right``.
    """
    return Rule(left, "IsNull", True) if right is None else compare(left, "Equals", right)


_KIND_OF_TYPE: dict[Any, str] = {int: "Numeric", float: "Numeric", str: "String", bool: "Boolean"}


def _kind_of(left: Reference, right: Json, sign: str) -> str:
    types = [right.type, left.type] if isinstance(right, Reference) else [type(right)]
    kind = next((_KIND_OF_TYPE[kind] for kind in types if kind in _KIND_OF_TYPE), None)
    if kind is None or (kind == "Boolean" and sign != "Equals"):
        raise TypeError(
            f"{left!r} cannot be compared ({sign}) with {right!r}: say which comparison is meant, such as "
            f"ChoiceRule.Numeric{sign}(...), or give the placeholder a type: inputs.get(name, float)."
        )
    return kind


def _parts(rule: BaseRule, operator: str) -> list[BaseRule]:
    """The rules that ``rule`` adds to a compound one: its own where it is joined by the same operator."""
    return rule.rules if isinstance(rule, CompoundRule) and rule.operator == operator else [rule]


def _rule(rule: object) -> BaseRule:
    if isinstance(rule, BaseRule):
        return rule
    raise ValueError(f"Rule {rule!r} is invalid: expected a rule, such as ChoiceRule.StringEquals('$.a', 'x')")


def _path(value: Json) -> Json:
    return value.to_jsonpath() if isinstance(value, Reference) else value


def _check_path(value: object, what: str) -> None:
    if isinstance(value, Reference):
        if not value.is_path:
            raise ValueError(f"{what} must be a path, but {value!r} is computed; compute it in an earlier Pass state")
    elif not isinstance(value, str) or not value.startswith("$"):
        raise ValueError(f"{what} must be a placeholder or a path that starts with '$', but it is {value!r}")


def _check_value(operator: str, value: Json) -> None:
    for kind, types in _KINDS.items():
        fits = isinstance(value, types) and (kind in ("Boolean", "Is") or not isinstance(value, bool))
        if operator.startswith(kind) and not fits:
            raise ValueError(f"Expected value to be a {kind}, but {operator} got {value!r}")


def _timestamp(moment: dt.datetime) -> str:
    if moment.tzinfo is None:
        raise TypeError(f"{moment!r} has no time zone; give it one: datetime(..., tzinfo=timezone.utc)")
    return moment.isoformat().replace("+00:00", "Z")


def _regex(pattern: str) -> str:
    """A pattern of StringMatches as a regular expression: ``*`` is any text, a backslash escapes."""
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            parts.append(".*")
            continue
        literal = next(characters, "\\") if character == "\\" else character
        parts.append(f"\\{literal}" if literal in r"\^$.|?*+()[]{}/-" else literal)
    return f"^{''.join(parts)}$"
