"""S3 through a real boto3 client, no socket anywhere."""

import hashlib
import io
import os

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.objects import ObjectStore
from mlflowsteps.local.services.bodies import request_body
from mlflowsteps.local.services.s3 import S3
from mlflowsteps.local.services.wire import Wire
from tests.local.objects.test_object_store import HOSTILE
from tests.local.runs import forbid_sockets


@pytest.fixture
def store(tmp_path):
    store = ObjectStore(tmp_path / "s3")
    yield store
    store.close()


@pytest.fixture
def wire(store, monkeypatch):
    forbid_sockets(monkeypatch)
    service = S3(store, region="eu-west-1", account_id="123456789012")
    return Wire({"s3": service}.get, region="eu-west-1")


@pytest.fixture
def s3(wire):
    client = wire.client("s3")
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return client


def get(s3, key, **options):
    return s3.get_object(Bucket="bucket", Key=key, **options)["Body"].read()


def code_of(call, *arguments, **keywords):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **keywords)
    return caught.value.response["Error"]["Code"]


def test_buckets(s3):
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["bucket"]
    assert s3.get_bucket_location(Bucket="bucket")["LocationConstraint"] == "eu-west-1"
    s3.head_bucket(Bucket="bucket")
    assert code_of(s3.head_bucket, Bucket="other") == "404"
    assert code_of(s3.create_bucket, Bucket="Not_A_Bucket") == "InvalidBucketName"
    s3.delete_bucket(Bucket="bucket")
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.list_objects_v2(Bucket="bucket")


@pytest.mark.parametrize("key", HOSTILE)
def test_any_key_goes_there_and_back(s3, key):
    s3.put_object(Bucket="bucket", Key=key, Body=b"data", Metadata={"name": "value"})
    assert get(s3, key) == b"data"
    assert s3.head_object(Bucket="bucket", Key=key)["Metadata"] == {"name": "value"}
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="bucket")["Contents"]] == [key]
    assert [item["Key"] for item in s3.list_objects(Bucket="bucket")["Contents"]] == [key]
    s3.copy_object(Bucket="bucket", Key="copy", CopySource={"Bucket": "bucket", "Key": key})
    assert get(s3, "copy") == b"data"
    s3.delete_object(Bucket="bucket", Key=key)
    assert code_of(s3.get_object, Bucket="bucket", Key=key) == "NoSuchKey"


def test_headers_of_an_object(s3):
    put = s3.put_object(Bucket="bucket", Key="a.csv", Body="1,2\n", ContentType="text/csv")
    head = s3.head_object(Bucket="bucket", Key="a.csv")
    assert put["ETag"] == head["ETag"] == f'"{hashlib.md5(b"1,2" + bytes([10])).hexdigest()}"'
    assert (head["ContentLength"], head["ContentType"], head["AcceptRanges"]) == (4, "text/csv", "bytes")
    s3.put_object(Bucket="bucket", Key="b.csv")
    assert s3.head_object(Bucket="bucket", Key="b.csv")["ContentType"] == "binary/octet-stream"
    assert get(s3, "b.csv") == b""


@pytest.mark.parametrize(
    ("asked", "expected", "content_range"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=9-9", b"9", "bytes 9-9/10"),
    ],
)
def test_ranges(s3, asked, expected, content_range):
    s3.put_object(Bucket="bucket", Key="a", Body=b"0123456789")
    answer = s3.get_object(Bucket="bucket", Key="a", Range=asked)
    assert (answer["Body"].read(), answer["ContentRange"]) == (expected, content_range)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentLength"] == len(expected)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=5-2", "bytes=-0"])
def test_a_range_outside_of_the_object_is_refused(s3, asked):
    s3.put_object(Bucket="bucket", Key="a", Body=b"0123456789")
    assert code_of(s3.get_object, Bucket="bucket", Key="a", Range=asked) == "InvalidRange"


