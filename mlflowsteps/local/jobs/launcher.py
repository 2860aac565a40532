"""Becomes a job's process: run as a script of its own, single-threaded, before the job's own program takes its place.

    python -I -S launcher.py PARENT CWD OPT_ML HOSTS -- PROGRAM [ARGUMENT ...]

PARENT is the pid of the runtime's process; OPT_ML the folder to show as /opt/ml, ``-`` for none; HOSTS the file to show
as /etc/hosts, ``-`` for none. On Linux it makes a mount namespace (with a user namespace that keeps the user's own ids
where it needs one) and asks the kernel to kill it when the runtime's thread dies. It waits for a ``g`` on its standard
input, which PROGRAM finds empty, and then executes PROGRAM: same pid, so that signals and exit codes pass. It imports
nothing of the package and nothing heavy: it is started for each job.

Exit codes of its own: 125 the namespace cannot be made, 126 PROGRAM cannot be executed, 127 PROGRAM is not found.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import sys

MS_REC, MS_BIND, MS_PRIVATE = 16384, 4096, 1 << 18
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
PR_SET_PDEATHSIG = 1


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    result = _libc().mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])
    _check(result, f"mount {source} on {target}")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs start-up time here
        file.write(text)


def _enter_namespace() -> None:
    """A mount namespace of our own; a user namespace around it only where we lack the right to mount."""
    uid, gid = os.geteuid(), os.getegid()
    libc = _libc()
    if uid != 0 or libc.unshare(CLONE_NEWNS) != 0:
        _check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare")
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")  # the same id: a job that thinks it is root behaves differently
        _write("/proc/self/gid_map", f"{gid} {gid} 1")
    _mount("none", "/", None, MS_REC | MS_PRIVATE)


def _bind(descriptor: int, target: str) -> None:
    _mount(f"/proc/self/fd/{descriptor}", target, None, MS_BIND | MS_REC)


def _open(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _cover_opt() -> None:
    """Put a tmpfs over /opt that shows its old entries and an empty ``ml``."""
    entries = [(entry.name, entry.is_symlink(), entry.is_dir()) for entry in os.scandir("/opt")]
    links = {name: os.readlink(f"/opt/{name}") for name, link, _ in entries if link}  # noqa: PTH115
    descriptors = {name: _open(f"/opt/{name}") for name, link, _ in entries if not link}
    _mount("tmpfs", "/opt", "tmpfs", 0, "mode=0755")
    for name, link, folder in entries:
        path = f"/opt/{name}"
        if link:
            os.symlink(links[name], path)  # noqa: PTH211
            continue
        if folder:
            os.mkdir(path)  # noqa: PTH102
        else:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        _bind(descriptors[name], path)
        os.close(descriptors[name])
    os.mkdir("/opt/ml")  # noqa: PTH102


def _mount_all(opt_ml: str, hosts: str) -> None:
    _enter_namespace()
    folder = _open(opt_ml)  # in the new namespace, as mount(2) wants it, and before /opt, where it may be, is covered
    file = _open(hosts) if hosts != "-" else -1
    try:
        there = stat.S_ISDIR(os.stat("/opt/ml").st_mode)  # noqa: PTH116
    except OSError:
        there = False
    if not there:
        _cover_opt()
    _bind(folder, "/opt/ml")
    if file >= 0 and os.path.isfile("/etc/hosts"):  # noqa: PTH113
        _bind(file, "/etc/hosts")


def _die_with(parent: int) -> None:
    """Have the kernel kill us when the thread that started us ends; set last, since a change of rights clears it."""
    _libc().prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os._exit(125)


def _wait_for_go() -> None:
    """Wait until the runtime has written down who we are, so that it can kill our group after a crash of its own."""
    if os.read(0, 1) != b"g":  # the pipe's other end is closed: the runtime is dead
        os._exit(125)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _fail(code: int, text: str) -> None:
    sys.stderr.write(f"[mlflowsteps] {text}\n")
    sys.stderr.flush()
    os._exit(code)


def main(arguments: list[str]) -> None:
    """Set the stage and become PROGRAM; does not return."""
    parent, cwd, opt_ml, hosts = arguments[:4]
    program = arguments[5:]
    try:
        if opt_ml != "-":
            _mount_all(opt_ml, hosts)
        os.chdir(cwd)
    except OSError as error:
        _fail(125, f"the job's folders cannot be set up: {error}")
    if sys.platform == "linux":
        _die_with(int(parent))
    _wait_for_go()
    for number in (signal.SIGPIPE, getattr(signal, "SIGXFSZ", signal.SIGPIPE)):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them, and what is ignored stays so over exec
    try:
        os.execvp(program[0], program)  # noqa: S606 - no shell: that is the point
    except FileNotFoundError:
        _fail(127, f"exec: {program[0]!r} was not found in the job's PATH")
    except OSError as error:
        _fail(126, f"exec: {program[0]!r} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
