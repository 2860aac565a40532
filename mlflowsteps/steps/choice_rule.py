"""The builders of Choice rules, one for each comparison of the language."""

# ruff: noqa: N802 - the builders are named as the language names the comparisons

from __future__ import annotations

from typing import TypeAlias

from mlflowsteps.inputs.expressions import Expression
from mlflowsteps.inputs.rules import BaseRule, CompoundRule, NotRule, Rule

__all__ = ["BaseRule", "ChoiceRule", "CompoundRule", "NotRule", "Rule"]

Variable: TypeAlias = str | Expression


class ChoiceRule:
    """Makes rules for Choice states; each builder is called as the language calls the comparison.

    ``variable`` is a path (``$.auc``) or a placeholder. A placeholder as ``value`` makes the rule's Path form.

    >>> ChoiceRule.NumericGreaterThanEquals("$.auc", 0.9).to_dict()
    {'Variable': '$.auc', 'NumericGreaterThanEquals': 0.9}
    """

    @classmethod
    def StringEquals(cls, variable: Variable, value: str | Expression) -> Rule:
        """The variable is text that is equal to the value."""
        return Rule(variable, "StringEquals", value)

    @classmethod
    def StringEqualsPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``StringEquals``, with the value at another path."""
        return Rule(variable, "StringEqualsPath", value)

    @classmethod
    def StringLessThan(cls, variable: Variable, value: str | Expression) -> Rule:
        """The variable is text that is less than the value."""
        return Rule(variable, "StringLessThan", value)

    @classmethod
    def StringLessThanPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``StringLessThan``, with the value at another path."""
        return Rule(variable, "StringLessThanPath", value)

    @classmethod
    def StringGreaterThan(cls, variable: Variable, value: str | Expression) -> Rule:
        """The variable is text that is greater than the value."""
        return Rule(variable, "StringGreaterThan", value)

    @classmethod
    def StringGreaterThanPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``StringGreaterThan``, with the value at another path."""
        return Rule(variable, "StringGreaterThanPath", value)

    @classmethod
    def StringLessThanEquals(cls, variable: Variable, value: str | Expression) -> Rule:
        """The variable is text that is at most the value."""
        return Rule(variable, "StringLessThanEquals", value)

    @classmethod
    def StringLessThanEqualsPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``StringLessThanEquals``, with the value at another path."""
        return Rule(variable, "StringLessThanEqualsPath", value)

    @classmethod
    def StringGreaterThanEquals(cls, variable: Variable, value: str | Expression) -> Rule:
        """The variable is text that is at least the value."""
        return Rule(variable, "StringGreaterThanEquals", value)

    @classmethod
    def StringGreaterThanEqualsPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``StringGreaterThanEquals``, with the value at another path."""
        return Rule(variable, "StringGreaterThanEqualsPath", value)

    @classmethod
    def NumericEquals(cls, variable: Variable, value: float | Expression) -> Rule:
        """The variable is a number that is equal to the value."""
        return Rule(variable, "NumericEquals", value)

    @classmethod
    def NumericEqualsPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``NumericEquals``, with the value at another path."""
        return Rule(variable, "NumericEqualsPath", value)

    @classmethod
    def NumericLessThan(cls, variable: Variable, value: float | Expression) -> Rule:
        """The variable is a number that is less than the value."""
        return Rule(variable, "NumericLessThan", value)

    @classmethod
    def NumericLessThanPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``NumericLessThan``, with the value at another path."""
        return Rule(variable, "NumericLessThanPath", value)

    @classmethod
    def NumericGreaterThan(cls, variable: Variable, value: float | Expression) -> Rule:
        """The variable is a number that is greater than the value."""
        return Rule(variable, "NumericGreaterThan", value)

    @classmethod
    def NumericGreaterThanPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``NumericGreaterThan``, with the value at another path."""
        return Rule(variable, "NumericGreaterThanPath", value)

    @classmethod
    def NumericLessThanEquals(cls, variable: Variable, value: float | Expression) -> Rule:
        """The variable is a number that is at most the value."""
        return Rule(variable, "NumericLessThanEquals", value)

    @classmethod
    def NumericLessThanEqualsPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``NumericLessThanEquals``, with the value at another path."""
        return Rule(variable, "NumericLessThanEqualsPath", value)

    @classmethod
    def NumericGreaterThanEquals(cls, variable: Variable, value: float | Expression) -> Rule:
        """The variable is a number that is at least the value."""
        return Rule(variable, "NumericGreaterThanEquals", value)

    @classmethod
    def NumericGreaterThanEqualsPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``NumericGreaterThanEquals``, with the value at another path."""
        return Rule(variable, "NumericGreaterThanEqualsPath", value)

    @classmethod
    def TimestampEquals(cls, variable: Variable, value: str | Expression) -> Rule:
        """The variable is an RFC 3339 time that is equal to the value."""
        return Rule(variable, "TimestampEquals", value)

    @classmethod
    def TimestampEqualsPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``TimestampEquals``, with the value at another path."""
        return Rule(variable, "TimestampEqualsPath", value)

    @classmethod
    def TimestampLessThan(cls, variable: Variable, value: str | Expression) -> Rule:
        """The variable is an RFC 3339 time that is before the value."""
        return Rule(variable, "TimestampLessThan", value)

    @classmethod
    def TimestampLessThanPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``TimestampLessThan``, with the value at another path."""
        return Rule(variable, "TimestampLessThanPath", value)

    @classmethod
    def TimestampGreaterThan(cls, variable: Variable, value: str | Expression) -> Rule:
        """The variable is an RFC 3339 time that is after the value."""
        return Rule(variable, "TimestampGreaterThan", value)

    @classmethod
    def TimestampGreaterThanPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``TimestampGreaterThan``, with the value at another path."""
        return Rule(variable, "TimestampGreaterThanPath", value)

    @classmethod
    def TimestampLessThanEquals(cls, variable: Variable, value: str | Expression) -> Rule:
        """The variable is an RFC 3339 time that is not after the value."""
        return Rule(variable, "TimestampLessThanEquals", value)

    @classmethod
    def TimestampLessThanEqualsPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``TimestampLessThanEquals``, with the value at another path."""
        return Rule(variable, "TimestampLessThanEqualsPath", value)

    @classmethod
    def TimestampGreaterThanEquals(cls, variable: Variable, value: str | Expression) -> Rule:
        """The variable is an RFC 3339 time that is not before the value."""
        return Rule(variable, "TimestampGreaterThanEquals", value)

    @classmethod
    def TimestampGreaterThanEqualsPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``TimestampGreaterThanEquals``, with the value at another path."""
        return Rule(variable, "TimestampGreaterThanEqualsPath", value)

    @classmethod
    def BooleanEquals(cls, variable: Variable, value: bool | Expression) -> Rule:
        """The variable is the boolean."""
        return Rule(variable, "BooleanEquals", value)

    @classmethod
    def BooleanEqualsPath(cls, variable: Variable, value: Variable) -> Rule:
        """As ``BooleanEquals``, with the value at another path."""
        return Rule(variable, "BooleanEqualsPath", value)

    @classmethod
    def IsNull(cls, variable: Variable, value: bool) -> Rule:
        """The variable is null, or (False) is not."""
        return Rule(variable, "IsNull", value)

    @classmethod
    def IsPresent(cls, variable: Variable, value: bool) -> Rule:
        """There is such a variable, or (False) is none."""
        return Rule(variable, "IsPresent", value)

    @classmethod
    def IsString(cls, variable: Variable, value: bool) -> Rule:
        """The variable is text, or (False) is not."""
        return Rule(variable, "IsString", value)

    @classmethod
    def IsNumeric(cls, variable: Variable, value: bool) -> Rule:
        """The variable is a number, or (False) is not."""
        return Rule(variable, "IsNumeric", value)

    @classmethod
    def IsTimestamp(cls, variable: Variable, value: bool) -> Rule:
        """The variable is an RFC 3339 time, or (False) is not."""
        return Rule(variable, "IsTimestamp", value)

    @classmethod
    def IsBoolean(cls, variable: Variable, value: bool) -> Rule:
        """The variable is true or false, or (False) is neither."""
        return Rule(variable, "IsBoolean", value)

    @classmethod
    def StringMatches(cls, variable: Variable, value: str) -> Rule:
        """The variable matches the pattern, in which ``*`` is any text."""
        return Rule(variable, "StringMatches", value)

    @classmethod
    def And(cls, rules: list[BaseRule]) -> CompoundRule:
        """All of the rules hold."""
        return CompoundRule("And", rules)

    @classmethod
    def Or(cls, rules: list[BaseRule]) -> CompoundRule:
        """At least one of the rules holds."""
        return CompoundRule("Or", rules)

    @classmethod
    def Not(cls, rule: BaseRule) -> NotRule:
        """The rule does not hold."""
        return NotRule(rule)
