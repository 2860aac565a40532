"""Timestamps of the language: the profile of RFC 3339 with capital T and Z."""

from __future__ import annotations

import re
from datetime import date

__all__ = ["parse_timestamp"]

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH = date(1970, 1, 1).toordinal()


def parse_timestamp(text: str) -> tuple[int, int] | None:
    """The instant a timestamp names.

    Args:
        text: such as ``2016-03-14T01:59:00Z``, ``...00.5Z`` or ``...00+01:00``.

    Returns:
        Seconds since 1970-01-01 UTC and nanoseconds, which compare as the instants do; None where the text is no
        timestamp.

    >>> parse_timestamp("1970-01-01T01:00:00.5+01:00")
    (0, 500000000)
    >>> parse_timestamp("2016-13-05T21:29:29Z") is None
    True
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    off_hour, off_minute = int(match[9] or 0), int(match[10] or 0)
    if hour > 23 or minute > 59 or second > 59 or off_hour > 18 or off_minute > 59:
        return None
    try:
        days = date(int(match[1]), int(match[2]), int(match[3])).toordinal() - _EPOCH
    except ValueError:
        return None
    offset = (off_hour * 3600 + off_minute * 60) * (-1 if match[8] == "-" else 1)
    return days * 86_400 + hour * 3600 + minute * 60 + second - offset, int((match[7] or "").ljust(9, "0"))
