"""What other Sync Settings would do, before they are saved: the same engine over what the last complete reading left stored.

A preview is a run of its own kind, planned and never carried out, so that its people are shown by the page of runs. It is of
one school, and the next one takes its place. It goes on beside the page, since that of a large school takes a while. What is
stored of those whom no rule let through holds no name, number or e-mail, so they count as new even where a sync might
recognise one of them.
"""

import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from homeroom.campus.connections.models import RosterLink
from homeroom.campus.connections.source import open_source
from homeroom.campus.people.target import count_anew, query
from homeroom.campus.runs import checking, reporting
from homeroom.campus.runs.lock import Fenced, fenced
from homeroom.campus.runs.models import Change, Run, SchoolReport, Staged, StagedLink
from homeroom.campus.runs.planning import Planner
from homeroom.campus.runs.progress import Clock, Progress, Watch
from homeroom.campus.runs.staging import COLUMNS, GONE, copy, staged_row
from homeroom.sync.narrow import by_org
from homeroom.sync.reading import Slice, Source
from homeroom.sync.roster import RoleGroup, SourcePerson
from homeroom.sync.rules import Policy, SchoolRule, in_force
from homeroom.sync.terms import terms_of
from homeroom.web.accounts.models import Account

BATCH = 5000
LONGEST = timedelta(minutes=2)  # of silence, after which a preview was cut off
FAULT = "Homeroom met a fault of its own, so this was not counted. Try again; its log says more."
log = logging.getLogger(__name__)
_bare = msgspec.msgpack.Decoder(SourcePerson).decode


def begin(link: RosterLink, policy: Policy, by: Account | None) -> Run | None:
    """Starts a preview beside the page and waits for it a little; None while nothing was ever read there. One begun later takes
    its place."""
    if not _anything_read(link):
        return None
    run = _new(link, policy, by, timezone.now())
    beside = Thread(target=_beside, args=(run.pk, link.pk, policy), name=f"preview-{run.pk}", daemon=True)
    beside.start()
    beside.join(settings.PREVIEW_PATIENCE)
    run.refresh_from_db()
    return run


def _beside(run_id: int, link_id: int, policy: Policy) -> None:
    """What the thread does, with a connection to the database of its own."""
    try:
        run = Run.objects.select_related("connection").get(pk=run_id)
        link = RosterLink.objects.select_related("connection", "school").get(pk=link_id)
        _count(run, link, policy, timezone.now, None, None)
    except (Fenced, Run.DoesNotExist):
        log.info("preview %s gave way to a later one", run_id)
    except Exception:
        log.exception("preview %s met a fault of ours", run_id)
        Run.objects.filter(pk=run_id).update(
            state=Run.State.FAILED, message=FAULT, finished_at=timezone.now()
        )
    finally:
        connection.close()


def preview(
    link: RosterLink,
    policy: Policy,
    by: Account | None,
    now: datetime,
    source: Source | None = None,
    watch: Watch | None = None,
) -> Run | None:
    """The preview of a policy at a school, here and now; None while nothing was ever read there."""
    if not _anything_read(link):
        return None
    run = _new(link, policy, by, now)
    _count(run, link, policy, lambda: now, source, watch)
    return run


def is_under_way(run: Run, now: datetime) -> bool:
    """Whether a preview is still being counted, and was not cut off."""
    return run.under_way and now - (run.beat_at or run.created_at) < LONGEST


def _anything_read(link: RosterLink) -> bool:
    return bool(link.org) and link.connection.records.exists()


def _count(
    run: Run,
    link: RosterLink,
    policy: Policy,
    clock: Clock,
    source: Source | None,
    watch: Watch | None,
) -> None:
    """Plans it, in batches that are kept one by one: whoever watches sees how far it is."""
    today = clock().astimezone(ZoneInfo(link.school.time_zone)).date()
    rule = in_force(SchoolRule(link.school_id, link.org, policy), today)
    source, progress = source or open_source(link.connection), Progress(run, clock, watch)
    _stage(run, link, rule, source, today, progress)
    Planner(run, source, (rule,), terms_of((rule,), today, complete=True), today).plan(progress)
    checking.check(run, {link.school_id: rule}, today, complete=True, now=clock())
    with fenced(run):
        run.counts = reporting.count(run, [link])
        run.finished_at = clock()
        run.save(update_fields=["counts", "finished_at"])


def forget(link: RosterLink) -> None:
    """Takes a school's last preview away, also one that is still being counted."""
    with transaction.atomic():
        old = Run.objects.filter(connection=link.connection_id, school=link.school_id, kind=Run.PREVIEW)
        ids = list(old.select_for_update().values_list("pk", flat=True))
        for rows in (StagedLink, Staged, Change):
            rows.objects.filter(run__in=ids).delete()
        old.delete()


def latest(link: RosterLink) -> Run | None:
    """The preview of a school that there is."""
    found = Run.objects.filter(connection=link.connection_id, school=link.school_id, kind=Run.PREVIEW)
    return found.order_by("-pk").first()


