"""What a person may decide about a run: approve what is held or planned, discard it, or undo what was done.

A run reads for all schools of its connection; a decision may be about one school's part alone.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from homeroom.campus.connections.policy import rules_of
from homeroom.campus.runs import plan_rows, undoing
from homeroom.campus.runs.by_hand.leaving_out import (
    fall_with_the_new,
    leave_everybody_out,
    leave_out,
    let_fall,
    wait_with_the_new,
    waiting,
)
from homeroom.campus.runs.by_hand.second import ask_for_a_second
from homeroom.campus.runs.lock import connection_lock, take
from homeroom.campus.runs.models import Change, Run, SchoolReport
from homeroom.campus.runs.progress import Progress, Watch
from homeroom.campus.runs.sync import go_on, today_of
from homeroom.campus.schools.models import School
from homeroom.sync.changes import State
from homeroom.sync.rules import fingerprint
from homeroom.web.accounts.models import Account

Clock = Callable[[], datetime]
WAITS = "waiting for a worker"


class CannotDecide(Exception):
    """The decision is not possible any more, or never was; the message says why and what to do."""


def approve(
    run: Run,
    by: Account | None,
    clock: Clock,
    school: School | None = None,
    *,
    but: Sequence[int] = (),
    only: Sequence[int] = (),
    rest_waits: bool = False,
    hand_over: Callable[[Run], object] | None = None,
    watch: Watch | None = None,
) -> Run:
    """Carries out what is held, or a dry run's plan: all of it but what is left out, and but the people of `but`, by id. With
    `only` these people alone, and the rest goes on waiting; so it does with `rest_waits`. Otherwise who is left out stays.

    With `hand_over` the work is only prepared, and given to it to be done; else `watch` is told how far it is. Raises
    `CannotDecide`, `AlreadyRunning`, and `SecondNeeded` when this is the first of two approvals.
    """
    with connection_lock(run, clock()):
        _refuse(run, school)
        _refuse_stale(run, school, clock)
        _refuse_others(run, school, [*but, *only])
        _mark(run, school, but, only)
        ask_for_a_second(run, school, by, clock())
        _turn(run, by, clock, school, rest_waits=rest_waits or bool(only))
        if hand_over is None:
            go_on(run, None, clock, Progress(run, clock, watch))
    if hand_over is not None:
        Progress(run, clock, None).tell(WAITS, 0)
        hand_over(run)
    run.refresh_from_db()
    return run


@transaction.atomic
def _mark(run: Run, school: School | None, but: Sequence[int], only: Sequence[int]) -> None:
    """Marks who is left out; when that is everybody, nothing of it is remembered."""
    if only:
        leave_everybody_out(run, school)
        leave_out(run, school, only, out=False)
    leave_out(run, school, but, out=True)
    _refuse_nothing(run, school)


def _turn(run: Run, by: Account | None, clock: Clock, school: School | None, *, rest_waits: bool) -> None:
    """Taken and turned round at once: a run is never left taken with nothing to do."""
    with transaction.atomic():
        take(run, clock())
        if not rest_waits:
            let_fall(run, school, by.pk if by else None, clock())
        if school is not None:  # the other schools' parts go on waiting
            waiting(run).exclude(school=school).update(state=State.HELD)
        waiting(run, school).filter(left_out=False).update(state=State.PLANNED, decided_by=by)
        waiting(run, school).filter(left_out=True).update(state=State.HELD, left_out=False)
        wait_with_the_new(run)
        run.dry_run, run.step = False, Run.Step.APPLY
        run.save(update_fields=["dry_run", "step"])


def discard(run: Run, by: Account | None, clock: Clock, school: School | None = None) -> Run:
    """Lets what is held or planned fall; nobody is touched. The next run looks again. Raises `CannotDecide`."""
    with connection_lock(run, clock()), transaction.atomic():
        _refuse(run, school)
        who = by.pk if by else None
        waiting(run, school).update(state=State.DISCARDED, decided_by=by, decided_at=clock())
        fall_with_the_new(run, who, clock())
        if not waiting(run).exists():
            plan_rows.forget_staged(run)
            Run.objects.filter(pk=run.pk).update(state=Run.State.DONE, step=Run.Step.END)
    run.refresh_from_db()
    return run


def undo(
    run: Run, by: Account | None, clock: Clock, school: School | None = None, people: Sequence[int] = ()
) -> Run:
    """Takes a run back, or its part at one school or about chosen people (by id): a new run of kind "undo" whose changes are
    the old ones turned round. What was changed since is left and said. Raises `CannotDecide`, `AlreadyRunning`.
    """
    if not undoing.anything(run, school, people):
        raise CannotDecide(f"Run {run.pk} changed nothing that could be undone, or was undone already.")
    with connection_lock(run, clock()):
        _refuse_cut_off(run)
        with transaction.atomic():
            back = _new_undo(run, by, school, people)
            take(back, clock())
        go_on(back, None, clock, Progress(back, clock, None))
    back.refresh_from_db()
    return back


def _refuse_cut_off(run: Run) -> None:
    """A run that lies in the middle would go on over what was undone."""
    other = Run.objects.filter(connection=run.connection_id, state=Run.State.RUNNING).first()
    if other is not None:
        raise CannotDecide(
            f"Run {other.pk} was cut off, or waits for a worker, and goes on by itself within minutes. Nothing was undone: undo "
            "when it has ended."
        )


def _new_undo(run: Run, by: Account | None, school: School | None, people: Sequence[int]) -> Run:
    return Run.objects.create(
        district_id=run.district_id,
        connection_id=run.connection_id,
        kind="undo",
        undoes=run,
        school=school,
        people=list(people) or None,
        started_by=by,
        complete=True,
        step=Run.Step.APPLY,
    )


def _refuse(run: Run, school: School | None) -> None:
    run.refresh_from_db()
    if run.state not in (Run.State.HELD, Run.State.PLANNED) or not waiting(run, school).exists():
        raise CannotDecide(f"Nothing of run {run.pk} waits for a decision{_since(run, school)}.")


def _since(run: Run, school: School | None) -> str:
    """Who decided already, for one who comes second."""
    decided = Change.objects.filter(run=run, decided_at__isnull=False).exclude(decided_by=None)
    decided = decided.filter(school=school) if school else decided
    last = decided.select_related("decided_by").order_by("-decided_at").first()
    if last is None or last.decided_at is None:
        return f": it is {run.get_state_display().lower()}"
    what = "discarded" if last.state == State.DISCARDED else "approved"
    return f": {last.decided_by} {what} it at {last.decided_at:%H:%M} UTC"


def _refuse_stale(run: Run, school: School | None, clock: Clock) -> None:
    newer = Run.objects.filter(connection=run.connection_id, pk__gt=run.pk, dry_run=False)
    newest = newer.exclude(state=Run.State.FAILED).first()
    if newest is not None:
        raise CannotDecide(
            f"Run {newest.pk} is newer than run {run.pk}: people have moved on. Decide on the newer one."
        )
    today = {rule.school: fingerprint((rule,)) for rule in rules_of(run.connection, today_of(run, clock))}
    reports = SchoolReport.objects.filter(run=run, policy__isnull=False).select_related("school")
    for report in reports.filter(school=school) if school else reports:
        if (
            bytes(report.policy or b"") != today.get(report.school_id)
            and waiting(run, report.school).exists()
        ):
            raise CannotDecide(
                f"The Sync Settings of {report.school} are not those under which run {run.pk} planned this: they were changed, or a "
                "pause has begun or ended. Sync again; the new plan is made under them."
            )


def _refuse_others(run: Run, school: School | None, people: Sequence[int]) -> None:
    """A mistyped id must let nobody else through."""
    mine = waiting(run, school).filter(subject="person", subject_id__in=people)
    others = sorted(set(people) - set(mine.values_list("subject_id", flat=True)))
    if others:
        named = " and ".join(map(str, others))
        raise CannotDecide(
            f"Nothing of person {named} waits in run {run.pk}, so nothing was approved. Look up the ids again."
        )


def _refuse_nothing(run: Run, school: School | None) -> None:
    if not waiting(run, school).filter(left_out=False).exists():
        raise CannotDecide("Everybody is left out, so there is nothing to approve. Discard it instead.")
