"""A place in a text that is being read: what the parsers of paths and of intrinsic functions are built on.

It owns blanks, marks and where a fault is; it knows no grammar.
"""

from __future__ import annotations

import re

from mlflowsteps.exceptions import InvalidExpression

__all__ = ["Cursor"]

_BLANKS = re.compile(r"[ \t\n\r]*")


class Cursor:
    """A text and the index that reading has come to.

    Args:
        text: what is read.
        at: where reading begins.

    >>> cursor = Cursor("  [1]")
    >>> cursor.take("["), cursor.take("]"), cursor.at
    (True, False, 3)
    """

    def __init__(self, text: str, at: int = 0) -> None:
        self.text, self.at = text, at

    def fault(self, reason: str, hint: str = "") -> InvalidExpression:
        """The error to raise about the text from here on."""
        return InvalidExpression(self.text, reason, self.at, hint)

    def skip(self) -> None:
        """Go past blanks."""
        match = _BLANKS.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def take(self, mark: str) -> bool:
        """Go past blanks, then past the mark where it stands."""
        self.skip()
        if self.text.startswith(mark, self.at):
            self.at += len(mark)
            return True
        return False

    def expect(self, mark: str) -> None:
        """As ``take``, where nothing else may stand.

        Raises:
            InvalidExpression: something else does.
        """
        if not self.take(mark):
            raise self.fault(f"expected '{mark}'")

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Go past what a pattern finds here; None where it finds nothing."""
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found