@transaction.atomic
def _new(link: RosterLink, policy: Policy, by: Account | None, now: datetime) -> Run:
    """It never waits for a worker, and nothing of it is carried out; while it is counted it has not finished."""
    forget(link)
    return Run.objects.create(
        district_id=link.district_id,
        connection=link.connection,
        kind=Run.PREVIEW,
        school=link.school,
        started_by=by,
        dry_run=True,
        complete=True,
        state=Run.State.PLANNED,
        step=Run.Step.END,
        created_at=now,
        started_at=now,
        beat_at=now,
        evidence={},
        incomplete_because=not_read(link, policy),
    )


# The records of a school: those with a role there, and those of its people. Absent are those that the SIS no longer has:
# dealt with, in grace, or removed by a plan that waits or was discarded.
_RECORDS = (
    "SELECT record.sourced_id, raw, bare, gone OR sourced_id = ANY(%(removed)s) OR EXISTS (SELECT FROM people_membership m "
    "WHERE m.person_id = record.person_id AND m.school_id = %(school)s AND m.missing_runs > 0) "
    "FROM connections_sourcerecord record WHERE connection_id = %(source)s AND sourced_id > %(last)s AND (%(org)s = ANY(orgs) "
    "OR EXISTS (SELECT FROM people_membership m WHERE m.person_id = record.person_id AND m.school_id = %(school)s)) "
    "ORDER BY sourced_id LIMIT %(some)s"
)
_REMOVED = "SELECT DISTINCT sourced_id FROM runs_change WHERE run_id = %s AND action = 'archive' AND state IN ('held', 'discarded')"


def _stage(
    run: Run, link: RosterLink, rule: SchoolRule, source: Source, today: date, progress: Progress
) -> None:
    rules, done = by_org((rule,)), 0
    for rows in _batches(link):
        people = [(id_, raw, _person(id_, raw, kept, source), absent) for id_, raw, kept, absent in rows]
        staged = [_row(run, *one, rules, today) for one in people if one[2] is not None or one[3]]
        links = [
            (run.pk, id_, agent)
            for id_, _, person, absent in people
            if person is not None and not absent
            for agent in person.agents
        ]
        with fenced(run), connection.cursor() as cursor:
            copy(cursor, "runs_staged", COLUMNS, staged)
            copy(cursor, "runs_stagedlink", ("run_id", "teller", "told"), links)
        done += len(rows)
        progress.tell("reading what is stored", done)
    count_anew("runs_staged", "runs_stagedlink")


def _batches(link: RosterLink) -> Iterator[list[Any]]:
    last = last_complete(link)
    values: dict[str, Any] = {
        "source": link.connection_id,
        "school": link.school_id,
        "org": link.org,
        "removed": [id_ for (id_,) in query(_REMOVED, [last.pk if last else None])],
        "some": BATCH,
        "last": "",
    }
    while rows := query(_RECORDS, values):
        yield rows
        values["last"] = rows[-1][0]


def _person(sourced_id: str, raw: Any, kept: Any, source: Source) -> SourcePerson | None:
    if raw is not None:
        return source.parse(Slice("users", sourced_id, bytes(raw)))[0]
    return _bare(bytes(kept)) if kept is not None else None


def _row(
    run: Run, id_: str, raw: Any, person: SourcePerson | None, absent: bool, rules: Any, today: date
) -> tuple[Any, ...]:
    if absent or person is None:
        return (run.pk, id_, None, None, *GONE)
    return (run.pk, id_, None, raw, *staged_row(person, rules, today))


def last_complete(link: RosterLink) -> Run | None:
    """The last complete reading, by which a preview goes."""
    found = Run.objects.filter(connection=link.connection_id, complete=True, undoes=None, dry_run=False)
    return found.exclude(kind=Run.PREVIEW).order_by("-pk").first()


def grid(run: Run) -> dict[str, dict[str, int]]:
    """How many people of each role group would be added, changed, archived, restored and skipped."""
    found: dict[str, dict[str, int]] = {group.value: {} for group in RoleGroup}
    rows = Change.objects.filter(run=run, subject="person").values_list("group", "action")
    for group, action, count in rows.annotate(Count("id")).order_by():
        found[group][action] = count
    return found


SIGNS = {"add": "+", "update": "~", "archive": "−", "restore": "↺", "skip": "·"}
WOULD = {
    "add": "added",
    "update": "changed",
    "archive": "archived",
    "restore": "restored",
    "skip": "left as they are",
}


def would(counts: dict[str, int]) -> list[dict[str, Any]]:
    """A row of the grid in words: each action with its sign, its count and what would become of so many."""
    return [
        {"action": action, "sign": SIGNS[action], "count": counts[action], "words": words}
        for action, words in WOULD.items()
        if counts.get(action)
    ]


def waits(run: Run) -> list[str]:
    """What of it would wait for a person, in words."""
    return [hold["says"] for report in SchoolReport.objects.filter(run=run) for hold in report.held]


def not_read(link: RosterLink, policy: Policy) -> str:
    """What the last reading left out, so that it cannot be counted; "" when nothing."""
    last = last_complete(link)
    others = policy.staff.roster or policy.admins.roster or policy.parents
    if last is None or not last.evidence or not others or {"users", "users.csv"} & last.evidence.keys():
        return ""
    return "Staff, admins and guardians have not been read so far, since no school wanted them: a dry run counts them."
