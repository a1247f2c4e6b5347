"""An approval of more changes than a page carries out itself: a real worker takes it up, and the page says how far it is."""

from collections.abc import Callable

import pytest
from django.test import Client
from procrastinate.contrib.django import app

from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.views.runs import MANY
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import student

PEOPLE = [student(f"s{number:04d}") for number in range(MANY + 100)]


def signed_in(email: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


@pytest.fixture
def owner(trusting: World) -> Client:
    grant("owner@lincoln.example", Role.OWNER, school=trusting.lincoln)
    return signed_in("owner@lincoln.example")


@pytest.fixture
def work() -> Callable[[], None]:
    """A worker that does all that waits, and ends."""

    def until_done() -> None:
        with app.replace_connector(app.connector.get_worker_connector()) as working:  # type: ignore[attr-defined]
            working.run_worker(
                wait=False, queues=["runs"], install_signal_handlers=False, listen_notify=False
            )

    return until_done


def states(run: Run) -> set[str]:
    return set(Change.objects.filter(run=run).values_list("state", flat=True))


def test_the_page_says_what_becomes_of_it_until_the_worker_has_done_it(
    trusting: World, owner: Client, work: Callable[[], None]
) -> None:
    run = trusting.night(PEOPLE, dry_run=True)
    at = f"/schools/{trusting.lincoln.pk}/rostering/runs/{run.pk}/"
    page = owner.post(f"{at}decide/", {"decision": "approve"}, follow=True).content.decode()
    assert "carried out by a worker" in page
    assert "Approved and carried out" not in page
    assert "Waiting for a worker" in page
    assert "start <code>homeroom serve</code>" in page
    assert 'id="progress"' in owner.get(f"{at}progress/").content.decode()
    assert (trusting.active(), states(run)) == (set(), {"planned"})
    again = owner.post(f"{at}decide/", {"decision": "discard"}, follow=True).content.decode()
    assert f"Nothing of run {run.pk} waits for a decision" in again
    work()
    assert len(trusting.active()) == len(PEOPLE)
    assert states(run) == {"applied"}
    assert owner.get(f"{at}progress/")["HX-Refresh"] == "true"
    page = owner.get(at).content.decode()
    assert "hr-counts" in page
    assert 'id="progress"' not in page
    assert set(Change.objects.filter(run=run).values_list("decided_by__email", flat=True)) == {
        "owner@lincoln.example"
    }


def test_a_worker_killed_in_the_middle_is_gone_on_from(
    trusting: World, owner: Client, work: Callable[[], None]
) -> None:
    from homeroom.campus.runs import applying
    from homeroom.campus.runs.lock import take

    run = trusting.night(PEOPLE, dry_run=True)
    owner.post(f"/schools/{trusting.lincoln.pk}/rostering/runs/{run.pk}/decide/", {"decision": "approve"})
    run.refresh_from_db()
    take(run, trusting.now)
    assert applying.apply_batch(run, trusting.now) == MANY  # and then it was killed
    assert states(run) == {"applied", "planned"}
    work()
    assert (len(trusting.active()), states(run)) == (len(PEOPLE), {"applied"})


def test_all_but_some_are_left_out_by_the_worker_too(
    trusting: World, owner: Client, work: Callable[[], None]
) -> None:
    run = trusting.night(PEOPLE, dry_run=True)
    at = f"/schools/{trusting.lincoln.pk}/rostering/runs/{run.pk}/"
    out = Change.objects.get(run=run, sourced_id="s0000").subject_id
    owner.post(f"{at}leave-out/", {"seen": out, "out": out})
    owner.post(f"{at}decide/", {"decision": "approve some"})
    work()
    assert len(trusting.active()) == len(PEOPLE) - 1
    run.refresh_from_db()
    assert (run.state, Change.objects.get(run=run, state="held").sourced_id) == ("held", "s0000")


def test_a_stranger_hands_nothing_to_a_worker(trusting: World, work: Callable[[], None]) -> None:
    grant("stranger@oakwood.example", Role.OWNER, school=trusting.oakwood)
    grant("manager@lincoln.example", Role.MANAGER, school=trusting.lincoln)
    run = trusting.night(PEOPLE, dry_run=True)
    for who in ("stranger@oakwood.example", "manager@lincoln.example"):
        at = f"/schools/{trusting.lincoln.pk}/rostering/runs/{run.pk}/"
        assert signed_in(who).post(f"{at}decide/", {"decision": "approve"}).status_code == 404
    work()
    assert (trusting.active(), states(run)) == (set(), {"planned"})
