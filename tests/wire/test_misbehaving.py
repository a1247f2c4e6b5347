"""Servers that misbehave: what is read all the same, and that no reading passes for complete which is not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.profile import Profile
from homeroom.sync.reading import SourceFailed
from homeroom.sync.sources.rest import RestSettings, RestSource
from tests.wire.faults import FAULTS, HTML, PEOPLE, SMALL, Fault, always, headers, raw, redirect, users
from tests.wire.misbehaving import Answer, Asked, Bend, Server, server, user


def reader(at: Server, *, limit: int = 10, keyset: bool = False) -> RestSource:
    """A source that knows the server, waits for nothing, and reads pages of ten."""
    profile = Profile(
        "1.1",
        at.base,
        token_url=f"{at.address}/oauth/token",
        max_limit=limit,
        total_count=True,
        keyset=keyset,
    )
    exchange = Exchange(sleep=lambda _: None, bounds=SMALL)
    return RestSource(RestSettings(at.base, "key", "secret"), profile, exchange)


def attempt(source: RestSource) -> list[str]:
    """The ids of one attempt, "" for records without."""
    return [record.sourced_id for page in source.people() for record in page]


def read(people: list[dict[str, Any]], bend: Bend, **how: Any) -> tuple[RestSource, list[str]]:
    """What the last of at most three attempts read, as a run makes them."""
    with server(people, bend) as at:
        source = reader(at, **how)
        for _ in range(3):
            ids = attempt(source)
            if not source.evidence["users"].again:
                break
    return source, ids


def doubt(ids: list[str]) -> str:
    """What a run makes of records that nothing tells apart."""
    return (" no sourcedId" if "" in ids else "") + (
        " too long" if max(map(len, ids), default=0) > 255 else ""
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.does)
def test_a_fault_costs_no_more_than_it_must(fault: Fault) -> None:
    try:
        source, ids = read(PEOPLE, fault.bend, keyset=fault.keyset)
    except SourceFailed as failed:
        assert (fault.read, fault.complete) == (0, False)
        assert fault.why in str(failed)
        assert failed.cure
        return
    proof = source.evidence["users"]
    trouble = proof.trouble + doubt(ids)
    assert len(set(ids) - {""}) == fault.read
    assert (proof.finished and not trouble) == fault.complete, trouble
    assert fault.why in trouble
    assert not fault.complete or len(ids) == 25


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 25])
@pytest.mark.parametrize("keyset", [True, False])
def test_every_size_is_read_to_its_end(size: int, keyset: bool) -> None:
    source, ids = read(PEOPLE[:size], users(lambda asked, answer: answer), keyset=keyset)
    assert len(ids) == size
    assert source.evidence["users"].complete


@pytest.mark.parametrize(
    ("bend", "says"),
    [
        (always(HTML), "web page"),
        (always(Answer(200, b"not json at all")), "not JSON"),
        (always(Answer(200, b'{"people": []}')), "users"),
        (always(Answer(403, b"{}")), "not allow"),
        (redirect(lambda asked: "http://evil.example/"), "evil.example"),
        (redirect(lambda asked: "ftp://127.0.0.1/"), "another page"),
        (always(raw(b"")), "broke off"),
    ],
)
def test_a_first_page_that_cannot_be_used_fails_with_a_cure(bend: Bend, says: str) -> None:
    with pytest.raises(SourceFailed, match=says) as failed:
        read(PEOPLE, bend)
    assert failed.value.cure


@pytest.mark.parametrize("leads", ["link", "redirect"])
def test_credentials_never_go_to_another_host(leads: str) -> None:
    with server(PEOPLE) as other:
        away = f"{other.base}/users?offset=10"
        bend = headers(Link=f'<{away}>; rel="next"') if leads == "link" else redirect(lambda asked: away)
        try:
            _, ids = read(PEOPLE, bend)
        except SourceFailed:
            ids = []
        assert other.asked == []
    assert len(ids) == (25 if leads == "link" else 0)


def test_secrets_are_never_in_an_address() -> None:
    with server(PEOPLE) as at:
        assert len(attempt(reader(at))) == 25
        assert not [asked for asked in at.asked if "secret" in json.dumps([asked.path, asked.query])]


def test_a_few_pages_are_on_their_way_at_once_and_none_is_asked_for_twice() -> None:
    with server([user(number) for number in range(95)]) as at:
        assert len(attempt(reader(at))) == 95
        asked = [one.query["offset"] for one in at.asked if one.path.endswith("/users")]
    assert sorted(map(int, asked)) == [*range(0, 100, 10), 95]


def test_a_token_is_asked_for_anew_once_for_all_pages_in_flight() -> None:
    def ends(asked: Asked, answer: Answer) -> Answer:
        if asked.path.endswith("token"):
            return Answer(200, json.dumps({"access_token": f"token-{asked.before}"}).encode())
        return (
            answer if asked.headers["Authorization"] != "Bearer token-0" or asked.before == 0 else Answer(401)
        )

    with server(PEOPLE, ends) as at:
        assert len(attempt(reader(at))) == 25
        assert sum(one.path.endswith("token") for one in at.asked) == 2


SCOPED = ("org-lincoln", "org-oakwood")


def by_school(people: Callable[[str, str], list[dict[str, Any]]], status: int = 200) -> Bend:
    """A server with lists by school; `people(school, word)` are theirs."""

    def bend(asked: Asked, answer: Answer) -> Answer:
        parts = asked.path.split("/")
        if "schools" not in parts:
            return answer
        some = people(parts[-2], parts[-1])[int(asked.query.get("offset", 0)) :]
        return Answer(status, json.dumps({"users": some}).encode())

    return bend


def scoped(at: Server) -> RestSource:
    profile = Profile("1.1", at.base, token_url=f"{at.address}/oauth/token", school_endpoint=True)
    return RestSource(
        RestSettings(at.base, "key", "secret"), profile, Exchange(sleep=lambda _: None), schools=SCOPED
    )


def test_students_and_teachers_are_read_by_school_and_somebody_in_two_lists_once() -> None:
    teacher, both = user(100, role="teacher"), user(7)
    lists = {
        ("org-lincoln", "students"): [*PEOPLE[:5], both],
        ("org-oakwood", "students"): [both],
        ("org-oakwood", "teachers"): [teacher],
    }
    with server(PEOPLE, by_school(lambda school, word: lists.get((school, word), []))) as at:
        source = scoped(at)
        assert attempt(source) == ["u000", "u001", "u002", "u003", "u004", "u007", "u100"]
        assert not [asked for asked in at.asked if asked.path.endswith("/users")]
    assert len(source.evidence) == 4
    assert all(proof.complete for proof in source.evidence.values())


@pytest.mark.parametrize("status", [400, 403, 404])
def test_where_a_list_by_school_is_not_served_all_users_are_read(status: int) -> None:
    with server(PEOPLE, by_school(lambda school, word: [], status)) as at:
        source = scoped(at)
        assert attempt(source) == []
        assert [proof.again for proof in source.evidence.values()] == [True]
        assert len(attempt(source)) == 25
    assert list(source.evidence) == ["users"]
    assert source.evidence["users"].complete


def test_a_revision_that_moves_between_two_lists_makes_both_of_no_use() -> None:
    def moving(asked: Asked, answer: Answer) -> Answer:
        answer = by_school(lambda school, word: [user(1)] if word == "students" else [])(asked, answer)
        return Answer(answer.status, answer.body, {"x-perm-rev": "2" if "teachers" in asked.path else "1"})

    with server(PEOPLE, moving) as at:
        source = scoped(at)
        attempt(source)
    assert [proof.trouble for proof in source.evidence.values() if proof.trouble] == [
        "the data changed while it was read (its revision moved)"
    ]


# Whatever becomes of a page's bytes on the way: the reader ends, and calls complete only what has everybody.
GOOD = json.dumps({"users": PEOPLE[10:20]}).encode()
cuts = st.tuples(st.integers(0, len(GOOD)), st.integers(0, 400)).map(
    lambda c: GOOD[: c[0]] + GOOD[c[0] + c[1] :]
)
edits = st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=4)).map(
    lambda e: GOOD[: e[0]] + e[1] + GOOD[e[0] + len(e[1]) :]
)
words = st.lists(
    st.sampled_from(
        [
            b'{"users": ',
            b"[",
            b"]",
            b"{",
            b"}",
            b",",
            b'"sourcedId": ',
            b'"u011"',
            b"null",
            b'"\\ud800"',
            b"\xff",
            b"1e999",
            GOOD[11:-2],
        ]
    ),
    max_size=8,
).map(b"".join)
repeated = st.integers(0, 3).map(lambda times: b'{"users": [' + b",".join([GOOD[11:-2]] * times) + b"]}")


@given(cuts | edits | words | repeated | st.binary(max_size=200), st.booleans())
def test_no_page_crashes_the_reader_or_makes_a_reading_complete_that_is_not(
    body: bytes, keyset: bool
) -> None:
    with HOSTILE.answering(body) as at:
        source = reader(at, keyset=keyset)
        records = [record for page in source.people() for record in page]
        for record in records:
            source.parse(record)
    proof = source.evidence["users"]
    ids = [record.sourced_id for record in records if record.sourced_id]
    assert proof.complete or proof.trouble
    if proof.complete and len(ids) == len(records):
        assert len(set(ids)) == 25


class Hostile:
    """One server for all examples: its second page is whatever the example says."""

    def __init__(self) -> None:
        self.body = b""
        self._made: Any = None

    def answering(self, said: bytes) -> "Hostile":
        self.body = said
        return self

    def __enter__(self) -> Server:
        if self._made is None:
            self._made = server(PEOPLE, users(self._bend))
            self.at: Server = self._made.__enter__()
        self.at.asked.clear()
        return self.at

    def __exit__(self, *_: object) -> None:
        """Stays up for the next example."""

    def _bend(self, asked: Asked, answer: Answer) -> Answer:
        second = asked.query.get("offset") == "10" or "u009" in asked.query.get("filter", "")
        return Answer(200, self.body, {"X-Total-Count": "25"}) if second else answer


HOSTILE = Hostile()
