"""Which page comes next: shown pages, without a server."""

from homeroom.oneroster.bounds import Bounds
from homeroom.oneroster.client import Page, RawRecord
from homeroom.oneroster.profile import Profile
from homeroom.oneroster.walk import NOTHING, Walk

BASE = "https://sis.example/ims/oneroster/v1p1"


def walk(*, keyset: bool = False, bounds: Bounds | None = None) -> Walk:
    profile = Profile("1.1", BASE, max_limit=10, keyset=keyset)
    return Walk(profile, "/users", bounds=bounds or Bounds())


def page(first: int, count: int, total: int | None = None, link: str = "", size: int = 100) -> Page:
    records = [RawRecord(f"u{number:03d}", b"{}") for number in range(first, first + count)]
    return Page(records, total, {"next": link} if link else {}, "", size, 0)


def at(offset: int) -> str:
    return f"/users?limit=10&offset={offset}"


def test_by_position_it_advances_by_what_came() -> None:
    one = walk()
    assert one.first() == at(0)
    assert one.after(page(0, 4)) == at(4)
    assert one.after(page(4, 10)) == at(14)


def test_with_a_total_the_pages_after_the_next_are_known_and_none_beyond_the_end() -> None:
    one = walk()
    assert one.ahead() == []
    assert one.after(page(0, 10, total=95)) == at(10)
    assert one.ahead() == [at(20), at(30)]
    for start in range(10, 80, 10):
        one.after(page(start, 10, total=95))
    assert one.ahead() == [at(90)]
    assert one.after(page(80, 10, total=95)) == at(90)
    assert one.ahead() == []


def test_a_clamped_page_sets_the_step() -> None:
    one = walk()
    assert one.after(page(0, 4, total=20)) == at(4)
    assert one.ahead() == [at(8), at(12)]


def test_without_a_total_or_with_large_pages_nothing_is_fetched_ahead() -> None:
    for first in (page(0, 10), page(0, 10, total=95, size=10**9)):
        one = walk()
        one.after(first)
        assert one.ahead() == []


def test_a_link_that_says_what_our_offset_says_is_our_own_and_any_other_is_followed() -> None:
    one = walk()
    assert one.after(page(0, 10, 95, f"{BASE}/users?offset=10&limit=10")) == at(10)
    assert one.ahead() == [at(20), at(30)]
    cursor = f"{BASE}/users?cursor=abc"
    assert one.after(page(10, 10, 95, "?cursor=abc")) == cursor
    assert one.ahead() == []
    assert one.after(page(20, 10, 95, cursor)) == at(30)  # it repeats


def test_a_link_that_leads_back_is_not_followed_though_it_names_another_limit() -> None:
    one = walk()
    assert one.after(page(0, 4, link=f"{BASE}/users?limit=4&offset=0")) == at(4)
    assert one.after(page(4, 4, link=f"{BASE}/users?limit=4&offset=0")) == at(8)
    assert one.after(page(8, 4, link=f"{BASE}/users?limit=4&offset=12&page=4")) is not None
    assert one.after(page(12, 4, link=f"{BASE}/users?limit=4&offset=12")) == at(16)


def test_a_link_that_counts_pages_is_followed() -> None:
    one = walk()
    assert one.after(page(0, 10, link=f"{BASE}/users?limit=10&offset=1")) == f"{BASE}/users?limit=10&offset=1"
    assert (
        one.after(page(10, 10, link=f"{BASE}/users?limit=10&offset=2")) == f"{BASE}/users?limit=10&offset=2"
    )


def test_without_a_total_an_empty_page_is_the_end_once_the_last_record_was_seen_again() -> None:
    one = walk()
    assert one.after(page(0, 10)) == at(10)
    assert one.after(page(10, 0)) == at(9)
    assert one.after(page(9, 1)) is None
    assert (one.pull.finished, one.pull.received) == (True, 10)


def test_without_a_total_an_empty_page_before_more_people_is_no_end() -> None:
    one = walk()
    one.after(page(0, 10))
    assert one.after(page(10, 0)) == at(9)
    assert one.after(page(9, 10)) is None
    assert (one.pull.finished, one.pull.again) == (False, True)
    assert "empty" in one.pull.trouble


def test_the_next_link_of_an_empty_page_is_followed_though_not_without_end() -> None:
    def link(offset: int) -> str:
        return f"{BASE}/users?limit=10&offset={offset}"

    one = walk()
    assert one.after(page(0, 10, link=link(10))) == at(10)
    assert one.after(page(10, 0, link=link(20))) == link(20)
    assert one.after(page(10, 5, link=link(30))) == link(30)
    for offset in (40, 50, 60):
        assert one.after(page(0, 0, link=link(offset))) == link(offset)
    assert one.after(page(0, 0, link=link(70))) == at(14)
    assert one.after(page(14, 1)) is None
    assert (one.pull.finished, one.pull.received) == (True, 15)


def test_without_a_total_a_refused_page_may_be_the_end_and_the_look_back_must_not_be_refused() -> None:
    one = walk()
    assert not one.past_the_end()
    one.after(page(0, 10))
    assert one.past_the_end()
    assert one.after(NOTHING) == at(9)
    assert not one.past_the_end()


def test_a_link_elsewhere_is_not_followed() -> None:
    for link in (
        "https://evil.example/users?offset=10",
        "http://sis.example/ims/oneroster/v1p1/users?offset=10",
        "//evil.example/",
    ):
        assert walk().after(page(0, 10, 95, link)) == at(10)


def test_by_id_it_asks_for_what_lies_beyond_and_without_a_total_looks_behind_the_end() -> None:
    one = walk(keyset=True)
    assert one.first() == "/users?limit=10&sort=sourcedId"
    assert one.after(page(0, 10)) == "/users?limit=10&sort=sourcedId&filter=sourcedId%3E%27u009%27"
    assert one.after(page(10, 0)) == "/users?limit=10&sort=sourcedId&offset=10"
    assert one.after(page(10, 0)) is None
    assert one.pull.finished


def test_an_apostrophe_in_an_id_stays_within_its_quotes() -> None:
    one = walk(keyset=True)
    said = one.after(Page([RawRecord("o'neil", b"{}")], None, {}, "", 1, 0))
    assert said is not None
    assert said.endswith("filter=sourcedId%3E%27o%27%27neil%27")


def test_pages_rows_and_bytes_have_an_end() -> None:
    for bounds, words in (
        (Bounds(pages=2), "2 pages"),
        (Bounds(rows=15), "15 records"),
        (Bounds(collection_bytes=150), "0 MB"),
    ):
        one = walk(bounds=bounds)
        assert one.after(page(0, 10)) == at(10)
        assert one.after(page(10, 10)) is None
        assert words in one.pull.trouble
        assert not one.pull.finished
