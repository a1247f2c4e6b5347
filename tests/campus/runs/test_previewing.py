"""What other settings would do, before they are saved: the same numbers that a dry run under them comes to."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from homeroom.campus.connections.policy import policy_of, read_words
from homeroom.campus.people.models import Person
from homeroom.campus.runs.by_hand.decide import CannotDecide, approve, discard
from homeroom.campus.runs.models import Change, MatchReview, Run, Staged
from homeroom.campus.runs.plan_rows import forget_staged
from homeroom.campus.runs.previewing import forget, grid, preview, waits
from homeroom.campus.runs.start import resume_lost, start
from homeroom.campus.runs.telling.timeline import timeline
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role, School
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import OAKWOOD, Told, adult, family, student

MANY = [student(f"s{number:02d}") for number in range(20)]
EVERYBODY = [
    *family(*MANY, guardians=[adult("g", "parent")]),
    *(adult(f"t{number}") for number in range(4)),
    adult("aide", "aide"),
    student("o1", org=OAKWOOD),
]
ACTIONS = ("add", "update", "archive", "restore")


def previewed(world: World, *words: str) -> Run:
    link = world.link()
    policy, _ = read_words(policy_of(link), words)
    run = preview(link, policy, None, world.now, Told([]))
    assert run is not None
    return run


def acts(run: Run) -> list[tuple[str, str, str]]:
    found = Change.objects.filter(run=run, subject="person", action__in=ACTIONS, school__name="Lincoln High")
    return sorted(found.values_list("action", "sourced_id", "group"))


@pytest.mark.parametrize(
    "words",
    [
        ("teachers=on",),
        ("students.auto_update=on",),
        ("students.auto_update=on", "students.keep=grade", "staff=on"),
        ("students.archive=on",),
        ("students.archive=on", "grace.runs=3"),
        ("pause=2026-06-01..2026-07-01", "students.archive=on", "teachers=on"),
        ("students=off",),
    ],
)
def test_a_preview_comes_to_what_a_dry_run_under_these_settings_comes_to(
    world: World, words: tuple[str, ...]
) -> None:
    world.configure("students=on", "parents=on", "hold.percent=none")
    world.night(EVERYBODY)
    tonight = [student("s00", grade="10"), *EVERYBODY[2:]]
    world.night(tonight)
    told = acts(previewed(world, *words))
    world.configure(*words)
    assert told == acts(world.sync(Told(tonight), dry_run=True))


def test_it_shows_numbers_and_names_moves_nobody_and_leaves_no_trace(trusting: World) -> None:
    trusting.configure("teachers=off")
    trusting.night(EVERYBODY)
    trusting.night(EVERYBODY[1:])
    assert Change.objects.filter(action="archive", state="applied").count() == 1
    before = trusting.active()
    run = previewed(trusting, "teachers=on", "hold.add.count=3")
    assert grid(run)["teachers"] == {"add": 4}
    assert waits(run)[0].startswith("4 teachers would be added")
    assert set(Change.objects.filter(run=run).values_list("state", flat=True)) == {"previewed"}
    for decide in (approve, discard):
        with pytest.raises(CannotDecide):
            decide(run, None, trusting.clock)
    assert trusting.active() == before
    assert not MatchReview.objects.exists()
    assert all(event["run"] != run.pk for event in timeline(Person.objects.get(number="n-s01")))
    again = previewed(trusting)
    assert not Run.objects.filter(pk=run.pk).exists()
    assert acts(again) == []
    forget(trusting.link())
    assert trusting.night(EVERYBODY[1:]).state == "done"


def test_of_whom_no_rule_lets_through_no_name_number_or_address_is_stored(world: World) -> None:
    world.configure("students=on")
    world.night(EVERYBODY)
    record = world.connection.records.get(sourced_id="t1")
    assert record.raw is None
    assert b"teacher" in bytes(record.bare)
    assert not any(word in bytes(record.bare) for word in (b"Kofi", b"Stone", b"lincoln.example"))
    run = previewed(world, "teachers=on")
    assert {row.fields["family_name"][1] for row in Change.objects.filter(run=run, action="add")} == {
        "(name not kept)"
    }


def test_removals_that_wait_or_were_discarded_are_still_counted(trusting: World) -> None:
    trusting.night(EVERYBODY)
    run = trusting.night(
        [one for one in EVERYBODY if one not in MANY[:8] and not one.sourced_id.startswith("s0")]
    )
    assert run.state == "held"
    assert (
        grid(previewed(trusting))["students"]["archive"]
        == run.schools.get(school=trusting.lincoln).counts["archive"]
    )
    discard(run, None, trusting.clock)
    assert grid(previewed(trusting, "students.archive=off"))["students"].get("archive", 0) == 0


def test_the_settings_page_shows_it_before_anything_is_saved(trusting: World) -> None:
    trusting.configure("teachers=off")
    trusting.night(EVERYBODY)
    grant("owner@lincoln.example", Role.OWNER, school=trusting.lincoln)
    owner = Client()
    owner.force_login(Account.objects.get(email="owner@lincoln.example"))
    path = f"/schools/{trusting.lincoln.pk}/rostering/settings/"
    page = owner.post(path, {"teachers": "on", "time": "02:00", "preview": "1"}).content.decode()
    assert policy_of(trusting.link()).teachers.roster is False
    assert "+ 4" in page
    run = Run.objects.get(kind="preview")
    shown = owner.get(
        f"/schools/{trusting.lincoln.pk}/rostering/runs/{run.pk}/?role=teachers"
    ).content.decode()
    assert "Nothing of it is carried out" in shown
    assert "Preview" not in owner.get(f"/schools/{trusting.lincoln.pk}/rostering/runs/").content.decode()


# --- a preview that takes a while goes on beside the page


@pytest.fixture
def owner(trusting: World) -> Client:
    return signed_in(trusting, "owner@lincoln.example", Role.OWNER, trusting.lincoln)


def signed_in(world: World, email: str, role: Role, school: School) -> Client:
    grant(email, role, school=school)
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


@pytest.fixture
def held_up(trusting: World) -> Iterator[Callable[[], None]]:
    """Holds every preview up at the end of its plan, as a large school would; called, it lets them go on."""
    trusting.configure("teachers=off")
    trusting.night(EVERYBODY)
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("LOCK TABLE runs_changedrecord IN EXCLUSIVE MODE")
        yield other.rollback


SETTINGS = {"teachers": "on", "students": "on", "time": "02:00", "preview": "1"}


def test_a_long_preview_is_followed_on_the_page_and_ends_there(
    trusting: World, owner: Client, held_up: Callable[[], None], settings: Any
) -> None:
    settings.PREVIEW_PATIENCE = 0.05
    at = f"/schools/{trusting.lincoln.pk}/rostering/"
    page = owner.post(f"{at}settings/", SETTINGS).content.decode()
    run = Run.objects.get(kind="preview")
    assert "Counting what saving would do" in page
    assert f'hx-get="{at}settings/preview/?run={run.pk}" hx-trigger="load delay:1s"' in page
    assert page.count("counting …") == 4
    assert 'name="teachers"' in page and "checked" in page
    so_far = owner.get(f"{at}settings/preview/?run={run.pk}").content.decode()
    assert 'hx-trigger="load delay:1s"' in so_far
    assert "hx-swap-oob" not in so_far
    assert 'id="progress"' in owner.get(f"{at}runs/{run.pk}/").content.decode()
    assert not Run.objects.exclude(kind="preview").filter(state__in=("queued", "running")).exists()
    held_up()
    wait_until(lambda: not Run.objects.get(pk=run.pk).under_way)
    done = owner.get(f"{at}settings/preview/?run={run.pk}").content.decode()
    assert "hx-trigger" not in done
    assert "Nothing is saved yet" in done
    assert '<div id="would-teachers" hx-swap-oob="true">' in done
    assert "+ 4 added" in done
    assert policy_of(trusting.link()).teachers.roster is False


def test_while_one_is_counted_a_sync_goes_on_and_takes_nothing_from_it(
    trusting: World, owner: Client, held_up: Callable[[], None], settings: Any
) -> None:
    settings.PREVIEW_PATIENCE = 0.05
    owner.post(f"/schools/{trusting.lincoln.pk}/rostering/settings/", SETTINGS)
    run = Run.objects.get(kind="preview")
    wait_until(lambda: Staged.objects.filter(run=run).exists())
    held = Staged.objects.filter(run=run).count()
    forget_staged(Run(pk=run.pk + 1, connection=trusting.connection))
    assert Staged.objects.filter(run=run).count() == held
    held_up()
    wait_until(lambda: not Run.objects.get(pk=run.pk).under_way)
    assert grid(Run.objects.get(pk=run.pk))["teachers"] == {"add": 4}
    trusting.night(
        EVERYBODY[1:]
    )  # once it has been counted, the next sync with something to do clears it away as before
    assert not Staged.objects.filter(run=run).exists()


def test_of_two_the_later_one_counts_and_the_other_page_is_told(
    trusting: World, owner: Client, held_up: Callable[[], None], settings: Any
) -> None:
    settings.PREVIEW_PATIENCE = 0.05
    at = f"/schools/{trusting.lincoln.pk}/rostering/settings/"
    owner.post(at, SETTINGS)
    first = Run.objects.get(kind="preview")
    held_up()
    owner.post(at, {**SETTINGS, "teachers": ""})
    wait_until(lambda: not Run.objects.get(kind="preview").under_way)
    assert Run.objects.get(kind="preview").pk != first.pk
    told = owner.get(f"{at}preview/?run={first.pk}").content.decode()
    assert "Other settings are being counted for this school since" in told
    assert "hx-trigger" not in told
    assert not Change.objects.filter(run=first.pk).exists()
    assert not Staged.objects.filter(run=first.pk).exists()


def test_one_that_was_cut_off_says_so_and_stops_nobody(trusting: World, owner: Client) -> None:
    trusting.night(EVERYBODY)
    run = previewed(trusting)
    Run.objects.filter(pk=run.pk).update(
        finished_at=None
    )  # as when its process was killed: silent since last June
    at = f"/schools/{trusting.lincoln.pk}/rostering/settings/preview/?run={run.pk}"
    page = owner.get(at).content.decode()
    assert "The count was cut off" in page
    assert "hx-trigger" not in page
    assert trusting.night(EVERYBODY).state == "done"
    assert resume_lost(timezone.now()) == 0
    start(trusting.connection, kind="by hand", by=None)


def test_a_fault_of_ours_is_told(trusting: World, owner: Client) -> None:
    trusting.night(EVERYBODY)
    trusting.connection.records.filter(sourced_id="s01").update(raw=None, bare=b"\xc1")
    page = owner.post(f"/schools/{trusting.lincoln.pk}/rostering/settings/", SETTINGS).content.decode()
    assert "Homeroom met a fault of its own, so this was not counted" in page
    assert "not counted</span>" in page


def test_a_preview_is_shown_to_nobody_else(trusting: World, owner: Client) -> None:
    trusting.night(EVERYBODY)
    run = previewed(trusting)
    at = f"/schools/{trusting.lincoln.pk}/rostering/settings/preview/?run={run.pk}"
    assert owner.get(at).status_code == 200
    stranger = signed_in(trusting, "stranger@oakwood.example", Role.OWNER, trusting.oakwood)
    assert stranger.get(at).status_code == 404
    assert stranger.get(at.replace(f"/{trusting.lincoln.pk}/", f"/{trusting.oakwood.pk}/")).status_code == 404
    manager = signed_in(trusting, "manager@lincoln.example", Role.MANAGER, trusting.lincoln)
    assert manager.get(at).status_code == 404


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)
