"""The object store: keys, atomicity, listing, files of the user's, and staying inside its folder."""

import hashlib
import io
import os
import random
import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.objects import ObjectStore
from mlflowsteps.local.objects.names import plain_parts

HOSTILE = [
    "a",
    "a/b",
    "a/",
    "a/b/",
    "../outside",
    "../../etc/passwd",
    "x/../../y",
    "./here",
    "here/.",
    "..",
    ".",
    "/",
    "//",
    "/absolute",
    "double//slash",
    "nul\0byte",
    "new\nline",
    "tab\tand \x01control",
    "s" * 256,
    "é" * 200,
    "k" * 1024,
    "/".join(["d" * 200] * 5),
    ".escaped",
    ".escaped/x",
    ".escaped/x.key",
    "CON",
    "aux.txt",
    "Case",
    "case",
    "CASE/x",
    "back\\slash",
    'q?r#s%2F +&*"<>|:',
    "~",
    "-rf",
    "emoji \U0001f600",
    "e\u0301",
    "\u00e9",
    "a.b",
    "a0",
    "\U0010ffff",
    "\uffff",
]


@pytest.fixture
def store(tmp_path):
    store = ObjectStore(tmp_path / "root" / "s3")
    store.create_bucket("bucket")
    yield store
    store.close()


def keys(store, **options):
    return [info.key for info in store.list("bucket", **options)]


def data(store, key):
    with store.open("bucket", key) as stream:
        return stream.read()


def code_of(call, *arguments, **keywords):
    with pytest.raises(ServiceError) as caught:
        call(*arguments, **keywords)
    return caught.value.code


def outside(tmp_path):
    """Everything on the disk that is not below the store's folder."""
    return [path for path in tmp_path.rglob("*") if tmp_path / "root" / "s3" not in [path, *path.parents]]


@pytest.mark.parametrize("key", HOSTILE)
def test_any_key_is_kept_and_stays_in_the_bucket(store, tmp_path, key):
    store.put("bucket", key, b"data", content_type="text/x", metadata={"Note": "1"})
    info, stream = store.read("bucket", key)
    with stream:
        assert stream.read() == b"data"
    assert (info.key, info.size, info.content_type, info.metadata) == (key, 4, "text/x", {"note": "1"})
    assert info.etag == hashlib.md5(b"data").hexdigest()
    assert keys(store) == [key]
    bucket = tmp_path / "root" / "s3" / "bucket"
    assert bucket in store.path("bucket", key).resolve().parents
    assert outside(tmp_path) == [tmp_path / "root"]
    store.delete("bucket", key)
    assert keys(store) == []
    store.delete_bucket("bucket")


def test_all_these_keys_live_side_by_side(store):
    for key in random.Random(1).sample(HOSTILE, len(HOSTILE)):
        store.put("bucket", key, key.encode())
    assert keys(store) == sorted(HOSTILE, key=str.encode)
    assert [info.size for info in store.list("bucket")] == [len(key.encode()) for key in keys(store)]
    assert [data(store, key) for key in HOSTILE] == [key.encode() for key in HOSTILE]


def test_ordinary_keys_are_plain_files_under_their_own_names(store):
    store.put("bucket", "train/part 1.csv", b"1,2\n")
    assert (store.folder / "bucket" / "train" / "part 1.csv").read_bytes() == b"1,2\n"
    assert store.path("bucket", "train/part 1.csv") == store.folder / "bucket" / "train" / "part 1.csv"


def test_keys_that_differ_in_case_only_are_kept_apart_where_the_file_system_ignores_case(store):
    store._files.folds_case = True  # as on macOS
    store.put("bucket", "Data/a", b"1")
    store.put("bucket", "data/a", b"2")
    store.put("bucket", "Data/A", b"3")
    plain = [path for path in (store.folder / "bucket").rglob("*") if path.is_file() and ".escaped" not in path.parts]
    assert plain == [store.folder / "bucket" / "Data" / "a"]
    assert [(info.key, data(store, info.key)) for info in store.list("bucket")] == [
        ("Data/A", b"3"), ("Data/a", b"1"), ("data/a", b"2"),
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["CON", "con.txt", "a/NUL", "a:b", "x/y ", "x.", "what?"])
def test_names_that_windows_does_not_have_are_escaped_there(key):
    assert plain_parts(key, 10, windows=True) is None
    assert plain_parts(key, 10, windows=False) == tuple(key.split("/"))


