"""Paging: windows in, links out, and links read back however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.oneroster.paging import PagingError, Window, link_header, read_links, window, with_query


@pytest.mark.parametrize(
    ("limit", "offset"),
    [("0", None), ("-1", None), ("x", None), (None, "-1"), (None, "1.5"), ("9" * 5000, None), ("", None)],
)
def test_what_is_no_number_is_refused(limit: str | None, offset: str | None) -> None:
    with pytest.raises(PagingError):
        window(limit, offset, 10_000)


def test_a_limit_above_the_largest_is_clamped() -> None:
    assert window("50000", "7", 10_000) == Window(10_000, 7)


@pytest.mark.parametrize("number", [str(2**63 - 1), "9" * 30])
def test_the_largest_number_that_a_client_has_means_all_or_past_the_end(number: str) -> None:
    asked = window(number, number, 10_000)
    assert asked.limit == 10_000
    assert 10**12 < asked.offset < 2**63


@given(st.integers(1, 50), st.integers(0, 300), st.integers(0, 200))
def test_following_next_reaches_every_record_once(limit: int, offset: int, total: int) -> None:
    seen, at = [], Window(limit, 0)
    for _ in range(total + 2):
        seen += range(at.offset, min(at.offset + at.limit, total))
        links = read_links(link_header("http://sis.example/users", [("filter", "a='1,2'")], at, total))
        if "next" not in links:
            break
        query = dict(part.split("=") for part in links["next"].split("?")[1].split("&"))
        at = Window(int(query["limit"]), int(query["offset"]))
    assert seen == list(range(total))


def test_commas_in_a_link_are_encoded() -> None:
    header = link_header("http://sis.example/users", [("filter", "a='1,2'")], Window(10, 0), 30)
    assert all(part.startswith((" <", "<")) for part in header.split(","))


@pytest.mark.parametrize(
    "header",
    [
        '<http://x/2>; rel="next"',
        "<http://x/2>;rel=next",
        '<http://x/1>; rel="first", <http://x/2>; title="a"; rel="next last"',
        '<http://x/2>; rel="NEXT"',
    ],
)
def test_links_are_read_however_they_are_written(header: str) -> None:
    assert read_links(header)["next"] == "http://x/2"


def test_a_query_is_changed_and_the_rest_of_it_kept() -> None:
    assert with_query("http://x/users?a=1&limit=5", limit="9") == "http://x/users?a=1&limit=9"


def test_a_long_query_stands_in_the_next_link_alone() -> None:
    links = read_links(link_header("http://sis.example/users", [("filter", "a" * 2000)], Window(10, 20), 90))
    assert set(links) == {"next"}


def test_links_are_ascii_without_what_would_end_them() -> None:
    header = link_header(
        'http://sis.example/schools/é ">,/students', [("filter", "a b='é,'")], Window(10, 20), 90
    )
    assert header.isascii()
    assert set(read_links(header)) == {"first", "prev", "next", "last"}
    assert "%20b" in header
    assert "+" not in header


def test_the_page_before_an_offset_past_the_end_is_the_last() -> None:
    links = read_links(link_header("http://sis.example/users", [], Window(10, 5000), 25))
    assert links["prev"] == links["last"]
    assert "next" not in links


def test_a_signature_of_the_query_is_not_repeated() -> None:
    header = link_header(
        "http://sis.example/users", [("oauth_signature", "x"), ("sort", "email")], Window(10, 0), 25
    )
    assert "oauth" not in header
    assert "sort=email" in header
