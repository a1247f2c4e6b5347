"""One sync, from start to mail. This file tells the story; each step has a file of its own.

read -> sieve -> parse -> narrow -> match -> diff -> plan kept -> check -> hold or apply -> settle -> report
"""

import logging
from datetime import date
from zoneinfo import ZoneInfo

from django.db import OperationalError
from django.utils import timezone

from homeroom.campus.connections.csv_place import remember
from homeroom.campus.connections.policy import rules_of
from homeroom.campus.connections.source import open_source
from homeroom.campus.runs import (
    applying,
    births,
    checking,
    plan_rows,
    planning,
    reading,
    rekeys,
    reporting,
    settling,
    undoing,
)
from homeroom.campus.runs.lock import Fenced, connection_lock, fenced, take
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.progress import Clock, Progress, Watch
from homeroom.sync.reading import Source, SourceFailed
from homeroom.sync.roster import Place
from homeroom.sync.rules import SchoolRule
from homeroom.sync.terms import terms_of

Step = Run.Step
FAULT = "Try again. If it stays, send the log to those who make Homeroom; what was stored stays stored."
log = logging.getLogger(__name__)


def carry_out(
    run: Run, source: Source | None = None, *, clock: Clock = timezone.now, watch: Watch | None = None
) -> Run:
    """Does a run, or goes on with one that was cut off, and returns it as it ended.

    Raises `AlreadyRunning` when another run has the connection, `Fenced` when another worker took this one over.
    """
    with connection_lock(run, clock()):
        take(run, clock())
        try:
            go_on(run, source, clock, Progress(run, clock, watch))
        except SourceFailed as failed:
            _fail(run, str(failed), failed.cure, clock)
        except (Fenced, OperationalError):
            raise  # another worker has it, or the database is away: it is gone on with later
        except Exception as wrong:
            log.exception("run %s met a fault of ours", run.pk)
            _fail(run, f"Homeroom met a fault of its own ({type(wrong).__name__})", FAULT, clock)
    run.refresh_from_db()
    return run


def go_on(run: Run, source: Source | None, clock: Clock, progress: Progress) -> None:
    """The steps that are left of a run that was taken; a run cut off, or approved, begins in the middle."""
    if run.step in (Step.READ, Step.PLAN):
        rules = rules_of(run.connection, today_of(run, clock))
        read_and_plan(run, source or open_source(run.connection, rules), rules, clock, progress)
    if run.step == Step.APPLY:
        undoing.undo(run, clock()) if run.undoes_id else applying.apply(run, clock(), progress)
        _reach(run, Step.SETTLE)
    if run.step == Step.SETTLE:
        _settle(run, clock)
    if run.step == Step.REPORT:
        reporting.report(run, clock)
        _reach(run, Step.END)


def read_and_plan(
    run: Run, source: Source, rules: tuple[SchoolRule, ...], clock: Clock, progress: Progress
) -> None:
    """Everything before something moves. Cut off in here, a run begins anew."""
    _reach(run, Step.READ)
    plan_rows.forget_plan(run)
    if not rules:
        raise SourceFailed(
            "No school is connected yet: its School ID has not been resolved",
            "Press Save and Test Connection on People > Rostering, or run homeroom connect.",
            retry=False,
        )
    today = today_of(run, clock)
    try:
        found = reading.read(run, source, rules, today, progress)
    except SourceFailed:
        _keep_evidence(run, source)
        raise
    births.take_in(run, source, found, rules, today, progress)
    by_school = {rule.school: rule for rule in rules}
    gone: list[Place] = []
    if found.complete and settling.unsettled(run):
        gone = checking.vanished_places(run, by_school)
        found.because += checking.vanished_reasons(gone)
    rekeyed = rekeys.recognise(run, found, rules)
    if run.dry_run:
        births.forget(run)
    if rekeyed:
        found.doubt(rekeys.WAITS)
    _keep(run, found, source)
    if not run.dry_run:
        remember(run.connection, source)
    _reach(run, Step.PLAN)
    terms = terms_of(rules, today, complete=found.complete)
    plan_rows.keep_problems(run, found.problems.kept, found.problems.more)
    planning.Planner(run, source, rules, terms, today, nobody_new=bool(rekeyed)).plan(progress)
    checking.check(run, by_school, today, gone, complete=found.complete, now=clock())
    if rekeyed:
        rekeys.hold(run, rekeyed, clock())
    _reach(run, Step.REPORT if run.dry_run else Step.APPLY)


def _keep(run: Run, found: reading.Reading, source: Source) -> None:
    with fenced(run):
        run.complete, run.incomplete_because = found.complete, "; ".join(found.because)
        run.unchanged, run.policy = found.unchanged, found.policy
        run.save(update_fields=["complete", "incomplete_because", "unchanged", "policy"])
    _keep_evidence(run, source)


def _keep_evidence(run: Run, source: Source) -> None:
    with fenced(run):
        run.evidence = {name: reporting.evidence(proof) for name, proof in source.evidence.items()}
        run.save(update_fields=["evidence"])


def _settle(run: Run, clock: Clock) -> None:
    # A policy changed in mid-run must not be taken for the one that decided: the run keeps the fingerprint it read by.
    if settling.unsettled(run):
        settling.settle(run, bytes(run.policy or b""), clock())
        with fenced(run):
            plan_rows.forget_staged(run)
    _reach(run, Step.REPORT)


def _reach(run: Run, step: str) -> None:
    with fenced(run):
        run.step = step
        run.save(update_fields=["step"])


def _fail(run: Run, message: str, cure: str, clock: Clock) -> None:
    with fenced(run):
        Change.objects.filter(run=run, state__in=("planned", "held")).update(state="discarded")
        run.message, run.error_cure, run.complete = message, cure, False
        run.save(update_fields=["message", "error_cure", "complete"])
    births.forget(run)
    reporting.report(run, clock)
    _reach(run, Step.END)


def today_of(run: Run, clock: Clock) -> date:
    """The day at the connection's first school."""
    link = run.connection.links.select_related("school").order_by("id").first()
    return clock().astimezone(ZoneInfo(link.school.time_zone if link else "UTC")).date()
