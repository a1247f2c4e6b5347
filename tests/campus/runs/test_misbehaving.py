"""Full syncs against servers that misbehave: whatever they do, nobody is archived without proof that somebody left."""

from typing import Any

import pytest

from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.models import ChangedRecord, Run
from homeroom.campus.runs.start import make_run
from homeroom.campus.runs.sync import carry_out
from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.profile import Profile
from homeroom.sync.sources.rest import RestSettings, RestSource
from tests.campus.world import World
from tests.wire.faults import FAULTS, PEOPLE, SMALL, rows, users
from tests.wire.misbehaving import Answer, Bend, server, user

GOOD = users(lambda asked, answer: answer)
EVERYBODY = {f"Lopez {number}" for number in range(25)}


@pytest.fixture
def served(trusting: World) -> World:
    """Twenty-five students came in on a good night, with every switch on."""
    trusting.link(trusting.oakwood).delete()
    night(trusting, GOOD)
    assert names() == EVERYBODY
    return trusting


def night(world: World, bend: Bend, people: list[dict[str, object]] = PEOPLE, *, keyset: bool = False) -> Run:
    with server(people, bend) as at:
        profile = Profile("1.1", at.base, token_url=f"{at.address}/oauth/token", max_limit=10, keyset=keyset)
        exchange = Exchange(sleep=lambda _: None, bounds=SMALL)
        source = RestSource(RestSettings(at.base, "key", "secret"), profile, exchange)
        run = make_run(world.link().connection, "nightly", None)
        return carry_out(run, source, clock=world.clock)


def names() -> set[str]:
    """Who is active: family names, since some servers bend given names and ids."""
    return set(Membership.objects.filter(ended_at=None).values_list("person__family_name", flat=True))


@pytest.mark.slow
def test_no_fault_archives_anybody(served: World) -> None:
    for fault in FAULTS:
        if fault.read > 25:
            continue  # people who were made up may leave again: a test of their own, below
        run = night(served, fault.bend, keyset=fault.keyset)
        assert run.state in (("held",) if fault.rekeys else ("done", "failed")), (fault.does, run.message)
        assert run.complete == (fault.complete and not fault.rekeys), (fault.does, run.incomplete_because)
        assert fault.why in run.incomplete_because + run.message, fault.does
        assert run.counts.get("archive", 0) == 0, fault.does
        assert names() >= EVERYBODY, fault.does
        assert "fault of its own" not in run.message, fault.does
    assert Person.objects.filter(family_name__in=EVERYBODY).count() == 25  # and nobody came twice
    run = night(served, GOOD, PEOPLE[1:])
    assert (run.complete, run.counts["archive"]) == (True, 1)  # who really left does leave


def test_people_made_up_without_end_come_to_an_end_and_archive_nobody(served: World) -> None:
    (fault,) = [fault for fault in FAULTS if fault.read > 25]
    run = night(served, fault.bend)
    assert (run.complete, run.counts["add"], run.counts["archive"]) == (False, fault.read, 0)
    assert names() >= EVERYBODY


def test_one_record_that_may_be_anybodys_proves_nobody_gone(served: World) -> None:
    run = night(
        served,
        rows(lambda said: [{**row, "sourcedId": ""} if row["sourcedId"] == "u003" else row for row in said]),
    )
    assert (run.complete, run.counts["archive"]) == (False, 0)
    assert "no sourcedId" in run.incomplete_because
    assert names() == EVERYBODY


def test_values_that_no_database_holds_cost_their_field_and_nothing_else(served: World) -> None:
    def odd(said: list[dict[str, object]]) -> list[dict[str, object]]:
        long = {"givenName": "x" * 1000, "email": "y" * 1000, "phone": "1" * 999, "grades": ["g" * 999]}
        nul = {
            "middleName": "a\0b",
            "username": "\ud800",
            "agents": [{"sourcedId": "\0"}, {"sourcedId": "z" * 999}],
        }
        return [{**row, **(nul if index % 2 else long)} for index, row in enumerate(said)]

    run = night(served, rows(odd))
    assert (run.state, run.complete, run.counts["update"]) == ("done", True, 25)
    found = set(run.problems.values_list("code", "field"))
    assert {("long_value", "given_name"), ("long_value", "agents"), ("odd_text", "middleName")} <= found
    assert names() == EVERYBODY


