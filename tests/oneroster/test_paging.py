"""Paging: windows in, links out, and links read back however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.oneroster.paging import PagingError, Window, link_header, read_links, window, with_query


@pytest.mark.parametrize(
    ("limit", "offset"),
    [("0", None), ("-1", None), ("x", None), (None, "-1"), (None, "1.5"), ("9" * 30, None), ("", None)],
)
def test_what_is_no_number_is_refused(limit: str | None, offset: str | None) -> None:
    with pytest.raises(PagingError):
        window(limit, offset, 10_000)


def test_a_limit_above_the_largest_is_clamped() -> None:
    assert window("50000", "7", 10_000) == Window(10_000, 7)


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
