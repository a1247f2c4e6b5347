"""The filter grammar: what is written can be read, and reading is forgiving where clients are careless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.oneroster.filter import OPERATORS, Clause, Filter, FilterError, matches, parse

names = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,8}(\.[A-Za-z_][A-Za-z0-9_]{0,8}){0,2}\Z")
clauses = st.builds(Clause, names, st.sampled_from(OPERATORS), st.text(max_size=12))
filters = st.builds(
    Filter, st.lists(st.lists(clauses, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple)
)


@given(filters)
def test_what_is_written_can_be_read(wanted: Filter) -> None:
    assert parse(str(wanted)) == wanted


@given(st.text(max_size=40))
def test_no_text_makes_the_reader_fail_but_with_a_filter_error(text: str) -> None:
    try:
        parse(text)
    except FilterError as wrong:
        assert "character" in str(wrong)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("status='active'", "status='active'"),
        ("familyName='O''Hara'", "familyName='O''Hara'"),
        ("a='1' and b='2'", "a='1' AND b='2'"),
        ("a='1' Or b='2'", "a='1' OR b='2'"),
        ("  a = '1'  ", "a='1'"),
        ("enabledUser=true", "enabledUser='true'"),
        ("dateLastModified>2026-01-01T00:00:00Z", "dateLastModified>'2026-01-01T00:00:00Z'"),
        ("metadata.ext:lunch~'x'", "metadata.ext:lunch~'x'"),
    ],
)
def test_careless_writing_is_understood(text: str, meant: str) -> None:
    assert str(parse(text)) == meant


@pytest.mark.parametrize(
    "text", ["", "status", "status=", "='a'", "a='1' b='2'", "a='1' AND", "a=='1'x", "a='unclosed"]
)
def test_what_is_no_filter_is_refused_with_the_place(text: str) -> None:
    with pytest.raises(FilterError, match="character"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("familyName='Lopez'", True),
        ("familyName~'lop'", True),
        ("familyName!='Lopez'", False),
        ("orgs.sourcedId='o1'", True),
        ("orgs.sourcedId='o1,o2'", True),
        ("orgs.sourcedId='o1,o3'", False),
        ("orgs.sourcedId~'o3,o2'", True),
        ("nothing='x'", False),
        ("nothing!='x'", True),
        ("familyName='X' OR givenName='Ana'", True),
        ("familyName='X' AND givenName='Ana'", False),
        ("enabledUser='true'", True),
    ],
)
def test_a_plain_reading(text: str, holds: bool) -> None:
    record = {
        "familyName": "Lopez",
        "givenName": "Ana",
        "enabledUser": True,
        "orgs": [{"sourcedId": "o1"}, {"sourcedId": "o2"}],
    }
    assert matches(parse(text), record) == holds