def test_a_key_whose_whole_path_is_too_long_is_escaped():
    assert plain_parts("a/" * 300 + "b", 10, windows=False) is not None
    assert plain_parts("a/" * 300 + "b", 600, windows=False) is None


@pytest.mark.parametrize(("key", "code"), [("", "InvalidArgument"), ("x" * 1025, "KeyTooLongError"),
                                           ("é" * 513, "KeyTooLongError"), ("\ud800", "InvalidArgument")])  # fmt: skip
def test_what_is_no_key_is_refused(store, key, code):
    assert code_of(store.put, "bucket", key, b"") == code
    assert code_of(store.head, "bucket", key) == code


@pytest.mark.parametrize("name", ["", "ab", "Upper", "..", "../x", ".partial", "a/b", "-ab", "x" * 64, "a\0b"])
def test_what_is_no_bucket_name_is_refused(store, name):
    assert code_of(store.create_bucket, name) == "InvalidBucketName"
    assert code_of(store.put, name, "key", b"") == "NoSuchBucket"
    assert code_of(store.head, name, "key") == "NoSuchBucket"


def test_a_missing_key_says_where_it_was_looked_for(store):
    with pytest.raises(ServiceError, match=r"'none' does not exist in bucket 'bucket'.*s3/bucket") as caught:
        store.head("bucket", "none")
    assert (caught.value.code, caught.value.status) == ("NoSuchKey", 404)


def test_files_that_a_person_drops_are_objects(store):
    folder = store.folder / "bucket" / "train"
    folder.mkdir()
    (folder / "a.csv").write_text("1,2\n")
    (info,) = store.list("bucket", prefix="train/")
    assert (info.key, info.size, info.content_type, info.metadata) == ("train/a.csv", 4, "text/csv", {})
    assert "-" in info.etag
    assert data(store, "train/a.csv") == b"1,2\n"


def test_a_file_that_a_person_changes_has_a_new_etag_and_no_stale_headers(store):
    store.put("bucket", "a", b"old", content_type="text/csv", metadata={"m": "1"})
    before = store.head("bucket", "a")
    (store.folder / "bucket" / "a").write_bytes(b"new!")
    after = store.head("bucket", "a")
    assert after.etag != before.etag
    assert (after.size, after.content_type, after.metadata) == (4, "binary/octet-stream", {})


