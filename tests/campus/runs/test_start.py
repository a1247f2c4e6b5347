"""Starting: what is due, once; what was left lying, again; and never two of one connection."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from homeroom.campus.connections.models import Connection
from homeroom.campus.runs.lock import AlreadyRunning, Fenced, fenced, take
from homeroom.campus.runs.models import Run
from homeroom.campus.runs.start import make_run, resume_lost, start, start_due, sync_job
from tests.campus.world import World


def jobs(run: Run) -> int:
    """How many jobs wait for a worker to carry a run out."""
    return ProcrastinateJob.objects.filter(task_name="sync", status="todo", args={"run_id": run.pk}).count()


def test_a_due_connection_starts_once(world: World) -> None:
    world.configure("enabled=on", "time=02:00")
    due = Connection.objects.get().next_run_at
    assert due is not None
    assert start_due(due - timedelta(minutes=1)) == 0
    assert start_due(due) == 1
    assert start_due(due) == 0
    assert Run.objects.get().kind == "nightly"
    assert jobs(Run.objects.get()) == 1


def test_a_school_syncs_at_its_own_local_time(world: World) -> None:
    world.lincoln.time_zone = "America/Chicago"
    world.lincoln.save()
    world.configure("enabled=on", "time=02:30")
    due = Connection.objects.get().next_run_at
    assert due is not None
    assert due.astimezone(ZoneInfo("America/Chicago")).strftime("%H:%M") == "02:30"


def test_a_connection_that_is_not_enabled_is_never_due(world: World) -> None:
    assert Connection.objects.get().next_run_at is None
    assert start_due(world.now + timedelta(days=400)) == 0


def test_a_second_start_is_refused_while_one_waits(world: World) -> None:
    start(world.connection, kind="by hand", by=None)
    with pytest.raises(AlreadyRunning, match="under way already"):
        start(world.connection, kind="by hand", by=None)


def test_a_run_whose_worker_fell_silent_is_handed_on_once(world: World) -> None:
    run = make_run(world.connection, "nightly", None)
    take(run, world.now)
    assert resume_lost(world.now + timedelta(minutes=1)) == 0
    assert resume_lost(world.now + timedelta(minutes=6)) == 1
    resume_lost(world.now + timedelta(minutes=7))
    assert jobs(Run.objects.get()) == 1


def test_a_worker_thought_dead_writes_no_more(world: World) -> None:
    frozen = make_run(world.connection, "nightly", None)
    take(frozen, world.now)
    other = Run.objects.get(pk=frozen.pk)
    take(other, world.now)
    with pytest.raises(Fenced), fenced(frozen):
        pass
    with fenced(other):
        pass


def test_a_job_for_a_run_that_ended_does_nothing(world: World) -> None:
    run = make_run(world.connection, "nightly", None)
    Run.objects.filter(pk=run.pk).update(step=Run.Step.END, state="done")
    sync_job(run.pk)
    assert Run.objects.get().state == "done"
