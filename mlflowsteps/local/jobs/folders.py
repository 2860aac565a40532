"""Where a job's files are. Owns the layout of ``jobs/<kind>/<name>/`` (see the package)."""

from __future__ import annotations

import posixpath
import shutil
import tempfile
from pathlib import Path

from mlflowsteps.local.jobs.failures import JobFailure

__all__ = ["OPT_ML", "JobFolder"]

OPT_ML = "/opt/ml"
_TAIL_BYTES = 4096
_LONGEST_TMP = 75  # beside it: "/pymp-12345678/listener-12345678"


class JobFolder:
    """One job's folder.

    Args:
        path: ``<root>/jobs/<kind>/<name>``.
        log: the log file; ``log.txt`` in the folder where None.
    """

    def __init__(self, path: Path, *, log: Path | None = None) -> None:
        self.path, self._shared_log = path, log is not None
        self.log, self.home, self.tmp, self.etc = log or path / "log.txt", path / "home", path / "tmp", path / "etc"
        self.processes = path / "process.json"

    def opt_ml(self, host: int = 1) -> Path:
        """What instance ``host`` (1, 2, ...) of the job sees as ``/opt/ml``."""
        return self.path / ("opt-ml" if host == 1 else f"opt-ml-{host}")

    def scratch(self) -> str:
        """What TMPDIR is: ``tmp/``, or a link to it from the machine's own temporary folder.

        A link where its path is so long that a socket in it, such as multiprocessing's, would not fit the 108 bytes of
        its address.
        """
        if len(str(self.tmp)) <= _LONGEST_TMP:
            return str(self.tmp)
        links = self.path / "tmp-link"
        if not links.is_symlink():
            short = Path(tempfile.mkdtemp(prefix="mlfs-"))  # ours alone: a link in /tmp itself could be another's
            (short / "t").symlink_to(self.tmp)
            links.symlink_to(short)
        return f"{links.readlink()}/t"

    def tidy(self) -> None:
        """Take away what lies outside of the folder."""
        links = self.path / "tmp-link"
        if links.is_symlink():
            shutil.rmtree(links.readlink(), ignore_errors=True)  # a link to tmp/ is all that is in it
            links.unlink()

    def prepare(self) -> None:
        """Make the folder ready for an attempt from scratch; an earlier attempt's log is kept as ``log.<n>.txt``."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not self._shared_log and self.log.exists() and self.log.stat().st_size:
            self.log.rename(self.path / f"log.{len(list(self.path.glob('log.*.txt'))) + 1}.txt")
        self.tidy()
        for old in (self.home, self.tmp, self.etc, *self.path.glob("opt-ml*")):
            shutil.rmtree(old, ignore_errors=True)
        for folder in (self.home, self.tmp, self.etc):
            folder.mkdir(mode=0o700)
        for name in ("aws-config", "aws-credentials"):
            (self.etc / name).touch(mode=0o600)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.touch(mode=0o600)

    def note(self, text: str) -> None:
        """Add lines of the runtime's own to the log."""
        with self.log.open("a", encoding="utf-8") as file:
            file.writelines(f"[mlflowsteps] {line}\n" for line in text.splitlines())

    def log_tail(self, limit: int = _TAIL_BYTES) -> str:
        """The end of what the job itself wrote."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - limit))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        return "\n".join(line for line in text.splitlines() if not line.startswith("[mlflowsteps]")).strip()

    def inside(self, path: str, host: int = 1) -> Path:
        """The file or folder that a path below ``/opt/ml`` stands for.

        Raises:
            JobFailure: the path leaves ``/opt/ml``.

        >>> JobFolder(Path("/jobs/a")).inside("/opt/ml/processing/input").as_posix()
        '/jobs/a/opt-ml/processing/input'
        """
        plain = posixpath.normpath(path)
        if "\0" in plain or not plain.startswith(OPT_ML + "/"):
            raise JobFailure(f"ClientError: The path {path!r} is not below {OPT_ML}/, where a job's files must be.")
        return self.opt_ml(host).joinpath(*plain.split("/")[3:])
