"""Birth dates from a server and from a CSV set: how few people's are asked for, by what right, and what becomes of refusals."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.profile import Profile
from homeroom.problems import Problem
from homeroom.sync.births import is_birth
from homeroom.sync.reading import Birth
from homeroom.sync.sources.births import MOVED
from homeroom.sync.sources.csv_set import CsvSource
from homeroom.sync.sources.places import Folder
from homeroom.sync.sources.rest import RestSettings, RestSource
from tests.sync.sources.ways import AT_ONCE, District, district, files_of, lying
from tests.wire.misbehaving import Answer, Asked, Bend, page, server, user

PEOPLE = [user(number) for number in range(300)]
ROWS = [
    {"sourcedId": f"u{n:03d}", "birthDate": f"2011-{n % 12 + 1:02d}-01", "sex": "male"} for n in range(300)
]
FEW = {"u001", "u002", "u003"}
MANY = {row["sourcedId"] for row in ROWS[:200]}


def serving(asked: Asked, answer: Answer) -> Answer:
    """Demographics as they should be served."""
    if asked.path.endswith("/demographics"):
        return page(asked, "demographics", ROWS)
    for row in ROWS if "/demographics/" in asked.path else ():
        if asked.path.endswith(f"/{row['sourcedId']}"):
            return Answer(body=json.dumps({"demographics": row}).encode())
    return answer


def ask(wanted: set[str], bend: Bend, **profile: Any) -> tuple[list[Birth], list[Problem], list[Asked]]:
    """What came of asking, and every request of it."""
    with server(PEOPLE, bend) as at:
        known = Profile("1.2", at.base, token_url=f"{at.address}/oauth/token", **{"max_limit": 50, **profile})
        source = RestSource(RestSettings(at.address, "key", "secret"), known, Exchange(sleep=lambda _: None))
        source.orgs()
        before = len(at.asked)
        found = [born for some in source.births(wanted) for born in some]
        return found, source.problems, at.asked[before:]


def days(found: list[Birth]) -> dict[str, str]:
    return {born.sourced_id: born.day for born in found}


def test_a_few_are_asked_for_one_by_one_and_for_nothing_but_their_date() -> None:
    found, problems, asked = ask(FEW, serving)
    assert days(found) == {"u001": "2011-02-01", "u002": "2011-03-01", "u003": "2011-04-01"}
    assert problems == []
    assert [one.path.rsplit("/", 1)[1] for one in asked[1:]] == sorted(FEW)
    assert {one.query["fields"] for one in asked[1:]} == {"sourcedId,birthDate"}


def test_the_token_reaches_no_further_than_demographics() -> None:
    _, _, asked = ask(FEW, serving)
    assert asked[0].path == "/oauth/token"
    assert b"roster-demographics.readonly" in asked[0].body
    assert b"core" not in asked[0].body


@pytest.mark.parametrize("keyset", [True, False])
def test_many_come_from_the_collection_which_is_read_no_further_than_the_last_of_them(keyset: bool) -> None:
    found, problems, asked = ask(MANY, serving, keyset=keyset)
    assert days(found) == {row["sourcedId"]: row["birthDate"] for row in ROWS[:200]}
    assert problems == []
    assert {one.path.rsplit("/", 1)[1] for one in asked[1:]} == {"demographics"}
    assert {one.query["fields"] for one in asked[1:]} == {"sourcedId,birthDate"}
    offsets = {int(one.query.get("offset", 0)) for one in asked[1:]}
    assert max(offsets) < 300  # pages ahead may be on their way


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("wanted", [FEW, MANY], ids=["a few", "many"])
def test_a_server_that_cannot_leave_fields_out_is_asked_for_whole_records(
    status: int, wanted: set[str]
) -> None:
    def bend(asked: Asked, answer: Answer) -> Answer:
        return Answer(status, b"{}") if "fields" in asked.query else serving(asked, answer)

    found, problems, _ = ask(wanted, bend)
    assert (days(found).keys(), problems) == (wanted, [])


REFUSALS = {
    "forbidden": Answer(403, b"{}"),
    "unauthorized": Answer(401, b"{}"),
}


@pytest.mark.parametrize("answer", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("wanted", [FEW, MANY], ids=["a few", "many"])
def test_what_is_refused_is_asked_once_and_named_with_its_cure(answer: Answer, wanted: set[str]) -> None:
    found, problems, asked = ask(wanted, lambda one, usual: answer if "demographics" in one.path else usual)
    assert found == []
    assert [one.code for one in problems] == ["births_refused"]
    assert "roster-demographics.readonly" in problems[0].cure
    assert sum("demographics" in one.path for one in asked) <= 2  # a 401 is met once with a new token


def test_a_token_without_the_scope_is_a_refusal_too() -> None:
    def bend(asked: Asked, answer: Answer) -> Answer:
        if b"roster-demographics" in asked.body:
            return Answer(400, b'{"error": "invalid_scope"}')
        return serving(asked, answer)

    found, problems, asked = ask(FEW, bend)
    assert (found, [one.code for one in problems]) == ([], ["births_refused"])
    assert not any("demographics" in one.path for one in asked)


@pytest.mark.parametrize("wanted", [FEW, MANY], ids=["a few", "many"])
def test_what_is_not_served_is_no_birth_date_of_nobody(wanted: set[str]) -> None:
    found, problems, asked = ask(wanted, lambda _, answer: answer)
    assert (found, [one.code for one in problems]) == ([], ["births_not_served"])
    assert len(asked) < 5


def test_an_empty_list_is_none() -> None:
    found, problems, _ = ask(
        MANY, lambda one, answer: page(one, "demographics", []) if "demographics" in one.path else answer
    )
    assert (found, [one.code for one in problems]) == ([], ["births_not_served"])


def test_ten_asked_one_by_one_without_a_single_date_are_no_accident() -> None:
    def bend(asked: Asked, answer: Answer) -> Answer:
        told = serving(asked, answer)
        return replace(told, body=told.body.replace(b"birthDate", b"hidden"))

    found, problems, _ = ask({f"u{number:03d}" for number in range(10)}, bend)
    assert (found, [one.code for one in problems]) == ([], ["births_not_served"])
    found, problems, _ = ask({f"u{number:03d}" for number in range(9)}, bend)
    assert (len(found), problems) == (9, [])


def test_a_list_that_breaks_off_says_nothing_of_those_who_did_not_come() -> None:
    def bend(asked: Asked, answer: Answer) -> Answer:
        late = int(asked.query.get("offset", 0)) >= 100
        return Answer(500, b"{}") if late else serving(asked, answer)

    found, problems, _ = ask(MANY, bend)
    assert days(found) == {row["sourcedId"]: row["birthDate"] for row in ROWS[:100]}
    assert [one.code for one in problems] == ["births_unread"]


def test_one_who_cannot_be_asked_costs_the_others_nothing_and_three_end_it() -> None:
    def broken(*ids: str) -> Bend:
        return lambda one, answer: (
            Answer(500, b"{}") if one.path.rsplit("/", 1)[1] in ids else serving(one, answer)
        )

    found, problems, _ = ask(FEW, broken("u001"))
    assert (days(found).keys(), [one.code for one in problems]) == ({"u002", "u003"}, ["births_unread"])
    found, problems, _ = ask({*FEW, "u004", "u005"}, broken("u001", "u002", "u003"))
    assert (found, [one.code for one in problems]) == ([], ["births_unread"] * 3)


def test_another_ones_date_is_never_taken_for_theirs() -> None:
    other = Answer(body=json.dumps({"demographics": ROWS[9]}).encode())
    found, problems, _ = ask(FEW, lambda one, answer: other if "demographics" in one.path else answer)
    assert (days(found), problems) == (dict.fromkeys(FEW, ""), [])


BORN = replace(district(), born={f"s{number:02}": f"2012-01-{number:02}" for number in range(1, 20)})


def opened(files: dict[str, bytes], path: Path) -> CsvSource:
    source = CsvSource(Folder(lying(files, path / "set")), patience=AT_ONCE)
    source.orgs()
    list(source.people())
    return source


def told(source: CsvSource, *wanted: str) -> dict[str, str]:
    return days([born for some in source.births(set(wanted)) for born in some])


def set_files(of: District, path: Path) -> dict[str, bytes]:
    return files_of(of, "1.1", path)


def test_a_set_written_anew_since_its_people_were_read_tells_no_birth_dates(tmp_path: Path) -> None:
    source = opened(set_files(BORN, tmp_path), tmp_path)
    lying(
        set_files(replace(BORN, born={"s01": "2013-01-01", "s02": "2013-01-02"}), tmp_path), tmp_path / "set"
    )
    assert told(source, "s01") == {}
    assert [(one.code, one.detail) for one in source.problems] == [("births_unread", MOVED)]


def test_a_file_of_changes_says_nothing_of_whom_it_leaves_out(tmp_path: Path) -> None:
    files = set_files(BORN, tmp_path)
    files["manifest.csv"] = files["manifest.csv"].replace(b"demographics,bulk", b"demographics,delta")
    source = opened(files, tmp_path)
    assert told(source, "s01", "s29") == {"s01": "2012-01-01"}


def test_a_file_that_breaks_off_says_nothing_of_whom_it_lost(tmp_path: Path) -> None:
    files = set_files(BORN, tmp_path)
    files["demographics.csv"] = files["demographics.csv"][:-3]
    source = opened(files, tmp_path)
    before = len(source.problems)
    assert told(source, "s01", "s29") == {"s01": "2012-01-01"}
    assert [one.code for one in source.problems[before:]] == ["births_unread"]


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        ("2010-02-28", True),
        ("2010-02-30", False),
        ("28.02.2010", False),
        ("", False),
        ("2026-06-01", False),
        ("2031-01-01", False),
        ("1900-01-01", False),
        ("1926-01-01", True),
    ],
)
def test_a_day_on_which_nobody_at_a_school_was_born_is_none(day: str, is_one: bool) -> None:
    assert is_birth(day, date(2026, 6, 1)) == is_one


@given(st.dates(), st.text())
def test_any_day_and_any_text_is_answered(today: date, text: str) -> None:
    assert not is_birth(text, today) or date.fromisoformat(text) < today
