"""Secured users, their keys, what they may see and rehearse, by the commands alone."""

import json
from collections.abc import Iterator

import pytest

from homeroom.sis.rehearsal.dialects import DIALECTS
from homeroom.sis.rehearsal.faults import FAULTS
from tests.commands import Commands, commands
from tests.program import Program

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(Program(tmp_path_factory.mktemp("users"))) as run:
        assert run("sis", "generate", "--students", "30", "--schools", "2").status == 0
        assert run("sis", "user", "add", "Minga").status == 0
        yield run


def test_a_secured_user_is_added_once_listed_and_made_inactive(home: Commands) -> None:
    assert home("sis", "user", "add", " minga ", "--json").json == {
        "name": "Minga",
        "kind": "organization",
        "active": True,
    }
    home("sis", "user", "add", "Rosa Diaz", "--person")
    home("sis", "user", "deactivate", "Rosa Diaz")
    said = {user["name"]: user for user in home("sis", "user", "list", "--json").json["users"]}
    assert (said["Rosa Diaz"]["kind"], said["Rosa Diaz"]["active"]) == ("person", False)
    assert {"narrowed", "rehearsing", "keys", "secret_made_at", "last_used_at", "calls"} <= said[
        "Minga"
    ].keys()
    assert "not active" in home("sis", "user", "list").out


def test_a_key_is_made_with_or_without_an_overlap(home: Commands) -> None:
    said = home("sis", "key", "new", "Minga", "--json").json
    assert set(said) == {"key", "secret", "oneroster_url", "token_url"}
    assert home("sis", "key", "new", "Minga", "--overlap", "1 day").status == 0
    wrong = home("sis", "key", "new", "Minga", "--overlap", "1 year")
    assert (wrong.status, wrong.out) == (2, "")
    assert "Choose none, 1 hour, 1 day, 7 days" in wrong.err


def test_what_it_may_see_is_previewed_set_and_taken_back(home: Commands) -> None:
    whole = home("sis", "user", "share", "Minga", "--json").json
    assert (whole["schools"], whole["hidden"], whole["saved"]) == ([], [], False)
    rules = ("--school", "school-001", "--group", "students", "--hide", "demographics.birthDate")
    previewed = home("sis", "user", "share", "Minga", *rules, "--preview", "--json").json
    assert (previewed["saved"], set(previewed["roles"])) == (False, {"student"})
    assert home("sis", "user", "share", "Minga", "--json").json == whole
    saved = home("sis", "user", "share", "Minga", *rules, "--json").json
    assert saved == previewed | {"saved": True}
    assert "Minga receives" in home("sis", "user", "share", "Minga").out
    assert home("sis", "user", "share", "Minga", "--everything", "--json").json["counts"] == whole["counts"]


@pytest.mark.parametrize(("words", "says"), [
    (("user", "share", "Nobody"), "There is no secured user Nobody"),
    (("user", "share", "Minga", "--school", "s9"), "There is no school s9"),
    (("user", "share", "Minga", "--group", "cooks"), "There is no group cooks"),
    (("user", "share", "Minga", "--hide", "users.shoe"), "There is no field users.shoe"),
    (("rehearse", "Minga", "--dialect", "latin"), "There is no dialect latin"),
    (("rehearse", "Minga", "--fault", "rain"), "There is no fault rain"),
    (("rehearse", "Minga", "--fault", "vanished_school", "--school", "s9"), "There is no school s9"),
])  # fmt: skip
def test_a_word_that_there_is_not_is_named_and_changes_nothing(
    home: Commands, words: tuple[str, ...], says: str
) -> None:
    said = home("sis", *words)
    assert (said.status, said.out) == (2, "")
    assert says in said.err
    assert not home("sis", "rehearse", "--json").json["rehearsals"]


def test_a_rehearsal_tells_the_addresses_to_type(home: Commands) -> None:
    said = home("sis", "rehearse", "Minga", "--dialect", "aeries", "--fault", "half_pages", "--json").json
    assert said == {
        "name": "Minga",
        "on": True,
        "dialect": "aeries",
        "faults": ["half_pages"],
        "oneroster_url": "http://127.0.0.1:8010/aeries/ims/oneroster/v1p1",
        "shown_url": "http://127.0.0.1:8010/aeries",
        "token_url": "http://127.0.0.1:8010/aeries/token",
    }
    every = home("sis", "rehearse", "--json").json
    assert every == {"rehearsals": [said], "dialects": list(DIALECTS), "faults": list(FAULTS)}
    assert "Minga rehearses aeries, half_pages." in home("sis", "rehearse").out
    assert home("sis", "rehearse", "Minga", "--stop", "--json").json["on"] is False
    listed = home("sis", "rehearse").out
    assert "Nobody rehearses." in listed
    for name in (*DIALECTS, *FAULTS):
        assert name in listed


def test_what_it_fetched_is_told_by_hour_and_call(home: Commands) -> None:
    home.sql(
        "INSERT INTO secured_users_fetch (secured_user_id, hour, call, status, calls, records, bytes, last_at) "
        "SELECT id, now(), '1.1 /users', 200, 3, 300, 9000, now() FROM secured_users_secureduser WHERE name = 'Minga'"
    )
    (row,) = home("sis", "user", "log", "Minga", "--json").json["fetched"]
    assert (row["call"], row["status"], row["calls"], row["records"]) == ("1.1 /users", 200, 3, 300)
    assert "1.1 /users" in home("sis", "user", "log", "Minga").out


def test_the_document_is_all_there_is_on_standard_output(home: Commands) -> None:
    for words in (
        ("user", "list"),
        ("user", "share", "Minga"),
        ("user", "log", "Minga"),
        ("rehearse",),
        ("rehearse", "Minga"),
    ):
        assert json.loads(home("sis", *words, "--json").out)
