"""Test Connection, point by point, against servers that fail at one of them."""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from homeroom.oneroster.bounds import Bounds
from homeroom.oneroster.exchange import Exchange
from homeroom.sync.reading import Check, ConnectionTest
from homeroom.sync.roster import SourceOrg
from homeroom.sync.sources.points.message import WORDS, message
from homeroom.sync.sources.points.schools import resolve
from homeroom.sync.sources.rest import RestSettings, RestSource
from homeroom.sync.sources.testing import MOST_REQUESTS, POINTS
from homeroom.sync.sources.testing import test as try_connection
from tests.wire.certificates import authority
from tests.wire.misbehaving import ORGS as SERVED
from tests.wire.misbehaving import Answer, Asked, Bend, Server, page, server, user

SECRET = "tell-nobody"
NAME = "sis.lincoln.example"
GUARDIAN = {"role": "guardian", "givenName": "Ben", "grades": [], "identifier": "", "sourcedId": "g1"}
PEOPLE = [
    *(user(number, email=f"u{number}@lincoln.example", agents=[{"sourcedId": "g1"}]) for number in range(20)),
    user(30, role="teacher", email="t@lincoln.example", grades=[]),
    user(31, **GUARDIAN),
]
NAMES = [point.name for point in POINTS]


def ask(at: Server, school_id: str = "004", **settings: Any) -> ConnectionTest:
    typed = RestSettings(settings.pop("url", at.base), "key", SECRET, **settings)
    return try_connection(RestSource(typed, exchange=Exchange(sleep=lambda _: None)), school_id)


def tried(
    bend: Bend, school_id: str = "004", people: Any = PEOPLE
) -> tuple[dict[str, Check], ConnectionTest, Server]:
    with server(people, bend) as at:
        answer = ask(at, school_id)
    return {check.name: check for check in answer.checks}, answer, at


def lists(asked: Asked, answer: Answer) -> Answer:
    """A server with lists by school, besides what the usual one has."""
    for word, role in (("students", "student"), ("teachers", "teacher")):
        if asked.path.endswith(f"/schools/org-lincoln/{word}"):
            return page(asked, "users", [person for person in PEOPLE if person["role"] == role])
    return guarded(asked, answer)


def guarded(asked: Asked, answer: Answer) -> Answer:
    known = asked.method == "POST" or asked.headers.get("Authorization") == "Bearer token-1"
    return answer if known or answer.status == 404 else Answer(401, b"{}", {"WWW-Authenticate": "Bearer"})


def test_everything_is_answered_in_order_and_nothing_is_changed() -> None:
    checks, answer, at = tried(lists)
    assert list(checks) == NAMES
    assert answer.ok
    assert [check.name for check in answer.checks if check.ok is not True] == []
    assert answer.counts == {"student": 20, "teacher": 1, "guardian": 1}
    assert {
        "version": "1.1",
        "auth": "oauth2",
        "total_count": True,
        "keyset": True,
        "school_endpoint": True,
    }.items() <= (answer.profile.items())
    assert {asked.method for asked in at.asked if not asked.path.endswith("token")} == {"GET"}
    assert len(at.asked) < 40


def test_a_sample_shows_the_school_and_nobody_s_name() -> None:
    _, answer, _ = tried(lists)
    assert len(answer.sample) == 5
    assert [row["role"] for row in answer.sample] == ["student", "teacher", "guardian", "student", "student"]
    names = [(row["name"], row["number"], row["email"]) for row in answer.sample]
    assert names[0] == ("A. L. 0.", "•", "•••@lincoln.example")
    assert names[2] == ("B. L. 3.", "", "")
    said = json.dumps([answer.sample, [check.detail + check.cure + check.ask for check in answer.checks]])
    assert "Ana" not in said
    assert "Lopez" not in said
    assert "u1@" not in said
    assert SECRET not in said


def failing(path: str, status: int, body: bytes = b"{}") -> Bend:
    return lambda asked, answer: Answer(status, body) if asked.path.endswith(path) else guarded(asked, answer)


def empty(word: str) -> Bend:
    nobody = json.dumps({word: []}).encode()
    return lambda asked, answer: Answer(200, nobody) if asked.path.endswith(word) else guarded(asked, answer)


