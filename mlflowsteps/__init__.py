"""Machine-learning workflows on AWS Step Functions and SageMaker that also run, for real, on your own machine.

Importing this package loads none of its rooms: each is loaded when it is first used.
"""

from __future__ import annotations

import importlib
import logging
from types import ModuleType

__version__ = "0.1.0"
__useragent__ = "mlflowsteps"

__all__ = ["__version__", "exceptions", "inputs", "local", "set_stream_logger", "steps", "template", "workflow"]


def set_stream_logger(level: int = logging.INFO) -> None:
    """Print this package's log messages to standard output, in the colour of their level.

    A second call replaces what the first one set.

    Args:
        level: least level shown, as in ``logging``. The root logger is left alone, and is not given these messages.
    """
    import sys

    from mlflowsteps.logs import CustomColorFormatter

    logger = logging.getLogger("mlflowsteps")
    logger.setLevel(level)
    logger.propagate = False
    handler = logging.StreamHandler(sys.stdout)
    handler.setLevel(level)
    handler.setFormatter(CustomColorFormatter())
    logger.handlers = [handler]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
