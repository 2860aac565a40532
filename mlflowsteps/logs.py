"""How log lines look on a terminal; it owns nothing else, and imports nothing of the package."""

from __future__ import annotations

import logging
from typing import ClassVar

__all__ = ["CustomColorFormatter"]


class CustomColorFormatter(logging.Formatter):
    """Log lines in the colour of their level."""

    GREY = "\x1b[0m"
    GREEN = "\x1b[32m"
    YELLOW = "\x1b[33m"
    RED = "\x1b[31m"
    BOLD_RED = "\x1b[31;1m"
    RESET = "\x1b[0m"
    FORMAT = "[%(levelname)s] %(message)s"

    LEVEL_FORMATS: ClassVar[dict[int, str]] = {
        logging.DEBUG: f"{GREY}{FORMAT}{RESET}",
        logging.INFO: f"{GREEN}{FORMAT}{RESET}",
        logging.WARNING: f"{YELLOW}{FORMAT}{RESET}",
        logging.ERROR: f"{RED}{FORMAT}{RESET}",
        logging.CRITICAL: f"{BOLD_RED}{FORMAT}{RESET}",
    }

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        return logging.Formatter(self.LEVEL_FORMATS.get(record.levelno, self.FORMAT)).format(record)