@pytest.mark.parametrize(
    ("bend", "failed", "also"),
    [
        (failing("token", 401, b'{"error": "invalid_client"}'), {"token"}, "clock"),
        (failing("orgs", 404), {"version"}, "clock"),
        (failing("orgs", 403), {"schools"}, "token"),
        (empty("orgs"), {"schools"}, "guardians"),
        (failing("users", 403), {"people", "roles", "guardians", "limit"}, "school_id"),
        (failing("users", 500), {"people", "roles", "guardians", "limit"}, "school_id"),
        (lambda asked, answer: Answer(500, b""), {"version"}, "clock"),
        (
            lambda asked, answer: Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}),
            {"version"},
            "tls",
        ),
        (
            lambda asked, answer: Answer(302, b"", {"Location": "https://sis.example/login"}),
            {"version"},
            "tls",
        ),
    ],
    ids=[
        "refused",
        "not there",
        "forbidden",
        "no schools",
        "no users",
        "users broken",
        "broken",
        "web page",
        "redirect",
    ],
)
def test_what_fails_is_named_with_a_cure_and_what_stands_apart_is_tried_all_the_same(
    bend: Bend, failed: set[str], also: str
) -> None:
    checks, answer, at = tried(bend)
    assert {check.name for check in answer.checks if check.ok is False} == failed
    assert not answer.ok
    for name in failed:
        assert checks[name].cure
        assert SECRET not in checks[name].detail + checks[name].cure
        assert checks[name].detail in message(checks[name], at.base, datetime(2026, 6, 1, tzinfo=UTC))
    assert checks[also].tried
    assert list(checks) == NAMES
    assert all(check.detail.startswith("Not tried: ") for check in answer.checks if not check.tried)
    assert len(at.asked) < MOST_REQUESTS


def test_a_school_id_that_is_not_known_leaves_the_rest_to_be_tried() -> None:
    checks, answer, _ = tried(guarded, "999")
    assert checks["school_id"].ok is False
    assert "Lincoln High (number 004, id org-lincoln)" in checks["school_id"].cure
    assert {name for name, check in checks.items() if not check.tried} == {
        *("people", "emails", "numbers", "school_endpoint", "sample")
    }
    assert checks["guardians"].ok
    assert [school.sourced_id for school in answer.schools] == ["org-lincoln"]


@pytest.mark.parametrize(
    ("people", "point", "says"),
    [
        ([user(n, role="robot") for n in range(3)], "roles", "robot"),
        ([user(n) for n in range(3)], "guardians", "No guardians come"),
        ([user(n, agents=[{"sourcedId": "x"}]) for n in range(3)], "guardians", "no guardian was seen"),
        ([user(1), user(2, **GUARDIAN)], "guardians", "no student is linked"),
        ([user(n) for n in range(3)], "emails", "0 of 3 students have an e-mail address"),
        ([user(n, identifier="") for n in range(3)], "numbers", "0 of 3 students have a number"),
        ([user(n) for n in range(3)], "people", "no teacher"),
        ([user(n, orgs=[{"sourcedId": "elsewhere"}]) for n in range(3)], "people", "None of the 3 people"),
    ],
)
def test_what_is_missing_is_a_warning_that_says_whom_to_ask(people: Any, point: str, says: str) -> None:
    checks, answer, _ = tried(guarded, people=people)
    assert checks[point].ok is None
    assert says in checks[point].detail
    assert checks[point].cure
    assert checks[point].ask
    assert answer.ok  # it works all the same


def test_the_switch_that_hides_what_is_missing_is_named_for_the_sis() -> None:
    with server([user(1)], guarded) as at:
        checks = {check.name: check for check in ask(at, sis="infinite_campus").checks}
    assert "Grade Book sync" in checks["guardians"].cure


def test_a_server_that_cuts_pages_without_a_word_is_seen_through() -> None:
    def poor(asked: Asked, answer: Answer) -> Answer:
        whole = guarded(asked, answer)
        for word in ("users", "orgs"):
            if asked.path.endswith(f"/{word}") and whole.status == 200:
                return Answer(200, json.dumps({word: json.loads(whole.body)[word][:2]}).encode())
        return whole

    checks, answer, _ = tried(poor)
    assert "Pages are cut to 2 people" in checks["limit"].detail
    assert (answer.profile["clamped"], answer.profile["max_limit"]) == (True, 2)
    assert "No totals" in checks["total"].detail
    assert answer.ok