def test_the_bytes_of_what_changed_are_kept_with_the_run(served: World) -> None:
    changed = [user(3, grades=["10"], password="x"), *(row for row in PEOPLE if row["sourcedId"] != "u003")]
    run = night(served, GOOD, changed)
    kept = ChangedRecord.objects.get(run=run)
    assert kept.sourced_id == "u003"
    assert b'"grades": ["10"]' in bytes(kept.raw)


def test_a_flood_of_problems_is_counted_and_a_part_of_it_shown(served: World) -> None:
    crowd = [user(number, enabledUser="perhaps") for number in range(300)]
    run = night(served, GOOD, crowd)
    assert run.counts["problem"] == 300
    assert run.problems.filter(code="lost_value").count() == 201


def test_a_run_that_could_read_nothing_keeps_what_was_met_as_its_evidence(served: World) -> None:
    run = night(served, users(lambda asked, answer: Answer(500, b"{}")))
    assert (run.state, run.counts["archive"]) == ("failed", 0)
    assert run.evidence["orgs"]["complete"]
    assert "HTTP 500" in run.evidence["users"]["trouble"]
    assert (run.evidence["users"]["received"], run.evidence["users"]["requests"]) == (0, 1)


def _bent(row: dict[str, Any], **said: Any) -> dict[str, Any]:
    """A record that says something else; what is None is left out."""
    return {name: value for name, value in {**row, **said}.items() if value is not None}


LITTLE_SAID = {
    "neither name": {"givenName": "", "familyName": None},
    "no role": {"role": None},
    "null for a role": {"role": [None]},
    "no orgs": {"orgs": None},
    "an empty text for orgs": {"orgs": ""},
    "an org without its id": {"orgs": [{"href": "https://sis.example/orgs/1", "type": "org"}]},
    "roles that are a number": {"role": None, "roles": 7},
    "a role of 1.2 without its word": {"role": None, "orgs": None, "roles": [{"org": {"sourcedId": "org-lincoln"}}]},
    "a role of 1.2 without its org": {"role": None, "orgs": None, "roles": [{"role": "student", "org": None}]},
}  # fmt: skip


@pytest.mark.parametrize("said", LITTLE_SAID.values(), ids=LITTLE_SAID)
def test_a_record_that_says_too_little_archives_nobody_and_is_named_each_night(
    served: World, said: dict[str, Any]
) -> None:
    bend = rows(lambda all_: [_bent(row, **said) if row["sourcedId"] == "u003" else row for row in all_])
    for _ in range(2):
        run = night(served, bend)
        assert (run.complete, run.counts["archive"]) == (True, 0), run.incomplete_because
        assert run.problems.filter(sourced_id="u003", code__in=("unsaid_role", "missing_name")).exists()
    assert names() == EVERYBODY
    run = night(served, GOOD)
    assert (run.complete, run.counts["problem"]) == (True, 0)
    assert names() == EVERYBODY


def test_a_record_to_be_deleted_need_say_no_role(served: World) -> None:
    gone = {"status": "tobedeleted", "role": None, "givenName": None, "familyName": None}
    run = night(
        served, rows(lambda all_: [_bent(row, **gone) if row["sourcedId"] == "u003" else row for row in all_])
    )
    assert (run.complete, run.counts["archive"]) == (True, 1)
    assert names() == EVERYBODY - {"Lopez 3"}


def test_an_empty_list_of_orgs_says_that_somebody_is_at_no_school(served: World) -> None:
    bend = rows(lambda all_: [_bent(row, orgs=[]) if row["sourcedId"] == "u003" else row for row in all_])
    run = night(served, bend)
    assert (run.complete, run.counts["archive"]) == (True, 1)
    assert names() == EVERYBODY - {"Lopez 3"}


def test_a_record_that_names_another_school_says_enough(served: World) -> None:
    elsewhere = {"orgs": [{"sourcedId": "org-elsewhere", "type": "org"}]}
    bend = rows(lambda all_: [_bent(row, **elsewhere) if row["sourcedId"] == "u003" else row for row in all_])
    assert night(served, bend).counts["archive"] == 1
    assert names() == EVERYBODY - {"Lopez 3"}
