"""Birth dates as a sign of a re-key: name and birth date together find people again, who agrees to nothing else is nobody's;
and no date is asked for, kept or shown beyond what that needs."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TransactionTestCase

from homeroom.campus.connections import births
from homeroom.campus.connections.models import Connection, SourceRecord
from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.births import still_wanted
from homeroom.campus.runs.by_hand import decide
from homeroom.campus.runs.models import Change, Run, RunProblem, Staged
from homeroom.campus.runs.start import make_run
from homeroom.campus.runs.sync import carry_out
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.sync.roster import SourceOrg, SourcePerson
from homeroom.web.accounts.models import Account
from tests.campus.world import EVERYTHING, World
from tests.invented import OAKWOOD, Told, adult, family, student

NAMES = ["Ana", "Ben", "Cleo", "Dev", "Eva", "Finn", "Gus", "Hana", "Ivo", "Jun", "Kim", "Lea"]


def nameless(number: int, **more: Any) -> SourcePerson:
    """A student with neither number nor e-mail."""
    said = {"given_name": NAMES[number % 12], "family_name": f"Lopez {number}", "number": "", "email": ""}
    return student(f"s{number:02d}", **{**said, **more})


BARE = [nameless(number) for number in range(12)]
BORN = {f"s{number:02d}": f"2011-03-{number + 1:02d}" for number in range(12)}


def rekeyed(people: Sequence[SourcePerson], orgs: bool = False) -> list[SourcePerson]:
    """The same people under other ids; with `orgs` their schools too."""
    at = (lambda org: f"new-{org}") if orgs else (lambda org: org)
    return [
        replace(
            person,
            sourced_id=f"new-{person.sourced_id}",
            agents=tuple(f"new-{agent}" for agent in person.agents),
            roles=tuple(replace(role, org=at(role.org)) for role in person.roles),
        )
        for person in people
    ]


def new(born: Mapping[str, str]) -> dict[str, str]:
    """The same birth dates under the new ids."""
    return {f"new-{sourced_id}": day for sourced_id, day in born.items()}


@pytest.fixture
def knowing(trusting: World) -> World:
    """A district that lets birth dates help."""
    trusting.configure("births=on")
    return trusting


def night(world: World, people: Sequence[SourcePerson], **told: Any) -> tuple[Run, list[str]]:
    """A night, and for whose birth dates it asked."""
    world.now += timedelta(days=1)
    source = Told(people, **told)
    return world.sync(source), source.asked


def standing() -> set[tuple[int, str, bool]]:
    return set(Membership.objects.values_list("person_id", "school__name", "ended_at"))


def same(run: Run) -> dict[str, str]:
    """What is the same of each whom a run would relink, by new id."""
    rows = Change.objects.filter(run=run, action="relink", subject="person")
    return {
        sourced_id: reason.removeprefix("new id in the SIS: same ")
        for sourced_id, reason in rows.values_list("sourced_id", "reason")
    }


def marks(world: World) -> dict[str, bytes | None]:
    rows = SourceRecord.objects.filter(connection=world.connection).values_list("sourced_id", "birth")
    return {id_: None if birth is None else bytes(birth) for id_, birth in rows}


def codes(run: Run) -> Counter[str]:
    return Counter(RunProblem.objects.filter(run=run).values_list("code", flat=True))


# --- the sign


def test_people_with_nothing_but_name_and_birth_date_are_found_again_as_one_decision(knowing: World) -> None:
    night(knowing, BARE, born=BORN)
    before, count = standing(), Person.objects.count()
    for _ in range(2):
        run, _ = night(knowing, [*rekeyed(BARE), student("arrives")], born=new(BORN))
        assert (run.state, run.counts["relink"], run.counts["add"], run.counts["archive"]) == (
            "held",
            12,
            0,
            0,
        )
        assert standing() == before
    assert set(same(run).values()) == {"name and birth date"}
    said = run.schools.get(school=knowing.lincoln).held[0]["reason"]
    assert "12 of them by two signs or more, 12 by name and birth date alone (confidence 100 %)" in said
    run = decide.approve(run, None, knowing.clock)
    assert knowing.active() == {f"new-{one.sourced_id}" for one in BARE}
    after, asked = night(knowing, rekeyed(BARE), born=new(BORN))
    assert (after.state, after.complete, after.counts["add"], asked) == ("done", True, 0, [])
    assert (standing(), Person.objects.count()) == (before, count)


def test_off_they_are_strangers_as_ever_and_nobody_is_archived_unasked(trusting: World) -> None:
    first, asked = night(trusting, BARE, born=BORN)
    run, asked_then = night(trusting, rekeyed(BARE), born=new(BORN))
    assert (asked, asked_then, first.state) == ([], [], "done")
    assert (run.counts["relink"], run.counts["add"], run.state) == (0, 12, "held")
    assert not Membership.objects.exclude(ended_at=None).exists()
    assert set(marks(trusting).values()) == {None}


def test_undone_and_met_again_it_is_recognised_again(knowing: World) -> None:
    night(knowing, BARE, born=BORN)
    run, _ = night(knowing, rekeyed(BARE), born=new(BORN))
    run = decide.approve(run, None, knowing.clock)
    decide.undo(run, None, knowing.clock)
    again, _ = night(knowing, rekeyed(BARE), born=new(BORN))
    assert (again.counts["relink"], again.state) == (12, "held")


def test_number_and_email_may_be_switched_off_and_name_and_birth_date_stand_alone(knowing: World) -> None:
    knowing.configure("matching=none")
    people = [student(f"s{number:02d}") for number in range(12)]
    night(knowing, people, born=BORN)
    run, _ = night(knowing, rekeyed(people), born=new(BORN))
    assert set(same(run).values()) == {"number, e-mail, name and birth date"}


def test_a_name_alone_is_no_sign_even_beside_other_birth_dates(knowing: World) -> None:
    night(knowing, BARE, born=BORN)
    others = {f"new-s{number:02d}": f"2012-07-{number + 1:02d}" for number in range(12)}
    run, _ = night(knowing, rekeyed(BARE), born=others)
    assert run.counts["relink"] == 0


@dataclass
class Case:
    """Whom the SIS had, and has: (id, given name, family name, number, birth date) each; `pairs` are those found again."""

    had: list[tuple[str, str, str, str, str]]
    has: list[tuple[str, str, str, str, str]]
    pairs: dict[str, str]


CASES = {
    "twins stay two": Case(
        [("t1", "Ida", "Roy", "", "2010-05-05"), ("t2", "Max", "Roy", "", "2010-05-05")],
        [("n1", "Ida", "Roy", "", "2010-05-05"), ("n2", "Max", "Roy", "", "2010-05-05")],
        {"n1": "t1", "n2": "t2"},
    ),
    "twins whose numbers were mixed up": Case(
        [("t1", "Ida", "Roy", "71", "2010-05-05"), ("t2", "Max", "Roy", "72", "2010-05-05")],
        [("n1", "Ida", "Roy", "72", "2010-05-05"), ("n2", "Max", "Roy", "71", "2010-05-05")],
        {"n1": "t1", "n2": "t2"},
    ),
    "two of one name and birth date": Case(
        [("t1", "Ida", "Roy", "", "2010-05-05"), ("t2", "Ida", "Roy", "", "2010-05-05")],
        [("n1", "Ida", "Roy", "", "2010-05-05"), ("n2", "Ida", "Roy", "", "2010-05-05")],
        {},
    ),
    "one who may be either of two": Case(
        [("t1", "Ida", "Roy", "", "2010-05-05"), ("t2", "Ida", "Roy", "", "2010-05-05")],
        [("n1", "Ida", "Roy", "", "2010-05-05")],
        {},
    ),
    "two who may be the same one": Case(
        [("t1", "Ida", "Roy", "", "2010-05-05")],
        [("n1", "Ida", "Roy", "", "2010-05-05"), ("n2", "Ida", "Roy", "", "2010-05-05")],
        {},
    ),
    "half a name is none": Case(
        [("t1", "Ida", "", "", "2010-05-05")], [("n1", "Ida", "", "", "2010-05-05")], {}
    ),
    "a number under another name and birth date": Case(
        [("t1", "Ida", "Roy", "71", "2010-05-05")], [("n1", "Jo", "Roy", "71", "2012-08-01")], {}
    ),
    "a number under another name, born the same day": Case(
        [("t1", "Ida", "Roy", "71", "2010-05-05")], [("n1", "Ida", "Moss", "71", "2010-05-05")], {"n1": "t1"}
    ),
    "a number under the same name, the birth date corrected": Case(
        [("t1", "Ida", "Roy", "71", "2010-05-05")], [("n1", "Ida", "Roy", "71", "2010-05-06")], {"n1": "t1"}
    ),
    "a number whose new owner is somebody else by name and birth date": Case(
        [("t1", "Ida", "Roy", "71", ""), ("t2", "Jo", "Roy", "72", "2012-08-01")],
        [("n1", "Jo", "Roy", "71", "2012-08-01")],
        {"n1": "t2"},
    ),
    "a number that a sister took over": Case(
        [("t1", "Ida", "Roy", "71", "2010-05-05")],
        [("n1", "Ida", "Roy", "", "2010-05-05"), ("n2", "Jo", "Roy", "71", "")],
        {"n1": "t1"},
    ),
    "numbers dealt out anew": Case(
        [("t1", "Ida", "Roy", "71", "2010-05-05")], [("n1", "Ida", "Roy", "903", "2010-05-05")], {"n1": "t1"}
    ),
}


def told(rows: list[tuple[str, str, str, str, str]]) -> tuple[list[SourcePerson], dict[str, str]]:
    people = [
        student(id_, given_name=given_name, family_name=family_name, number=number, email="")
        for id_, given_name, family_name, number, _ in rows
    ]
    return people, {id_: day for id_, *_, day in rows}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_who_is_whom(case: Case, knowing: World) -> None:
    """Beside twelve others who make a re-key of it."""
    people, born = told(case.had)
    night(knowing, [*BARE, *people], born={**BORN, **born})
    people, born = told(case.has)
    run, _ = night(knowing, [*rekeyed(BARE), *people], born={**new(BORN), **born})
    assert run.state == "held"
    rows = Change.objects.filter(run=run, action="relink").exclude(sourced_id__startswith="new-")
    assert {row.sourced_id: row.fields["sourced_id"][0] for row in rows} == case.pairs


def test_a_corrected_birth_date_is_said_and_makes_nobody_sure(knowing: World) -> None:
    people = [student(f"s{number:02d}", email="") for number in range(12)]
    night(knowing, people, born=BORN)
    run, _ = night(knowing, rekeyed(people), born={**new(BORN), "new-s03": "2011-04-30"})
    assert same(run)["new-s03"] == "number, name, but another birth date"
    assert same(run)["new-s04"] == "number, name and birth date"
    assert run.rekeys.get().sure == 11
    first = Change.objects.filter(run=run, action="relink").order_by("id").first()
    assert first is not None
    assert first.sourced_id == "new-s03"  # the least sure first


def test_a_date_that_many_share_is_none(knowing: World) -> None:
    """A SIS that says 2000-01-01 of everybody of whom it knows none makes a name alone no sign."""
    night(knowing, BARE, born=dict.fromkeys(BORN, "2000-01-01"))
    run, _ = night(knowing, rekeyed(BARE), born=dict.fromkeys(new(BORN), "2000-01-01"))
    assert run.counts["relink"] == 0


def test_the_school_itself_may_have_a_new_id(knowing: World) -> None:
    knowing.connection.links.filter(school=knowing.lincoln).update(school_id_typed="004")

    class Renamed(Told):
        def orgs(self) -> Sequence[SourceOrg]:
            return [replace(org, sourced_id=f"new-{org.sourced_id}") for org in super().orgs()]

    elsewhere = nameless(40, org="org-elsewhere")
    knowing.configure("students=off", school=knowing.oakwood)
    knowing.connection.links.filter(school=knowing.oakwood).delete()
    night(knowing, [*BARE, elsewhere], born=BORN)
    before = standing()
    for attempt in range(2):
        source = Renamed(rekeyed([*BARE, elsewhere], orgs=True), born=new(BORN))
        run = knowing.sync(source)
        assert (run.state, run.counts["relink"], standing()) == ("held", 12, before)
        assert source.asked == (
            [] if attempt else sorted(new(BORN))
        )  # and nobody of a school that is not ours
    decide.approve(run, None, knowing.clock)
    source = Renamed(rekeyed([*BARE, elsewhere], orgs=True), born=new(BORN))
    run = knowing.sync(source)
    assert (run.state, run.complete, run.counts["add"], standing(), source.asked) == (
        "done",
        True,
        0,
        before,
        [],
    )


# --- as few data as can be


def test_only_students_who_are_let_through_are_asked_for_each_once(knowing: World) -> None:
    knowing.configure("rules=grade: PK > out")
    out, elsewhere = student("pk", grade="PK"), student("x1", org="org-elsewhere")
    parents = family(BARE[0], guardians=[adult("g1", "guardian")])
    people = [*parents, *BARE[1:], student("o1", org=OAKWOOD), adult("t1"), out, elsewhere]
    _, asked = night(knowing, people, born=BORN)
    assert asked == sorted([*BORN, "o1"])
    kept = marks(knowing)
    assert {id_ for id_, birth in kept.items() if birth} == set(BORN)
    assert (kept["o1"], kept["t1"], kept["pk"], kept["g1"]) == (b"", None, None, None)
    _, asked = night(knowing, people, born=BORN)
    assert asked == []  # an ordinary night
    _, asked = night(knowing, [*people, nameless(20)], born=BORN)
    assert asked == ["s20"]
    changed = [replace(one, grade="10") if one.grade == "09" else one for one in people]
    _, asked = night(knowing, [*changed, nameless(20)], born={**BORN, "o1": "2011-01-01"})
    assert asked == ["o1"]  # something of it is new, and perhaps the birth date too
    assert marks(knowing)["o1"]


def test_switched_on_later_the_next_night_asks_for_everybody_there(trusting: World) -> None:
    night(trusting, BARE, born=BORN)
    trusting.configure("births=on")
    first, asked = night(trusting, BARE, born=BORN)
    assert (first.unchanged, asked) == (12, sorted(BORN))
    assert all(marks(trusting).values())
    assert night(trusting, BARE, born=BORN)[1] == []
    assert not Connection.objects.get().births_owed


def test_switched_off_every_mark_is_wiped_at_once(knowing: World) -> None:
    night(knowing, BARE, born=BORN)
    assert all(marks(knowing).values())
    knowing.configure("births=off")
    assert set(marks(knowing).values()) == {None}
    knowing.configure("births=on")
    assert night(knowing, BARE, born=BORN)[1] == sorted(BORN)


def test_whoever_leaves_or_is_no_longer_let_through_keeps_no_mark(knowing: World) -> None:
    knowing.configure("hold.percent=100", "hold.count=1000")
    night(knowing, BARE, born=BORN)
    night(knowing, BARE[1:], born=BORN)
    assert marks(knowing)["s00"] is None
    knowing.configure("rules=grade: 12 > out")
    night(knowing, [replace(BARE[1], grade="12"), *BARE[2:]], born=BORN)
    assert {sourced_id for sourced_id, birth in marks(knowing).items() if birth is None} == {"s00", "s01"}


def test_no_date_is_anywhere_in_the_database(knowing: World) -> None:
    born = {sourced_id: f"1997-11-{number + 10}" for number, sourced_id in enumerate(BORN)}
    night(knowing, BARE, born=born)
    night(knowing, rekeyed(BARE), born=new(born))
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT count(*) FROM \"{table}\" AS one WHERE one::text ~ '1997.?11|11.?1997'")
            assert cursor.fetchone() == (0,), table


def test_a_mark_is_another_for_another_connection_and_sixteen_bytes() -> None:
    one, other = births.key_of(1), births.key_of(2)
    assert births.mark(one, "2010-01-01") == births.mark(one, "2010-01-01")
    assert (
        len(
            {births.mark(one, "2010-01-01"), births.mark(one, "2010-01-02"), births.mark(other, "2010-01-01")}
        )
        == 3
    )
    assert len(births.mark(one, "2010-01-01")) == 16


def test_marks_of_a_key_that_the_installation_no_longer_has_are_made_anew(knowing: World) -> None:
    night(knowing, BARE, born=BORN)
    right = marks(knowing)
    SourceRecord.objects.update(birth=b"of another key  ")
    Connection.objects.update(births_key=b"another key")
    _, asked = night(knowing, BARE, born=BORN)
    assert (asked, marks(knowing)) == (sorted(BORN), right)


def test_a_dry_run_shows_the_relink_and_keeps_no_mark(knowing: World) -> None:
    night(knowing, BARE, born=BORN)
    before = marks(knowing)
    knowing.now += timedelta(days=1)
    run = knowing.sync(Told(rekeyed(BARE), born=new(BORN)), dry_run=True)
    assert (run.state, run.counts["relink"]) == ("planned", 12)
    assert marks(knowing) == before
    assert not Staged.objects.exclude(birth=None).exists()


# --- what goes wrong


def test_refused_it_is_a_problem_with_its_cure_and_nothing_else_changes(knowing: World) -> None:
    for _ in range(2):
        run, asked = night(knowing, BARE)
        assert (run.state, run.complete, asked) == ("done", True, sorted(BORN))
        assert codes(run) == {"births_refused": 1}
    assert len(knowing.active()) == 12
    assert set(marks(knowing).values()) == {None}
    run, _ = night(knowing, BARE, born=BORN)  # allowed at last
    assert (codes(run), all(marks(knowing).values())) == (Counter(), True)


def test_refused_in_the_night_of_a_rekey_nobody_is_archived_unasked(knowing: World) -> None:
    night(knowing, BARE, born=BORN)
    run, _ = night(knowing, rekeyed(BARE))
    assert (run.state, run.counts["relink"], codes(run)["births_refused"]) == ("held", 0, 1)
    assert not Membership.objects.exclude(ended_at=None).exists()


def test_days_that_nobody_at_a_school_was_born_on_are_named_and_are_none(knowing: World) -> None:
    wrong = {"s00": "1900-01-01", "s01": "2041-01-01", "s02": "not a day"}
    run, _ = night(knowing, BARE, born={**BORN, **wrong})
    assert codes(run) == {"unreadable_date": 3}
    assert {marks(knowing)[sourced_id] for sourced_id in wrong} == {b""}
    assert not RunProblem.objects.filter(detail__regex="1900|2041|not a").exists()


def test_switched_off_while_a_run_reads_nothing_of_it_is_kept(knowing: World) -> None:
    class Slow(Told):
        def births(self, of):  # type: ignore[no-untyped-def]
            for number, page in enumerate(super().births(of)):
                yield page
                if number == 5:
                    knowing.configure("births=off")

    knowing.now += timedelta(days=1)
    run = knowing.sync(Slow(BARE, born=BORN))
    assert (run.state, run.counts["add"]) == ("done", 12)
    assert set(marks(knowing).values()) == {None}


def test_switching_off_waits_for_what_is_being_kept_and_then_wipes_it(knowing: World) -> None:
    night(knowing, BARE, born=BORN)
    run, keeping, results = Run.objects.get(), threading.Event(), []

    def keep() -> None:
        try:
            with transaction.atomic():
                results.append(still_wanted(run))
                keeping.set()
                time.sleep(0.5)
                SourceRecord.objects.filter(sourced_id="s00").update(birth=b"kept at last")
        finally:
            connection.close()

    worker = threading.Thread(target=keep)
    worker.start()
    keeping.wait()
    knowing.configure("births=off")
    worker.join()
    assert (results, set(marks(knowing).values())) == ([True], {None})


def test_switched_off_between_reading_and_remembering_nothing_is_kept(knowing: World) -> None:
    night(knowing, [], born={})
    knowing.now += timedelta(days=1)

    def watch(step: str, _: int, __: int) -> None:
        if step == "carrying out":
            knowing.configure("births=off")

    run = make_run(Connection.objects.get(), "nightly", None)
    carry_out(run, Told(BARE, born=BORN), clock=knowing.clock, watch=watch)
    assert set(marks(knowing).values()) == {None}


# --- pages


def client_of(email: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


def test_the_page_says_what_is_the_same(knowing: World) -> None:
    grant("owner@lincoln.example", Role.OWNER, school=knowing.lincoln)
    night(knowing, BARE, born=BORN)
    run, _ = night(knowing, rekeyed(BARE), born=new(BORN))
    path = f"/schools/{knowing.lincoln.pk}/rostering/runs/{run.pk}/rekey/"
    page = client_of("owner@lincoln.example").get(path).content.decode()
    assert "<td>same name and birth date</td>" in page
    assert "12 of them by name and birth date alone" in page
    assert "2011-03" not in page


def test_the_setting_is_off_at_first_says_what_it_does_and_has_its_versions(trusting: World) -> None:
    grant("owner@lincoln.example", Role.OWNER, school=trusting.lincoln)
    owner = client_of("owner@lincoln.example")
    path = f"/schools/{trusting.lincoln.pk}/rostering/settings/"
    page = owner.get(path).content.decode()
    assert "Birth dates help to recognise people whose ids change" in page
    assert "The date itself is never kept" in page
    assert not Connection.objects.get().births
    owner.post(path, {"time": "02:00", "births": "on"})
    assert Connection.objects.get().births
    history = owner.get(f"{path}history/").content.decode()
    assert "Birth dates help to recognise people whose ids change" in history
    owner.post(path, {"time": "02:00"})
    assert not Connection.objects.get().births


# --- chance


@st.composite
def crowds(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    """(given name, family name, birth date) of people of whom some share one, two or all."""
    given_names, families = st.sampled_from(["Ana", "Ben"]), st.sampled_from(["Roy", "Moss", ""])
    dates = st.sampled_from(["2010-01-01", "2010-01-02", "2011-05-05", ""])
    return draw(st.lists(st.tuples(given_names, families, dates), max_size=8))


@pytest.mark.slow
class BornNights(TransactionTestCase):
    @settings(max_examples=25)
    @given(crowds(), crowds())
    def test_only_those_alone_with_name_and_birth_date_on_both_sides_are_one(self, had, has) -> None:  # type: ignore[no-untyped-def]
        world = World()
        world.configure(*EVERYTHING, "births=on", "hold.count=1000", "hold.percent=100")

        def people(kind: str, rows: list[tuple[str, str, str]]) -> tuple[list[SourcePerson], dict[str, str]]:
            return told([(f"{kind}{n}", *row[:2], "", row[2]) for n, row in enumerate(rows)])

        before, after = people("t", had), people("n", has)
        night(world, [*BARE, *before[0]], born={**BORN, **before[1]})
        run, _ = night(world, [*rekeyed(BARE), *after[0]], born={**new(BORN), **after[1]})
        alone = {
            row
            for row in set(had) & set(has)
            if all(row)
            and had.count(row) == has.count(row) == 1
            and not _shared(row[2], had) | _shared(row[2], has)
        }
        wanted = {f"n{has.index(row)}": f"t{had.index(row)}" for row in alone}
        rows = Change.objects.filter(run=run, action="relink").exclude(sourced_id__startswith="new-")
        assert {row.sourced_id: row.fields["sourced_id"][0] for row in rows} == wanted
        assert not Membership.objects.exclude(ended_at=None).exists()


def _shared(day: str, rows: list[tuple[str, str, str]]) -> bool:
    return sum(row[2] == day for row in rows) > 5
