"""Archives: hostile ones are refused and write nothing outside; ours are the same bytes for the same files."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from mlflowsteps.local.jobs.archives import ArchiveError, pack, unpack


def archive(path: Path, *members: tarfile.TarInfo | tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "members",
    [
        [("../evil", b"x")],
        [("a/../../evil", b"x")],
        [special("link", tarfile.SYMTYPE, "/etc/passwd")],
        [special("link", tarfile.SYMTYPE, "../outside")],
        [special("link", tarfile.SYMTYPE, ".."), ("link/evil", b"x")],
        [special("a", tarfile.SYMTYPE, "."), special("b", tarfile.SYMTYPE, "a/.."), ("b/evil", b"x")],
        [special("hard", tarfile.LNKTYPE, "../outside")],
        [special("hard", tarfile.LNKTYPE, "/etc/passwd")],
        [special("pipe", tarfile.FIFOTYPE)],
        [special("device", tarfile.CHRTYPE)],
        [("file", b"x"), special("file", tarfile.SYMTYPE, "other")],
    ],
)
def test_members_that_leave_the_folder_or_are_no_files_are_refused(tmp_path: Path, members: list) -> None:
    (tmp_path / "outside").write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ArchiveError):
        unpack(archive(tmp_path / "a.tar.gz", *members), folder)
    assert not list(tmp_path.rglob("evil")) or all(path.is_relative_to(folder) for path in tmp_path.rglob("evil"))
    assert (tmp_path / "outside").read_text() == "mine"


def test_an_absolute_name_stays_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    unpack(archive(tmp_path / "a.tar.gz", ("/etc/mlflowsteps-test", b"x")), folder)
    assert (folder / "etc/mlflowsteps-test").read_bytes() == b"x"
    assert not Path("/etc/mlflowsteps-test").exists()


def test_links_that_stay_inside_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    members = [
        special("sub/link", tarfile.SYMTYPE, "../file"),
        special("hard", tarfile.LNKTYPE, "file"),
        ("file", b"x"),
    ]
    assert unpack(archive(tmp_path / "a.tar.gz", *members), folder) == 2
    assert (folder / "sub/link").read_bytes() == (folder / "hard").read_bytes() == b"x"


@pytest.mark.parametrize("limits", [{"max_bytes": 99}, {"max_members": 9}])
def test_more_than_the_limits_is_refused(tmp_path: Path, limits: dict[str, int]) -> None:
    file = archive(tmp_path / "a.tar.gz", *((str(i), b"x" * 10) for i in range(10)))
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ArchiveError, match="holds more than"):
        unpack(file, folder, **limits)
    assert unpack(file, folder, max_bytes=100, max_members=10) == 10


@pytest.mark.parametrize("data", [b"", b"no archive", b"\x1f\x8b\x08\x00 cut off"])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(data)
    with pytest.raises(ArchiveError, match=r"a\.tar\.gz cannot be unpacked"):
        unpack(tmp_path / "a.tar.gz", tmp_path)


def test_packing_is_repeatable_and_takes_no_file_from_outside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    packed = []
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "sub").mkdir(parents=True)
        (folder / "sub/b").write_text("b")
        (folder / "a").write_text("a")
        (folder / "inside").symlink_to("a")
        (folder / "outside").symlink_to(tmp_path / "secret")
        packed.append(tmp_path / f"{name}.tar.gz")
        assert pack([folder], packed[-1]) == 3
    assert packed[0].read_bytes() == packed[1].read_bytes()
    with tarfile.open(packed[0]) as tar:
        assert tar.getnames() == ["a", "inside", "sub", "sub/b"]