@pytest.mark.parametrize("asked", ["nonsense", "bytes=", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4"])
def test_a_range_that_is_none_gives_the_whole_object(s3, asked):
    s3.put_object(Bucket="bucket", Key="a", Body=b"0123456789")
    answer = s3.get_object(Bucket="bucket", Key="a", Range=asked)
    assert (answer["Body"].read(), answer["ResponseMetadata"]["HTTPStatusCode"]) == (b"0123456789", 200)
    assert "ContentRange" not in answer


def test_conditions(s3):
    etag = s3.put_object(Bucket="bucket", Key="a", Body=b"1")["ETag"]
    assert get(s3, "a", IfMatch=etag) == b"1"
    assert code_of(s3.get_object, Bucket="bucket", Key="a", IfMatch='"other"') == "PreconditionFailed"
    assert code_of(s3.get_object, Bucket="bucket", Key="a", IfNoneMatch=etag) == "304"
    assert code_of(s3.put_object, Bucket="bucket", Key="a", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(Bucket="bucket", Key="new", Body=b"2", IfNoneMatch="*")
    s3.put_object(Bucket="bucket", Key="a", Body=b"3", IfMatch=etag)
    assert code_of(s3.put_object, Bucket="bucket", Key="a", Body=b"4", IfMatch=etag) == "PreconditionFailed"
    assert get(s3, "a") == b"3"


def test_a_wrong_checksum_stores_nothing(s3):
    s3.put_object(Bucket="bucket", Key="a", Body=b"old")
    for wrong in ({"ContentMD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, {"ChecksumCRC32": "AAAAAA=="}):
        assert code_of(s3.put_object, Bucket="bucket", Key="a", Body=b"new", **wrong) == "BadDigest"
    assert get(s3, "a") == b"old"
    answer = s3.put_object(Bucket="bucket", Key="a", Body=b"new", ChecksumAlgorithm="CRC32")
    assert answer["ChecksumCRC32"]
    assert get(s3, "a") == b"new"


def test_pages_and_common_prefixes_cover_every_key_once(s3):
    names = ["a", "a/", "a/x", "a/y", "b/x/1", "b/x/2", "b/y", "c", "é/1", "z z", "z+z"]
    for name in names:
        s3.put_object(Bucket="bucket", Key=name)
    ordered = sorted(names, key=str.encode)
    for size in (1, 2, 3, 1000):
        for operation in ("list_objects_v2", "list_objects"):
            pages = s3.get_paginator(operation).paginate(Bucket="bucket", PaginationConfig={"PageSize": size})
            assert [item["Key"] for page in pages for item in page.get("Contents", [])] == ordered
            pages = list(
                s3.get_paginator(operation).paginate(
                    Bucket="bucket", Delimiter="/", PaginationConfig={"PageSize": size}
                )
            )
            assert [item["Key"] for page in pages for item in page.get("Contents", [])] == ["a", "c", "z z", "z+z"]
            assert [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])] == ["a/", "b/", "é/"]
            assert all(len(page.get("Contents", [])) + len(page.get("CommonPrefixes", [])) <= size for page in pages)
    found = s3.list_objects_v2(Bucket="bucket", Prefix="b/", Delimiter="/")
    assert ([item["Key"] for item in found["Contents"]], found["CommonPrefixes"]) == (["b/y"], [{"Prefix": "b/x/"}])
    assert s3.list_objects_v2(Bucket="bucket", StartAfter="c")["KeyCount"] == 3
    assert s3.list_objects_v2(Bucket="bucket", MaxKeys=0)["IsTruncated"] is False


def test_a_common_prefix_passes_over_what_is_below_it(s3, store, monkeypatch):
    for number in range(50):
        s3.put_object(Bucket="bucket", Key=f"many/{number:03d}")
    s3.put_object(Bucket="bucket", Key="more/1")
    seen = []
    infos = store._info
    monkeypatch.setattr(store, "_info", lambda *arguments: seen.append(arguments) or infos(*arguments))
    found = s3.list_objects_v2(Bucket="bucket", Delimiter="/")
    assert [item["Prefix"] for item in found["CommonPrefixes"]] == ["many/", "more/"]
    assert len(seen) < 5


def test_a_token_that_was_not_given_out_is_refused(s3):
    assert code_of(s3.list_objects_v2, Bucket="bucket", ContinuationToken="nonsense!") == "InvalidArgument"


def test_deleting_many(s3):
    for number in range(3):
        s3.put_object(Bucket="bucket", Key=f"k{number}&<>")
    entries = [{"Key": f"k{number}&<>"} for number in range(3)]
    assert [e["Key"] for e in s3.delete_objects(Bucket="bucket", Delete={"Objects": entries})["Deleted"]] == [
        entry["Key"] for entry in entries
    ]
    assert s3.list_objects_v2(Bucket="bucket")["KeyCount"] == 0


def test_copies(s3):
    s3.put_object(Bucket="bucket", Key="a b+c/é?", Body=b"1", ContentType="text/csv", Metadata={"m": "1"})
    source = {"Bucket": "bucket", "Key": "a b+c/é?"}
    s3.copy_object(Bucket="bucket", Key="x", CopySource=source)
    assert s3.head_object(Bucket="bucket", Key="x")["Metadata"] == {"m": "1"}
    s3.copy_object(Bucket="bucket", Key="y", CopySource="/bucket/x", MetadataDirective="REPLACE", Metadata={"n": "2"})
    assert s3.head_object(Bucket="bucket", Key="y")["Metadata"] == {"n": "2"}
    assert code_of(s3.copy_object, Bucket="bucket", Key="z", CopySource="bucket") == "InvalidArgument"
    assert code_of(s3.copy_object, Bucket="bucket", Key="z", CopySource="bucket/none") == "NoSuchKey"


# Files of any size

SMALL_PARTS = TransferConfig(multipart_threshold=1 << 20, multipart_chunksize=1 << 20, max_concurrency=4)


def test_files_go_up_and_down_in_parts(s3, tmp_path):
    original = tmp_path / "original"
    original.write_bytes(os.urandom(23 << 20))
    progress = []
    s3.upload_file(
        str(original), "bucket", "big", Config=TransferConfig(multipart_threshold=8 << 20), Callback=progress.append,
        ExtraArgs={"Metadata": {"m": "1"}, "ContentType": "x/y"},
    )  # fmt: skip
    assert sum(progress) == 23 << 20
    head = s3.head_object(Bucket="bucket", Key="big")
    assert (head["ContentLength"], head["Metadata"], head["ContentType"]) == (23 << 20, {"m": "1"}, "x/y")
    assert head["ETag"].endswith('-3"')
    s3.download_file("bucket", "big", str(tmp_path / "copy"), Config=SMALL_PARTS)
    assert (tmp_path / "copy").read_bytes() == original.read_bytes()
    assert get(s3, "big", Range="bytes=8388600-8388615") == original.read_bytes()[8388600:8388616]
    assert s3.list_multipart_uploads(Bucket="bucket").get("Uploads", []) == []


def test_file_objects_and_small_files_go_up_and_down(s3, tmp_path):
    s3.upload_fileobj(io.BytesIO(b"x" * 3_000_000), "bucket", "a", Config=SMALL_PARTS)
    target = io.BytesIO()
    s3.download_fileobj("bucket", "a", target)
    assert target.getvalue() == b"x" * 3_000_000
    (tmp_path / "empty").touch()
    s3.upload_file(str(tmp_path / "empty"), "bucket", "empty")
    s3.download_file("bucket", "empty", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == b""


def test_copying_in_parts(s3):
    s3.upload_fileobj(io.BytesIO(os.urandom(3 << 20)), "bucket", "a")
    s3.copy({"Bucket": "bucket", "Key": "a"}, "bucket", "b", Config=SMALL_PARTS)
    assert get(s3, "b") == get(s3, "a")


def test_a_multipart_upload_by_hand(s3):
    upload = s3.create_multipart_upload(Bucket="bucket", Key="k")["UploadId"]
    where = {"Bucket": "bucket", "Key": "k", "UploadId": upload}
    etags = [s3.upload_part(**where, PartNumber=n, Body=str(n).encode())["ETag"] for n in (1, 2, 3)]
    listed = s3.list_parts(**where, MaxParts=2)
    assert [part["PartNumber"] for part in listed["Parts"]] == [1, 2]
    assert listed["IsTruncated"] is True
    assert s3.list_multipart_uploads(Bucket="bucket")["Uploads"][0]["Key"] == "k"
    parts = [{"PartNumber": n, "ETag": etag} for n, etag in zip((1, 2, 3), etags, strict=True)]
    assert code_of(s3.complete_multipart_upload, **where, MultipartUpload={"Parts": parts[::-1]}) == "InvalidPartOrder"
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert get(s3, "k") == b"123"
    assert code_of(s3.abort_multipart_upload, **where) == "NoSuchUpload"


def test_a_large_object_is_streamed_and_its_file_closed(s3):
    s3.put_object(Bucket="bucket", Key="a", Body=b"x" * (2 << 20))
    body = s3.get_object(Bucket="bucket", Key="a")["Body"]
    assert body.read(10) == b"x" * 10
    assert sum(len(piece) for piece in body.iter_chunks(1 << 16)) == (2 << 20) - 10
    s3.get_object(Bucket="bucket", Key="a")  # dropped unread: no ResourceWarning


def test_the_crt_is_not_used_even_where_it_is_asked_for(s3, tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    asked = TransferConfig(preferred_transfer_client="crt")
    s3.upload_file(str(tmp_path / "a"), "bucket", "a", Config=asked)
    assert get(s3, "a") == b"1"
    assert asked.preferred_transfer_client == "crt"


def test_resources_of_the_session(wire, s3):
    bucket = wire.session().resource("s3").Bucket("bucket")
    bucket.put_object(Key="a/1", Body=b"1")
    assert [item.key for item in bucket.objects.filter(Prefix="a/")] == ["a/1"]
    bucket.objects.all().delete()
    assert list(bucket.objects.all()) == []


def test_operations_that_are_not_played_say_so(s3):
    with pytest.raises(ClientError, match="does not play PutBucketVersioning of s3"):
        s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})


def test_hostile_xml_is_refused():
    from mlflowsteps.local.services.protocols import _parse_xml

    for text in (b"<a", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'):
        with pytest.raises(ServiceError, match="XML"):
            _parse_xml(text)


# aws-chunked bodies, which some clients send

CHUNKED = {"content-encoding": "aws-chunked"}


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_aws_chunked_bodies_are_decoded(piece):
    class Trickle(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, piece) if size >= 0 else piece)

    text = b"5\r\nhello\r\n7;chunk-signature=abc\r\n, world\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n"
    assert request_body(Trickle(text), CHUNKED).read() == b"hello, world"


@pytest.mark.parametrize("text", [b"5\r\nhel", b"nonsense\r\nhello", b"", b"5"])
def test_aws_chunked_bodies_that_break_off_are_refused(text):
    with pytest.raises(ServiceError) as caught:
        request_body(io.BytesIO(text), CHUNKED).read()
    assert caught.value.code == "IncompleteBody"
