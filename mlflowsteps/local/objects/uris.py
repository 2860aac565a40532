"""S3 URIs, in each form that SageMaker requests use. Pure text; nothing is looked up."""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["parse_s3_uri"]

_HOST = r"amazonaws\.com(?:\.cn)?"
_REGION = r"(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?"
_FORMS = (
    (re.compile(r"s3a?://([^/?#]+)(?:/(.*))?", re.DOTALL), False),
    (re.compile(rf"https?://s3{_REGION}\.{_HOST}/([^/?#]+)(?:/([^?#]*))?"), True),
    (re.compile(rf"https?://([^/?#]+?)\.s3{_REGION}\.{_HOST}(?:/([^?#]*))?"), True),
)


def parse_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and key that an S3 URI names.

    Args:
        uri: ``s3://bucket/key``, ``https://s3-<region>.amazonaws.com/bucket/key``,
            ``https://s3.<region>.amazonaws.com/bucket/key`` or ``https://bucket.s3.<region>.amazonaws.com/key``; the
            region may be left out. In the ``https`` forms ``%xx`` stands for a byte.

    Returns:
        (bucket, key); the key is empty where the URI names the whole bucket.

    Raises:
        ValueError: the text has none of these forms.

    Source:
        Amazon S3 user guide, "Methods for accessing a bucket"; SageMaker's seed tutorials for the first https form.

    >>> parse_s3_uri("https://s3-eu-west-1.amazonaws.com/bucket/train/a.csv")
    ('bucket', 'train/a.csv')
    """
    for form, quoted in _FORMS:
        match = form.fullmatch(uri)
        if match:
            bucket, key = match[1], match[2] or ""
            return bucket, unquote(key, errors="strict") if quoted else key
    raise ValueError(
        f"{uri!r} is no S3 URI. Write s3://bucket/key (https://s3.<region>.amazonaws.com/bucket/key and "
        "https://bucket.s3.<region>.amazonaws.com/key are read too)."
    )
