"""What stands for one container: a folder, what runs in place of its image, its environment, and its paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflowsteps.local.clock import Clock
from mlflowsteps.local.jobs.environment import job_environment, resolve_python
from mlflowsteps.local.jobs.failures import JobFailure
from mlflowsteps.local.jobs.folders import JobFolder
from mlflowsteps.local.jobs.images.registry import ImageRegistry
from mlflowsteps.local.jobs.pathmode import NAMESPACE, rewrite
from mlflowsteps.local.jobs.process import Command
from mlflowsteps.local.objects import ObjectStore

__all__ = ["Container", "Record", "Services"]

Record = dict[str, Any]
_HOSTS = Path("/etc/hosts")


@dataclass(frozen=True, slots=True)
class Services:
    """What every job is handed.

    Args:
        objects: the S3 store.
        images: what runs in place of images.
        clock: tells the times of descriptions; durations are real ones.
        region: the runtime's region.
        account_id: the runtime's account.
        mode: path mode of every job: ``namespace`` or ``rewritten``.
        pass_environment: the user's variables that jobs may see.
        packages: folder that holds the folders of packages that users' requirements ask for; None: none is installed.
    """

    objects: ObjectStore
    images: ImageRegistry
    clock: Clock
    region: str
    account_id: str
    mode: str
    pass_environment: tuple[str, ...]
    packages: Path | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a job, or a model's container.

    Args:
        folder: its folder.
        services: the runtime's parts.
        request: the Create* request that it belongs to; handed to registered callables.
        instances: how many instances of it run side by side.
    """

    folder: JobFolder
    services: Services
    request: Record
    instances: int = 1

    def shown(self, text: str, host: int = 1) -> str:
        """A text of the request as the job may see it: with ``/opt/ml`` replaced where paths are rewritten."""
        return text if self.services.mode == NAMESPACE else rewrite(text, self.folder.opt_ml(host))

    def entrypoint(self, image: str, specification: Record, default: Sequence[str]) -> list[str]:
        """Program and arguments: the request's own, else what stands for the image.

        Args:
            image: URI of the image.
            specification: may hold ContainerEntrypoint and ContainerArguments.
            default: arguments where the request gives neither, such as ``["train"]``.

        Raises:
            JobFailure: nothing answers the image.
        """
        command = self.services.images.resolve(image, self.request)
        entrypoint = specification.get("ContainerEntrypoint")
        if entrypoint:
            command, default = entrypoint, []
        if not command:
            raise JobFailure(
                f"ClientError: the image {image!r} has no program of its own here; the request must name one in "
                "ContainerEntrypoint."
            )
        return resolve_python([*command, *(specification.get("ContainerArguments") or default)])

    def command(
        self,
        argv: Sequence[str],
        variables: Mapping[str, str],
        *,
        cwd: str | None = None,
        host: int = 1,
        python_path: Sequence[str] = (),
    ) -> Command:
        """What to start for instance ``host``.

        Args:
            argv: program and arguments, with ``/opt/ml`` as in a container.
            variables: the contract's and the request's environment.
            cwd: folder to start in, as in a container; the job's HOME where None.
            host: number of the instance, from 1.
            python_path: folders for PYTHONPATH.
        """
        environment = job_environment(
            self.folder,
            mode=self.services.mode,
            region=self.services.region,
            pass_environment=self.services.pass_environment,
            extra=variables,
            host=host,
            packages=self.services.packages,
            python_path=python_path,
        )
        private = self.services.mode == NAMESPACE
        return Command(
            argv=[self.shown(part, host) for part in argv],
            environment=environment,
            cwd=self.shown(cwd, host) if cwd else str(self.folder.home),
            log=self.folder.log,
            opt_ml=self.folder.opt_ml(host) if private else None,
            hosts=self._hosts(host) if private else None,
        )

    def _hosts(self, host: int) -> Path:
        file = self.folder.etc / f"hosts-{host}"
        names = "".join(f"127.0.0.{number} algo-{number}\n" for number in range(1, 1 + self.instances))
        own = _HOSTS.read_text(encoding="utf-8", errors="replace") if _HOSTS.is_file() else "127.0.0.1 localhost"
        file.write_text(f"{own.rstrip()}\n{names}", encoding="utf-8")
        return file