@pytest.mark.parametrize(
    ("minutes", "ok", "says"), [(0, True, "agree"), (4, None, "would fail at 5"), (-9, None, "fail by then")]
)
def test_the_server_s_clock_is_held_against_ours(minutes: int, ok: bool | None, says: str) -> None:
    def late(asked: Asked, answer: Answer) -> Answer:
        theirs = datetime.now(UTC) + timedelta(minutes=minutes)
        return Answer(
            answer.status, answer.body, {**answer.headers, "Date": format_datetime(theirs, usegmt=True)}
        )

    checks, _, _ = tried(late)
    assert checks["clock"].ok is ok
    assert says in checks["clock"].detail


def over_tls(folder: Path, host: str, days: int, ca: bool = True, begun: int = 1) -> dict[str, Check]:
    ours = authority()
    with server(PEOPLE, lists, tls=ours.context(folder, host, days, begun)) as at:
        exchange = Exchange(
            ours.pem if ca else "", sleep=lambda _: None, resolve=lambda host, port: ["127.0.0.1"]
        )
        url = at.base.replace("http://127.0.0.1", f"https://{NAME}")
        settings = RestSettings(url, "key", SECRET, ca_certificates=ours.pem if ca else "")
        answer = try_connection(RestSource(settings, exchange=exchange), "004")
    checks = {check.name: check for check in answer.checks}
    assert (checks["tls"].ok is False) == (at.asked == [])
    return checks


def test_a_school_with_an_authority_of_its_own_is_reached_with_its_ca_file(tmp_path: Path) -> None:
    checks = over_tls(tmp_path, NAME, 90)
    assert all(check.ok for check in checks.values())
    assert "good for 90 days" in checks["tls"].detail
    assert over_tls(tmp_path, NAME, 5)["tls"].ok is None


@pytest.mark.parametrize(
    ("host", "days", "begun", "ca", "says"),
    [
        (NAME, 90, 1, False, "is not known, or an intermediate certificate is missing"),
        (NAME, -1, 9, True, "has ended"),
        (NAME, 90, -5, True, "not valid yet"),
        ("other.example", 90, 1, True, "for another name"),
    ],
    ids=["unknown authority", "ended", "too early", "other name"],
)
def test_a_certificate_that_is_not_trusted_is_told_with_its_reason_and_nothing_is_sent(
    tmp_path: Path, host: str, days: int, begun: int, ca: bool, says: str
) -> None:
    checks = over_tls(tmp_path, host, days, ca, begun)
    assert checks["tls"].ok is False
    assert says in checks["tls"].detail
    assert checks["tls"].ask
    assert [name for name, check in checks.items() if check.tried] == ["address", "dns", "reach", "tls"]


def test_who_watches_hears_each_point_as_it_is_answered() -> None:
    heard: list[Check] = []
    with server(PEOPLE, guarded) as at:
        source = RestSource(RestSettings(at.base, "key", SECRET), exchange=Exchange(sleep=lambda _: None))
        answer = try_connection(source, "004", heard.append)
    assert heard == list(answer.checks)


def test_it_ends_when_it_has_taken_long_enough() -> None:
    moments = iter(range(0, 100_000, 20))
    with server(PEOPLE, guarded) as at:
        exchange = Exchange(sleep=lambda _: None, clock=lambda: next(moments))
        answer = try_connection(RestSource(RestSettings(at.base, "key", SECRET), exchange=exchange), "004")
    assert [check.name for check in answer.checks] == NAMES
    assert any("taken long enough" in check.detail for check in answer.checks)
    assert not answer.checks[-1].tried


def test_a_server_that_falls_silent_at_one_point_is_not_waited_for_as_long_as_in_a_sync() -> None:
    def silent(asked: Asked, answer: Answer) -> Answer:
        if asked.path.endswith("/users"):
            time.sleep(0.4)
        return guarded(asked, answer)

    with server(PEOPLE, silent) as at:
        exchange = Exchange(sleep=lambda _: None, bounds=Bounds(silent_seconds=0.15))
        source = RestSource(RestSettings(at.base, "key", SECRET), exchange=exchange)
        answer = try_connection(source, "004")
    checks = {check.name: check for check in answer.checks}
    assert (checks["school_id"].ok, checks["people"].ok) == (True, False)
    assert source.exchange.tries == 2
    assert (source.exchange.bounds.answer_seconds, source.exchange.bounds.silent_seconds) == (60, 0.15)