def test_links_are_neither_followed_nor_written_through(store, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("private")
    bucket = store.folder / "bucket"
    (bucket / "link").symlink_to(secret, target_is_directory=True)
    (bucket / "file").symlink_to(secret / "key")
    (store.folder / "other").symlink_to(secret, target_is_directory=True)
    assert keys(store) == []
    assert code_of(store.head, "bucket", "link/key") == "NoSuchKey"
    assert code_of(store.open, "bucket", "file") == "NoSuchKey"
    assert code_of(store.head, "other", "key") == "NoSuchBucket"
    for key in ("link/key", "link/new", "file"):
        store.put("bucket", key, b"ours")
        assert data(store, key) == b"ours"
    assert (secret / "key").read_text() == "private"
    assert sorted(path.name for path in secret.iterdir()) == ["key"]
    assert (bucket / "file").is_symlink()


def test_a_pipe_in_a_bucket_is_no_object_and_blocks_nobody(store):
    os.mkfifo(store.folder / "bucket" / "pipe")
    assert keys(store) == []
    assert code_of(store.open, "bucket", "pipe") == "NoSuchKey"


class Breaks(io.RawIOBase):
    """Data that ends in an error, as when a process is interrupted."""

    def __init__(self):
        self.pieces = [b"half"]

    def read(self, size=-1):
        if self.pieces:
            return self.pieces.pop()
        raise ConnectionError("gone")


def test_a_write_that_breaks_leaves_the_old_object_and_no_trace(store):
    store.put("bucket", "a", b"whole", metadata={"m": "1"})
    with pytest.raises(ConnectionError):
        store.put("bucket", "a", Breaks())
    assert data(store, "a") == b"whole"
    assert store.head("bucket", "a").metadata == {"m": "1"}
    assert list((store.folder / ".partial").iterdir()) == []


def test_what_a_killed_process_left_half_written_is_gone_at_the_next_opening(store):
    (store.folder / ".partial" / "0123").write_bytes(b"half")
    again = ObjectStore(store.folder)
    assert list((store.folder / ".partial").iterdir()) == []
    again.close()


def test_a_kill_between_index_and_rename_harms_neither_version(store):
    store.put("bucket", "a", b"old", metadata={"v": "old"})
    store._index.put("bucket", "a", 3, 1, ("etag-of-new", "text/x", {"v": "new"}))  # as just before the rename
    assert store.head("bucket", "a").metadata == {"v": "old"}
    assert store.head("bucket", "a").etag == hashlib.md5(b"old").hexdigest()


def test_a_reader_keeps_the_version_that_it_opened(store):
    store.put("bucket", "a", b"first")
    with store.open("bucket", "a") as stream:
        store.put("bucket", "a", b"second")
        store.delete("bucket", "a")
        assert stream.read() == b"first"


def test_readers_never_see_a_part_of_an_object(store):
    versions = [bytes([number]) * 300_000 for number in range(8)]
    store.put("bucket", "a", versions[0])
    done = threading.Event()
    seen = set()

    def read():
        while not done.is_set():
            info, stream = store.read("bucket", "a")
            with stream:
                found = stream.read()
            assert hashlib.md5(found).hexdigest() == info.etag
            seen.add(found[:1])

    failures = []
    reader = threading.Thread(target=lambda: failures.extend(_failure_of(read)))
    reader.start()
    for _ in range(10):
        for version in versions:
            store.put("bucket", "a", version)
    done.set()
    reader.join()
    assert not failures
    assert seen


def _failure_of(call):
    try:
        call()
    except BaseException as error:  # noqa: BLE001 -- a failure on a thread is the test's
        return [error]
    return []


def test_many_threads_put_and_delete_in_one_folder(store):
    def work(number):
        for turn in range(30):
            store.put("bucket", f"d/{number}", str(turn).encode())
            store.delete("bucket", f"d/{number}")
        store.put("bucket", f"d/{number}", b"end")

    failures = []
    threads = [threading.Thread(target=lambda n=n: failures.extend(_failure_of(lambda: work(n)))) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert keys(store) == [f"d/{number}" for number in range(6)]


def test_deleting_takes_empty_folders_along_but_nothing_else(store):
    store.put("bucket", "a/b/c", b"")
    store.put("bucket", "a/d", b"")
    store.delete("bucket", "a/b/c")
    assert sorted(path.name for path in (store.folder / "bucket" / "a").iterdir()) == ["d"]
    store.delete("bucket", "a/d")
    store.delete("bucket", "never")
    assert list((store.folder / "bucket").iterdir()) == []


def test_a_bucket_with_anything_in_it_is_not_deleted(store):
    store.put("bucket", "a/b", b"")
    assert code_of(store.delete_bucket, "bucket") == "BucketNotEmpty"
    store.delete("bucket", "a/b")
    (store.folder / "bucket" / "link").symlink_to("/etc/passwd")
    assert code_of(store.delete_bucket, "bucket") == "BucketNotEmpty"
    assert (store.folder / "bucket" / "link").is_symlink()
    (store.folder / "bucket" / "link").unlink()
    store.delete_bucket("bucket")
    assert store.list_buckets() == []
    assert code_of(store.delete_bucket, "bucket") == "NoSuchBucket"


def test_copy_keeps_data_and_headers_unless_told_otherwise(store):
    store.put("bucket", "a", b"data", content_type="text/csv", metadata={"m": "1"})
    copied = store.copy(("bucket", "a"), "bucket", "b")
    assert (copied.etag, copied.content_type, copied.metadata) == (
        store.head("bucket", "a").etag, "text/csv", {"m": "1"},
    )  # fmt: skip
    assert store.copy(("bucket", "a"), "bucket", "a", metadata={}).metadata == {}
    assert data(store, "a") == b"data"


def test_a_file_of_the_users_is_copied_not_moved(store, tmp_path):
    source = tmp_path / "model.bin"
    source.write_bytes(b"weights")
    store.put("bucket", "model", source)
    assert source.read_bytes() == b"weights"
    source.write_bytes(b"changed")
    assert data(store, "model") == b"weights"


def test_a_read_only_store_reads_and_changes_nothing(store):
    store.put("bucket", "a", b"1", metadata={"m": "1"})
    reader = ObjectStore(store.folder, read_only=True)
    assert reader.head("bucket", "a").metadata == {"m": "1"}
    assert [info.key for info in reader.list("bucket")] == ["a"]
    for change in (
        lambda: reader.put("bucket", "b", b""),
        lambda: reader.delete("bucket", "a"),
        lambda: reader.create_bucket("other"),
        lambda: reader.delete_bucket("bucket"),
        lambda: reader.uploads.create("bucket", "b"),
    ):
        assert code_of(change) == "AccessDenied"
    reader.close()


def test_a_read_only_store_of_nothing_is_empty(tmp_path):
    reader = ObjectStore(tmp_path / "none", read_only=True)
    assert reader.list_buckets() == []
    assert not (tmp_path / "none").exists()
    reader.close()


def test_headers_outlive_the_process(store):
    store.put("bucket", "a", b"1", content_type="text/x", metadata={"m": "1"})
    store.put("bucket", "a/b", b"2", content_type="text/y")
    store.close()
    again = ObjectStore(store.folder)
    assert [(i.key, i.content_type, dict(i.metadata)) for i in again.list("bucket")] == [
        ("a", "text/x", {"m": "1"}), ("a/b", "text/y", {}),
    ]  # fmt: skip
    again.close()


def test_a_broken_index_costs_headers_and_no_data(store, caplog):
    store.put("bucket", "a", b"1", metadata={"m": "1"})
    store.put("bucket", "a/", b"2")
    store.close()
    for path in store.folder.glob(".index.sqlite*"):
        path.unlink()
    (store.folder / ".index.sqlite").write_bytes(b"no database at all" * 100)
    again = ObjectStore(store.folder)
    assert [(info.key, info.metadata) for info in again.list("bucket")] == [("a", {}), ("a/", {})]
    assert "begins anew" in caplog.text
    assert (store.folder / ".index.sqlite.broken").exists()
    again.close()


def test_an_index_with_rows_of_overwritten_objects_does_not_grow(store):
    for number in range(20):
        store.put("bucket", "a", b"x" * number)
    store.close()
    connection = sqlite3.connect(store.folder / ".index.sqlite")
    assert connection.execute("SELECT count(*) FROM objects").fetchone() == (1,)
    connection.close()


# Listing


def test_listing_begins_above_any_key_and_stays_within_a_prefix(store):
    names = ["a", "a.b", "a/b", "a/c/d", "a/c/e", "a0", "b", "b/", "b/x", "é"]
    for name in names:
        store.put("bucket", name, b"")
    ordered = sorted(names, key=str.encode)
    assert keys(store) == ordered
    for after in [*names, "", "a/", "a/c", "a/c/", "zzz"]:
        expected = [name for name in ordered if name.encode() > after.encode()]
        assert keys(store, start_after=after) == expected, after
    for prefix in ["a", "a/", "a/c", "a/c/", "a/c/d", "b/", "é", "none", "a."]:
        assert keys(store, prefix=prefix) == [name for name in ordered if name.startswith(prefix)], prefix


KEY = st.text(st.sampled_from("ab/.0é~"), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.sets(KEY, max_size=12), KEY, st.text(st.sampled_from("ab/.0é~"), max_size=3))
def test_listing_is_the_sorted_set_of_keys_whatever_they_are(tmp_path_factory, names, after, prefix):
    store = ObjectStore(tmp_path_factory.mktemp("store") / "s3")
    store.create_bucket("bucket")
    for name in names:
        store.put("bucket", name, b"")
    expected = [n for n in sorted(names, key=str.encode) if n.encode() > after.encode() and n.startswith(prefix)]
    assert keys(store, start_after=after, prefix=prefix) == expected
    store.close()


def test_a_folder_is_read_once_for_all_pages_of_a_listing(store, monkeypatch):
    folder = store.folder / "bucket" / "d"
    folder.mkdir()
    for number in range(500):
        (folder / f"{number:04d}").touch()
    os.utime(folder, (1, 1))
    os.utime(store.folder / "bucket", (1, 1))
    reads = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: reads.append(path) or scandir(path))
    seen, last = [], ""
    while True:
        page = [info.key for _, info in zip(range(7), store.list("bucket", start_after=last), strict=False)]
        if not page:
            break
        seen += page
        last = page[-1]
    assert len(seen) == 500
    assert len(reads) == 2


def test_a_change_is_seen_by_the_next_listing_though_the_folder_was_read_before(store):
    store.put("bucket", "d/a", b"")
    os.utime(store.folder / "bucket" / "d", (1, 1))
    assert keys(store) == ["d/a"]
    store.put("bucket", "d/b", b"")
    assert keys(store) == ["d/a", "d/b"]
    (store.folder / "bucket" / "d" / "c").touch()
    assert keys(store) == ["d/a", "d/b", "d/c"]


def test_names_that_are_no_text_are_left_alone(store):
    path = os.path.join(os.fsencode(store.folder / "bucket"), b"\xff\xfe")  # noqa: PTH118
    try:
        Path(os.fsdecode(path)).touch()
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    assert keys(store) == []


# Multipart uploads


def test_parts_become_one_object_in_the_order_of_their_numbers(store):
    upload = store.uploads.create("bucket", "big", content_type="text/x", metadata={"M": "1"})
    where = ("bucket", "big", upload.upload_id)
    second = store.uploads.put_part(*where, 2, b"world")
    first = store.uploads.put_part(*where, 1, b"hello ")
    assert [part.number for part in store.uploads.parts(*where)] == [1, 2]
    assert code_of(store.head, "bucket", "big") == "NoSuchKey"
    info = store.uploads.complete(*where, [(1, first.etag), (2, f'"{second.etag}"')])
    both = hashlib.md5(bytes.fromhex(first.etag) + bytes.fromhex(second.etag)).hexdigest()
    assert (info.etag, info.size, info.content_type, info.metadata) == (f"{both}-2", 11, "text/x", {"m": "1"})
    assert store.head("bucket", "big").etag == f"{both}-2"
    assert data(store, "big") == b"hello world"
    assert code_of(store.uploads.parts, *where) == "NoSuchUpload"
    assert list((store.folder / ".uploads").iterdir()) == []


def test_a_part_sent_again_replaces_the_first(store):
    upload = store.uploads.create("bucket", "big")
    where = ("bucket", "big", upload.upload_id)
    old = store.uploads.put_part(*where, 1, b"old")
    new = store.uploads.put_part(*where, 1, b"new")
    assert code_of(store.uploads.complete, *where, [(1, old.etag)]) == "InvalidPart"
    store.uploads.complete(*where, [(1, new.etag)])
    assert data(store, "big") == b"new"


@pytest.mark.parametrize("wanted", [[], [(2, "x"), (1, "x")], [(1, "x"), (1, "x")]])
def test_parts_out_of_order_are_refused(store, wanted):
    upload = store.uploads.create("bucket", "big")
    assert code_of(store.uploads.complete, "bucket", "big", upload.upload_id, wanted) == "InvalidPartOrder"


@pytest.mark.parametrize("etag", ["../../x", "d41d8cd98f00b204e9800998ecf8427e", ""])
def test_a_part_that_was_not_uploaded_is_refused(store, etag):
    upload = store.uploads.create("bucket", "big")
    assert code_of(store.uploads.complete, "bucket", "big", upload.upload_id, [(1, etag)]) == "InvalidPart"


@pytest.mark.parametrize("upload_id", ["", "..", "../../bucket", "0" * 32])
def test_an_upload_that_was_not_begun_is_refused(store, upload_id):
    assert code_of(store.uploads.put_part, "bucket", "big", upload_id, 1, b"") == "NoSuchUpload"


def test_an_upload_belongs_to_its_own_key(store):
    upload = store.uploads.create("bucket", "big")
    assert code_of(store.uploads.abort, "bucket", "other", upload.upload_id) == "NoSuchUpload"


def test_uploads_outlive_the_process_and_can_be_aborted(store):
    upload = store.uploads.create("bucket", "big")
    store.uploads.put_part("bucket", "big", upload.upload_id, 1, b"data")
    store.close()
    again = ObjectStore(store.folder)
    (found,) = again.uploads.list("bucket")
    assert found == upload
    again.uploads.abort("bucket", "big", upload.upload_id)
    assert again.uploads.list("bucket") == []
    again.close()


@pytest.mark.parametrize("number", [0, 10_001, -1])
def test_part_numbers_have_bounds(store, number):
    upload = store.uploads.create("bucket", "big")
    assert code_of(store.uploads.put_part, "bucket", "big", upload.upload_id, number, b"") == "InvalidArgument"
