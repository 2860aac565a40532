"""Warnings for who writes a workflow: told at the author's own line, not at one of this package's."""

from __future__ import annotations

import sys
import warnings

__all__ = ["warn_author"]


def warn_author(message: str) -> None:
    """Warn at the first line up the stack that is outside this package.

    Args:
        message: what is likely to be meant otherwise, and the fix.
    """
    level = 1
    frame = sys._getframe()  # noqa: SLF001 - what warnings itself walks
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("mlflowsteps."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)
