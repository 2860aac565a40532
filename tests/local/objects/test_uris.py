import pytest

from mlflowsteps.local.objects import parse_s3_uri


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/a/b.csv", ("bucket", "a/b.csv")),
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://bucket/a%20b?c#d", ("bucket", "a%20b?c#d")),
        ("s3://bucket/a\nb", ("bucket", "a\nb")),
        ("https://s3-eu-west-1.amazonaws.com/bucket/train/a.csv", ("bucket", "train/a.csv")),
        ("https://s3.eu-west-1.amazonaws.com/bucket/train/a.csv", ("bucket", "train/a.csv")),
        ("https://s3.amazonaws.com/bucket/train", ("bucket", "train")),
        ("https://s3.dualstack.us-east-1.amazonaws.com/bucket/k", ("bucket", "k")),
        ("https://s3.cn-north-1.amazonaws.com.cn/bucket/k", ("bucket", "k")),
        ("https://bucket.s3.eu-west-1.amazonaws.com/a%20b", ("bucket", "a b")),
        ("https://bucket.s3-us-gov-west-1.amazonaws.com/k", ("bucket", "k")),
        ("https://my.bucket.s3.amazonaws.com", ("my.bucket", "")),
    ],
)
def test_every_form_of_an_s3_uri_names_bucket_and_key(uri, expected):
    assert parse_s3_uri(uri) == expected


@pytest.mark.parametrize(
    "uri", ["", "bucket/key", "s3:/bucket/key", "s3:///key", "file:///etc/passwd", "https://example.com/bucket/key",
            "https://s3.example.com/b/k", "https://s3.amazonaws.com.evil.com/b/k",
            "https://bucket.s3.amazonaws.com/k?versionId=1"]
)  # fmt: skip
def test_anything_else_is_refused_with_the_forms_that_are_read(uri):
    with pytest.raises(ValueError, match="s3://bucket/key"):
        parse_s3_uri(uri)
