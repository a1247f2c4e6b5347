"""The fingerprint of a record: of all that it says but for when it was last modified."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.sync.reading import Slice

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
RECORDS = st.dictionaries(st.text(max_size=20) | st.just("status"), VALUES, max_size=5)


def mark(record: dict[str, Any], *, spaced: bool = False) -> bytes:
    raw = json.dumps(record, separators=None if spaced else (",", ":")).encode()
    return Slice("users", "a", raw).fingerprint


@given(RECORDS, st.booleans())
def test_a_date_alone_makes_no_other_record(record: dict[str, Any], spaced: bool) -> None:
    first, second = ({**record, "dateLastModified": f"2026-06-0{day}T02:00:00.000Z"} for day in (1, 2))
    assert mark(first, spaced=spaced) == mark(second, spaced=spaced)


@given(RECORDS, RECORDS)
def test_whatever_else_differs_makes_another(one: dict[str, Any], other: dict[str, Any]) -> None:
    one, other = ({"dateLastModified": "2026-06-01T02:00:00.000Z", **record} for record in (one, other))
    assert (mark(one) == mark(other)) == (json.dumps(one) == json.dumps(other) or _dates_alone(one, other))


def _dates_alone(one: dict[str, Any], other: dict[str, Any]) -> bool:
    dates = [record.get("dateLastModified") for record in (one, other)]
    return all(isinstance(date, str) for date in dates) and json.dumps(
        one | {"dateLastModified": 0}
    ) == json.dumps(other | {"dateLastModified": 0})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"dateLastModified":null,"status":"active"}', '{"dateLastModified":null,"status":"tobedeleted"}'),
        ('{"dateLastModified":1,"status":"active"}', '{"dateLastModified":2,"status":"active"}'),
        ('{"givenName":"\\"dateLastModified\\":\\"Ana\\""}', '{"givenName":"\\"dateLastModified\\":\\"Ben\\""}'),
        ('{"dateLastModified":"2026","givenName":"Ana"}', '{"dateLastModified":"2026","givenName":"Ben"}'),
        ('{"dateLastModified":"20\\"26","givenName":"Ana"}', '{"dateLastModified":"20\\"27","givenName":"Ana"}'),
    ],
)  # fmt: skip
def test_nothing_but_a_plain_date_is_passed_over(one: str, other: str) -> None:
    assert Slice("users", "a", one.encode()).fingerprint != Slice("users", "a", other.encode()).fingerprint
