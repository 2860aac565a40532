"""Which command runs in place of a container image.

Patterns match ``repository`` or ``repository:tag`` (or the whole URI) as file names are matched; the one that was
registered last wins. Account and region of an image do not matter, a digest is ignored.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeAlias

from mlflowsteps.local.jobs.failures import JobFailure

__all__ = ["ImageCommand", "ImageRegistry", "parse_image"]

ImageCommand: TypeAlias = Sequence[str] | Callable[[dict[str, Any]], Sequence[str]]
"""An image's ENTRYPOINT as a list; or what gives one when called with the job's request (the CreateTrainingJob,
CreateProcessingJob or CreateModel request)."""


def parse_image(image: str) -> tuple[str, str]:
    """Repository and tag of an image URI.

    >>> parse_image("433757028032.dkr.ecr.us-west-2.amazonaws.com/team/xgboost:1@sha256:ab")
    ('team/xgboost', '1')
    >>> parse_image("sagemaker-bring-your-own")
    ('sagemaker-bring-your-own', 'latest')
    """
    plain = image.split("@", 1)[0]
    head, slash, rest = plain.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        plain = rest
    folder, slash, last = plain.rpartition("/")
    name, _, tag = last.partition(":")
    return folder + slash + name, tag or "latest"


@dataclass(frozen=True, slots=True)
class _Entry:
    pattern: str
    command: ImageCommand


class ImageRegistry:
    """Patterns and commands; safe to use from several threads.

    Args:
        builtin: what the runtime plays itself; anything registered later wins over it.
    """

    def __init__(self, builtin: Sequence[tuple[str, ImageCommand]] = ()) -> None:
        self._entries = [_Entry(pattern, command) for pattern, command in builtin]
        self._lock = threading.Lock()

    def register(self, pattern: str, command: ImageCommand) -> None:
        """Have ``command`` run in place of images that match.

        Args:
            pattern: such as ``my-image``, ``my-image:1.*`` or ``team/*``; ``*``, ``?`` and ``[...]`` as in file names.
            command: the image's ENTRYPOINT: ``train`` or ``serve`` follows it where the request names no
                ContainerEntrypoint of its own. A list, in which relative paths of files that exist now are made
                absolute; or a callable that is given the request and returns a list. An empty list stands for an image
                of which only the request's ContainerEntrypoint runs.

        Raises:
            TypeError: the command is neither; a shell's command line is no list.
        """
        if not callable(command):
            if isinstance(command, str | bytes) or not all(isinstance(part, str) for part in command):
                raise TypeError(
                    f'register_image({pattern!r}, {command!r}): give a list, such as ["python", "train.py"]'
                )
            command = [_absolute(part) for part in command]
        with self._lock:
            self._entries.append(_Entry(pattern, command))

    def resolve(self, image: str, request: dict[str, Any]) -> list[str]:
        """The ENTRYPOINT that stands for ``image``.

        Raises:
            JobFailure: nothing answers the image; with the line to add.
        """
        command = self._find(image)
        if command is None:
            raise JobFailure(_unknown(image, request))
        if not callable(command):
            return list(command)
        found = command(copy.deepcopy(request))
        if isinstance(found, str | bytes) or not all(isinstance(part, str) for part in found):
            raise JobFailure(
                f"ClientError: the callable registered for the image {image!r} returned {found!r}; it must return a "
                'list of strings, such as ["python", "train.py"].'
            )
        return list(found)

    def _find(self, image: str) -> ImageCommand | None:
        repository, tag = parse_image(image)
        uri = image.split("@", 1)[0]
        names = (repository, f"{repository}:{tag}", uri, uri.rsplit(":", 1)[0])
        with self._lock:
            entries = reversed(self._entries)
            return next((e.command for e in entries if any(fnmatchcase(name, e.pattern) for name in names)), None)


def _absolute(part: str) -> str:
    path = Path(part)
    named = "/" in part or path.suffix
    there = named and os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a program is too long for a name
    return str(path.absolute()) if there else part


def _unknown(image: str, request: dict[str, Any]) -> str:
    repository, tag = parse_image(image)
    specification = request.get("AppSpecification") or request.get("AlgorithmSpecification") or {}
    own = bool(specification.get("ContainerEntrypoint"))
    command = "[]" if own else '["python", "program.py"]'
    hint = " (its ContainerEntrypoint then runs with the running Python)" if own else ""
    return (
        f"ClientError: No local command answers the image '{repository}:{tag}'. Add before the job starts: "
        f'runtime.register_image("{repository}", {command}){hint}'
    )
