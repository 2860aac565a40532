"""tar.gz files: unpacking what others made, with limits, and packing the same bytes for the same files.

Owns no folder: it writes below the one it is given and nowhere else. Imports the standard library only, because job
processes use it too.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
from pathlib import Path

__all__ = ["ArchiveError", "pack", "unpack"]

MAX_BYTES = 64 << 30
MAX_MEMBERS = 200_000
KEPT_FREE_BYTES = 1 << 28
"""So much of the disk stays free: archives of zeros grow a thousandfold."""


class ArchiveError(ValueError):
    """An archive that is not unpacked: damaged, too large, or with a member that leaves its folder."""


def unpack(archive: Path, folder: Path, *, max_bytes: int = MAX_BYTES, max_members: int = MAX_MEMBERS) -> int:
    """Unpack a tar archive (plain or compressed) into ``folder``.

    Files come first and links last, so that nothing is ever written through a link of the archive.

    Args:
        archive: the file.
        folder: an existing folder of the caller's own.
        max_bytes: most bytes of all files together.
        max_members: most members.

    Returns:
        Number of files.

    Raises:
        ArchiveError: names the member, and what is wrong with it.
    """
    if not hasattr(tarfile, "data_filter"):
        raise ArchiveError("This Python's tarfile lacks the 'data' filter; use Python 3.11.4 or newer.")
    links: list[tarfile.TarInfo] = []
    count, total, files = 0, 0, 0
    room = shutil.disk_usage(folder).free - KEPT_FREE_BYTES
    try:
        with tarfile.open(archive, "r:*") as tar:
            for member in tar:
                count, total = count + 1, total + max(0, member.size)
                if count > max_members or total > max_bytes:
                    raise ArchiveError(
                        f"{archive.name} holds more than {max_members} members or {max_bytes} bytes (reached at "
                        f"{member.name!r}); it is not unpacked further."
                    )
                if total > room:
                    raise ArchiveError(
                        f"{archive.name} holds at least {total} bytes (reached at {member.name!r}), and the disk has "
                        f"room for {max(0, room)}; it is not unpacked further."
                    )
                if member.issym() or member.islnk():
                    links.append(tarfile.data_filter(member, str(folder)))
                    continue
                _extract(tar, member, folder)
                files += member.isfile()
            files += sum(_link(folder, member) for member in links)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        if isinstance(error, ArchiveError):
            raise
        raise ArchiveError(f"{archive.name} cannot be unpacked: {error}") from error
    return files


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    safe = tarfile.data_filter(member, str(folder))
    tar.extract(safe, folder, set_attrs=True, filter="data")


def _link(folder: Path, member: tarfile.TarInfo) -> int:
    """Make a link of the archive, once every file is there, and only if it stays inside."""
    root = Path(os.path.realpath(folder))
    path = folder / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    start = folder if member.islnk() else path.parent  # a hard link's target counts from the archive's root
    target = Path(os.path.realpath(start / member.linkname))
    if not target.is_relative_to(root) or not Path(os.path.realpath(path.parent)).is_relative_to(root):
        raise ArchiveError(f"The link {member.name!r} leads out of the archive's folder, to {member.linkname!r}.")
    if path.is_symlink() or path.exists():
        raise ArchiveError(f"{member.name!r} stands in the archive twice, once as a link.")
    if member.issym():
        path.symlink_to(member.linkname)
        return 0
    shutil.copyfile(target, path)
    return 1


def pack(folders: list[Path], archive: Path) -> int:
    """Pack what is in ``folders`` into one tar.gz, members at its root, the same bytes for the same content.

    Links are followed where they stay inside their folder, and left out where they lead out of it. Of two files of one
    name the first folder's is taken.

    Returns:
        Number of files.
    """
    members: dict[str, Path] = {}
    for folder in folders:
        root = Path(os.path.realpath(folder))
        for path in sorted(folder.rglob("*")):
            if Path(os.path.realpath(path)).is_relative_to(root) and (path.is_file() or path.is_dir()):
                members.setdefault(path.relative_to(folder).as_posix(), path)
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted(members):
            _add(tar, name, members[name])
    return sum(path.is_file() for path in members.values())


def _add(tar: tarfile.TarFile, name: str, path: Path) -> None:
    info = tarfile.TarInfo(name)
    if path.is_dir():
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)
        return
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        info.size, info.mode = found.st_size, 0o755 if found.st_mode & 0o100 else 0o644
        tar.addfile(info, file)
