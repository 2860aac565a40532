"""Timestamps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflowsteps.asl.timestamps import parse_timestamp

FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@given(st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)), st.integers(-14 * 60, 14 * 60))
def test_instants_are_those_of_the_standard_library(moment, offset):
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    text = aware.isoformat()
    seconds, nanos = parse_timestamp(text)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=nanos // 1000) == aware


@pytest.mark.parametrize(
    "text",
    [
        "2016-13-05T21:29:29Z", "2016-12-05T25:29:29Z", "2016-12-05 21:29:29Z", "05-12-2016T21:29:29Z",
        "2016-12-05t21:29:29Z", "2016-12-05T21:29:29z", "2016-12-05T21:29:29", "2016-12-05", "", "2016-02-30T00:00:00Z",
        "2016-12-05T21:29:60Z", "0000-01-01T00:00:00Z", "2016-12-05T21:29:29+25:00", "٢٠١٦-12-05T21:29:29Z",
    ],
)  # fmt: skip
def test_other_texts_are_none(text):
    assert parse_timestamp(text) is None