def test_a_name_that_nobody_knows_and_a_port_at_which_nobody_answers() -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise OSError

    source = RestSource(
        RestSettings("https://no.example", "key", SECRET),
        exchange=Exchange(sleep=lambda _: None, resolve=nobody),
    )
    checks = {check.name: check for check in try_connection(source, "004").checks}
    assert (checks["dns"].ok, checks["reach"].tried) == (False, False)
    with server([]) as at:
        pass
    checks = {check.name: check for check in ask(at).checks}
    assert (checks["dns"].ok, checks["reach"].ok, checks["tls"].tried) == (True, False, False)
    assert "firewall" in checks["reach"].ask


def test_plain_http_to_another_machine_is_named_where_an_owner_consented_to_it() -> None:
    with server(PEOPLE, lists) as at:
        url = at.base.replace("127.0.0.1", NAME)
        exchange = Exchange(
            plain_http_host=NAME, sleep=lambda _: None, resolve=lambda host, port: ["127.0.0.1"]
        )
        source = RestSource(RestSettings(url, "key", SECRET, plain_http_host=NAME), exchange=exchange)
        checks = {check.name: check for check in try_connection(source, "004").checks}
    assert checks["address"].ok is None
    assert "consented" in checks["address"].detail
    assert checks["school_id"].ok


ORGS = [
    SourceOrg("d0", "Riverside Unified", "0", "district"),
    SourceOrg("s1", "Lincoln High", "004", parent="d0"),
    SourceOrg("s2", "Oakwood", "0005", parent="d0"),
    SourceOrg("s3", "Oakwood", "17", parent="d0"),
    SourceOrg("17", "North", "99", parent="d0"),
]


@pytest.mark.parametrize(
    ("typed", "school"),
    [
        *(
            ("s1", "s1"),
            (" s1 ", "s1"),
            ("S1", "s1"),
            ("004", "s1"),
            ("4", "s1"),
            ("0004", "s1"),
            ("5", "s2"),
        ),
        *(("lincoln  high", "s1"), ("17", "17"), ("099", "17")),
    ],
)
def test_a_school_id_is_an_id_else_a_number_else_a_name_that_only_one_has(typed: str, school: str) -> None:
    found, check = resolve(typed, ORGS)
    assert found is not None
    assert (found.sourced_id, check.ok) == (school, True)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "No School ID was entered"),
        ("d0", "Riverside Unified is a district"),
        ("Oakwood", "2 schools have the name"),
        ("Riverside Unified", "No school has"),
        ("nowhere", "No school has"),
    ],
)
def test_anything_else_is_answered_with_the_list(typed: str, says: str) -> None:
    found, check = resolve(typed, ORGS)
    assert (found, check.ok) == (None, False)
    assert says in check.detail
    assert "Oakwood (number 0005, id s2)" in check.cure


def test_every_point_has_a_word() -> None:
    assert set(NAMES) <= set(WORDS)


@pytest.mark.parametrize(
    ("orgs", "ok", "says"),
    [
        (["string", "string"], False, "that can be used: a page of records without sourcedId"),
        ([SERVED[0], SERVED[0]], None, "nobody would be archived: a sourcedId came twice"),
    ],
    ids=["texts for schools", "a school twice"],
)
def test_schools_that_come_in_disorder_are_named_so(orgs: list[Any], ok: bool | None, says: str) -> None:
    def bend(asked: Asked, answer: Answer) -> Answer:
        if not asked.path.endswith("/orgs") or with_no_token(asked):
            return guarded(asked, answer)
        return Answer(200, json.dumps({"orgs": orgs}).encode())

    checks, _, _ = tried(bend)
    assert checks["schools"].ok is ok
    assert says in checks["schools"].detail
    assert checks["schools"].cure


def test_schools_without_end_end_the_test_soon() -> None:
    def bend(asked: Asked, answer: Answer) -> Answer:
        if not asked.path.endswith("/orgs") or with_no_token(asked):
            return guarded(asked, answer)
        said = [{"sourcedId": f"o{asked.before:05}", "name": "One more", "type": "school"}]
        return Answer(200, json.dumps({"orgs": said}).encode())

    checks, _, at = tried(bend)
    assert checks["schools"].ok is None
    assert "more than 150 pages" in checks["schools"].detail
    assert len(at.asked) < MOST_REQUESTS + 50


def with_no_token(asked: Asked) -> bool:
    return asked.headers.get("Authorization") != "Bearer token-1"
