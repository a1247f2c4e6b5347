"""kill -9 at every statement of a run, in a real process: the next start finishes it; nothing is lost, nothing doubled."""

from collections import Counter
from typing import Any

import pytest
from django.db import connection

from homeroom.campus.connections import births
from homeroom.campus.connections.models import Connection, SourceRecord
from homeroom.campus.people.models import ContactLink, Membership, Person
from homeroom.campus.runs.by_hand.decide import approve, undo
from homeroom.campus.runs.models import Change, Run, Staged
from homeroom.campus.runs.start import make_run, unfinished
from homeroom.campus.runs.sync import carry_out
from tests.campus.runs.dying import killed_at, patiently
from tests.campus.world import World
from tests.invented import Told, adult, family, student
from tests.postbox import Postbox

pytestmark = pytest.mark.slow
BORN = {"a": "2011-01-01", "b": "2011-01-02", "c": "2011-01-03", "d": "2011-01-04", "e": "2011-01-05"}
HELPERS = [adult(f"t{number}") for number in range(12)]
TODAY = [
    *family(student("a"), student("b"), guardians=[adult("g1", "guardian")]),
    student("c"),
    student("d"),
    *HELPERS,
]
TOMORROW = [
    *family(student("a", grade="10"), student("e"), guardians=[adult("g2", "parent")]),
    student("c", given_name="Noor"),
    student("d"),
    *HELPERS,
]


@pytest.mark.django_db(transaction=True)
def test_a_process_that_lives_through_its_work_ends_though_its_parent_had_no_connection() -> None:
    connection.close()
    assert killed_at(1000, lambda: None) is False


def finish(world: World, people: list[Any]) -> Run:
    """What `homeroom sync` does after a crash: goes on with the run that was cut off, or starts one."""
    fresh = Connection.objects.get(pk=world.connection.pk)
    run = unfinished(fresh) or make_run(fresh, "nightly", None)
    done: Run = patiently(lambda: carry_out(run, Told(people, born=BORN), clock=world.clock))
    return done


def directory() -> Any:
    """All that is true of people, in a form that can be compared."""
    members = Membership.objects.filter(ended_at=None).values_list(
        "person__number", "person__given_name", "person__email", "grade", "group"
    )
    links = ContactLink.objects.filter(ended_at=None, person__memberships__ended_at=None)
    return sorted(members), sorted(links.values_list("contact__family_name", "person__number", "primary"))


def check_history() -> None:
    """Every membership came by one Add, and each time it ended or began again there is a row that says so."""
    rows = Counter(
        Change.objects.filter(subject="person", state="applied").values_list("subject_id", "action")
    )
    for place in Membership.objects.all():
        assert rows[place.person_id, "add"] == 1
        came = rows[place.person_id, "add"] + rows[place.person_id, "restore"]
        assert came - rows[place.person_id, "archive"] == (1 if place.ended_at is None else 0)
    assert Person.objects.count() == len(set(Person.objects.values_list("number", "email")))
    assert Staged.objects.count() == 0


def check_marks() -> None:
    """Every student who is there has the mark of the birth date, and nobody else has one."""
    records = SourceRecord.objects.values_list("connection", "sourced_id", "gone", "birth")
    for source, sourced_id, gone, birth in records:
        wanted = (
            births.mark(births.key_of(source), BORN[sourced_id]) if sourced_id in BORN and not gone else None
        )
        assert (None if birth is None else bytes(birth)) == wanted, sourced_id


def test_kill_at_every_statement_of_a_run(trusting: World, mails: Postbox) -> None:
    trusting.configure("notify=owner@lincoln.example", "hold.percent=100", "hold.count=1000", "births=on")
    wanted = {}
    for name, people in (("tomorrow", TOMORROW), ("today", TODAY)):
        trusting.night(people, born=BORN)
        wanted[name] = directory()
    kills, statement, survived = 0, 0, 0
    while survived < 2:
        name, people = ("tomorrow", TOMORROW) if statement % 2 == 0 else ("today", TODAY)
        run = make_run(Connection.objects.get(pk=trusting.connection.pk), "nightly", None)
        died = killed_at(
            statement,
            lambda run=run, people=people: carry_out(run, Told(people, born=BORN), clock=trusting.clock),
        )
        survived = 0 if died else survived + 1
        kills += died
        finish(trusting, people)
        Run.objects.filter(
            state="queued"
        ).delete()  # killed before it was taken: the next start is a run of its own
        assert directory() == wanted[name], f"after a kill at statement {statement}"
        check_history()
        check_marks()
        statement += 1
    assert kills > 60
    sent = Counter(mail["subject"] + str(mail.get_body(("plain",))) for mail in mails.mails)  # type: ignore[attr-defined]
    assert max(sent.values()) == 1  # each names its run: none came twice


def test_kill_at_every_statement_of_an_approval(trusting: World) -> None:
    trusting.configure("hold.percent=0", "hold.count=0")
    died, statement = True, 0
    while died:
        trusting.night(TODAY)
        held = trusting.night([person for person in TODAY if person.sourced_id != "d"])
        assert held.state == "held", (held.counts, held.incomplete_because, trusting.changes(held))
        died = killed_at(statement, lambda held=held: approve(held, None, trusting.clock))
        held.refresh_from_db()
        if held.state == "held":
            patiently(lambda held=held: approve(held, None, trusting.clock))
        elif held.state == "running":
            patiently(lambda held=held: carry_out(held, Told([]), clock=trusting.clock))
        held.refresh_from_db()
        assert held.state == "done"
        assert "d" not in trusting.active()
        check_history()
        statement += 1
    assert statement > 15


def test_kill_at_every_statement_of_an_undo(trusting: World) -> None:
    trusting.configure("hold.percent=100", "hold.count=1000")
    trusting.night(TODAY)
    before = directory()
    died, statement = True, 0
    while died:
        run = trusting.night(TOMORROW)
        died = killed_at(statement, lambda run=run: undo(run, None, trusting.clock))
        cut_off = Run.objects.filter(undoes=run).first()
        if cut_off is None:
            patiently(lambda run=run: undo(run, None, trusting.clock))
        elif cut_off.state != "done":
            patiently(lambda cut_off=cut_off: carry_out(cut_off, Told([]), clock=trusting.clock))
        assert directory() == before, f"after a kill at statement {statement}"
        statement += 1
    assert statement > 15
