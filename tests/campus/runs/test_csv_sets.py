"""Full syncs from CSV sets: who comes, who goes and only with proof, and what an unchanged or an older set does."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace as but

from homeroom.campus.connections.models import Connection, CsvPlace, Method
from homeroom.campus.people.models import Contact
from homeroom.campus.runs.models import Run
from homeroom.campus.runs.start import make_run
from homeroom.campus.runs.sync import carry_out
from homeroom.oneroster.endpoints import V1P1, V1P2
from tests.campus.world import World
from tests.sync.sources.cuts import CUTS
from tests.sync.sources.ways import District, district, files_of, lying

STUDENTS = {f"s{number:02}" for number in range(30)} - {"s02"}
OF_LINCOLN = STUDENTS | {"t1", "a1", "p1"}
MONDAY, TUESDAY = (datetime(2026, 6, day, 1, tzinfo=UTC) for day in (1, 2))


@pytest.fixture
def folder(trusting: World, tmp_path: Path) -> Path:
    """The folder of the connection, which is by CSV now."""
    at = tmp_path / "export"
    at.mkdir()
    Connection.objects.filter(pk=trusting.connection.pk).update(method=Method.ONEROSTER_CSV)
    CsvPlace.objects.create(
        connection=trusting.connection, kind=CsvPlace.Kind.FOLDER, folder=str(at), by_administrator=True
    )
    return at


def put(
    folder: Path,
    of: District,
    version: str = V1P1,
    made: datetime = MONDAY,
    change: Callable[[dict[str, bytes]], object] = lambda files: None,
) -> None:
    """What an export does: the whole set anew, at a time."""
    files = files_of(of, version, folder.parent)
    change(files)
    for old in folder.iterdir():
        old.unlink()
    for path in lying(files, folder).iterdir():
        os.utime(path, (made.timestamp(), made.timestamp()))


def sync(world: World) -> Run:
    run = make_run(Connection.objects.get(pk=world.connection.pk), "nightly", None)
    return carry_out(run, clock=world.clock)


@pytest.mark.parametrize("version", [V1P1, V1P2])
def test_everybody_comes_and_who_leaves_is_archived(trusting: World, folder: Path, version: str) -> None:
    put(folder, district(), version)
    run = sync(trusting)
    assert (run.state, run.complete, run.counts["add"]) == ("done", True, 34), (
        run.message,
        run.incomplete_because,
    )
    assert trusting.active() == OF_LINCOLN
    assert trusting.active(trusting.oakwood) == {"s02", "t1"}
    assert Contact.objects.filter(links__isnull=False).distinct().count() == 2
    run = sync(trusting)
    assert (run.complete, run.unchanged, run.counts["update"], run.counts["archive"]) == (True, 35, 0, 0)
    users = tuple(
        but(one, grades=("10",)) if one.sourced_id == "s01" else one for one in district().users[:-6]
    )
    put(
        folder, District(district().orgs, (*users, *district().users[-5:])), version, TUESDAY
    )  # s29 is not in it
    run = sync(trusting)
    assert (run.complete, run.counts["update"], run.counts["archive"]) == (True, 1, 1), run.incomplete_because
    assert trusting.active() == OF_LINCOLN - {"s29"}


@pytest.mark.slow
def test_no_part_of_a_set_archives_anybody(trusting: World, folder: Path) -> None:
    put(folder, district(), V1P2)
    assert sync(trusting).complete
    for cut in CUTS:
        put(folder, district(), V1P2, MONDAY, cut.change)
        run = sync(trusting)
        why = cut.does, run.message, run.incomplete_because
        assert (run.state, run.complete) == ("failed" if cut.failed else "done", False), why
        assert cut.why in run.message + run.incomplete_because, why
        assert not run.message or run.error_cure, why
        assert run.counts.get("archive", 0) == 0, why
        assert "fault of its own" not in run.message, why
        assert trusting.active() >= OF_LINCOLN, why
    put(folder, District(district().orgs, district().users[1:]), V1P2, TUESDAY)
    run = sync(trusting)
    assert (run.complete, run.counts["archive"]) == (True, 1), (
        run.incomplete_because
    )  # who really left does leave


def test_an_older_set_is_refused_until_somebody_says_so(trusting: World, folder: Path) -> None:
    put(folder, district(), made=TUESDAY)
    assert sync(trusting).complete
    put(folder, District(district().orgs, district().users[1:]), made=MONDAY)
    run = sync(trusting)
    assert (run.state, run.complete, run.counts["archive"]) == ("failed", False, 0)
    assert "older export" in run.message
    assert "older set" in run.error_cure
    assert trusting.active() == OF_LINCOLN
    CsvPlace.objects.update(read_made=None)  # what the button does
    run = sync(trusting)
    assert (run.state, run.counts["archive"]) == ("done", 1)


def test_a_dry_run_does_not_make_a_set_the_last_one_read(trusting: World, folder: Path) -> None:
    put(folder, district(), made=TUESDAY)
    run = make_run(Connection.objects.get(pk=trusting.connection.pk), "nightly", None, dry_run=True)
    assert carry_out(run, clock=trusting.clock).state == "planned"
    assert CsvPlace.objects.get().read_made is None
