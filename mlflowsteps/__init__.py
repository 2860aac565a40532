"""Machine-learning workflows on AWS Step Functions and SageMaker that also run, for real, on your own machine.

Importing this package loads none of its rooms: each is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__version__ = "0.1.0"

__all__ = ["__version__", "exceptions", "inputs", "local", "set_stream_logger", "steps", "workflow"]


def set_stream_logger(level: int = 20) -> None:
    """Send this package's log messages to standard error.

    Args:
        level: least level shown, as in ``logging``; 20 is INFO. The root logger is left alone.
    """
    import logging

    logger = logging.getLogger("mlflowsteps")
    logger.setLevel(level)
    if not any(isinstance(handler, logging.StreamHandler) for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
        logger.addHandler(handler)


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
