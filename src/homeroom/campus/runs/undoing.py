"""Undo: the changes of a run turned round, newest first, with history of their own. Conflicts are left and said."""

import logging
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import Contact, ContactLink, Membership, Person
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change, Run
from homeroom.sync.changes import State
from homeroom.sync.roster import CONTACT_FIELDS, PERSON_FIELDS
from homeroom.web.accounts.models import Account

log = logging.getLogger(__name__)
BATCH = 500
EDITED = "not undone: edited since"


def undo(back: Run, now: datetime) -> None:
    """Turns every applied change of the run that `back` undoes round, in batches, each a transaction. Cut off, it goes on."""
    mine = Change.objects.filter(run=back.undoes_id)
    mine = mine.filter(school=back.school_id) if back.school_id else mine
    while batch := _undo_batch(mine, back, now):
        log.info("run %s: %s changes undone", back.undoes_id, batch)
    # What the sieve remembers no longer fits the directory: the next run looks at these records anew.
    touched = mine.filter(state=State.UNDONE).values("sourced_id")
    records = SourceRecord.objects.filter(connection=back.connection_id, sourced_id__in=touched)
    records.update(decided_under=None)


def _undo_batch(mine: QuerySet[Change], back: Run, now: datetime) -> int:
    with fenced(back, now):
        applied = mine.filter(state=State.APPLIED).exclude(action="skip").select_for_update()
        batch = list(applied.order_by("-id")[:BATCH])
        for change in batch:
            _undo(change, back, back.started_by, now)
        Change.objects.filter(pk__in=[change.pk for change in batch]).update(state=State.UNDONE)
    return len(batch)


def _undo(change: Change, back: Run, by: Account | None, now: datetime) -> None:
    turned = {name: [after, before] for name, (before, after) in change.fields.items()}
    reason = f"run {change.run_id} undone"
    if change.subject == "person":
        conflict = _undo_person(change, turned, now)
    else:
        conflict = (
            _put_back(Contact.objects.get(pk=change.subject_id), CONTACT_FIELDS, turned)
            if change.action == "update"
            else ""
        )
    action = {"add": "archive", "restore": "archive", "archive": "restore"}.get(change.action, "update")
    Change.objects.create(
        district_id=change.district_id,
        run=back,
        school_id=change.school_id,
        group=change.group,
        action="skip" if conflict else action,
        subject=change.subject,
        subject_id=change.subject_id,
        sourced_id=change.sourced_id,
        fields=turned,
        reason=f"{conflict} ({reason})" if conflict else reason,
        state=State.APPLIED,
        decided_at=now,
        decided_by=by,
    )


def _undo_person(change: Change, turned: dict[str, list[Any]], now: datetime) -> str:
    membership = Membership.objects.filter(
        person=change.subject_id, school=change.school_id, group=change.group
    ).first()
    if change.action in ("add", "restore", "archive") and membership is not None:
        ends = change.action != "archive"
        if (membership.ended_at is None) != ends:
            return f"{EDITED} (archived or restored by hand)"
        membership.ended_at = now if ends else None
        membership.save(update_fields=["ended_at"])
    if change.action == "update":
        if "grade" in turned and membership is not None:
            membership.grade = turned["grade"][1] or ""
            membership.save(update_fields=["grade"])
        conflict = _put_back(Person.objects.get(pk=change.subject_id), PERSON_FIELDS, turned)
        if conflict:
            return conflict
        if "guardians" in turned:
            _link(change, turned["guardians"][1] or [], now)
    return ""


def _put_back(row: Person | Contact, names: tuple[str, ...], turned: dict[str, list[Any]]) -> str:
    said = {name: values for name, values in turned.items() if name in names}
    if any(getattr(row, name) != (now or "") for name, (now, _) in said.items()):
        return EDITED
    for name, (_, before) in said.items():
        setattr(row, name, before or "")
    row.save(update_fields=list(said))
    return ""


def _link(change: Change, guardians: list[dict[str, Any]], now: datetime) -> None:
    assert change.run is not None  # noqa: S101 # only runs are undone
    links = ContactLink.objects.filter(person=change.subject_id, managed_by=change.run.connection_id)
    links.filter(ended_at=None).update(ended_at=now, primary=False)
    for said in guardians:
        record = SourceRecord.objects.filter(
            connection=change.run.connection_id, sourced_id=said["sourced_id"]
        ).first()
        if record is not None and record.contact_id:
            links.filter(contact=record.contact_id).update(
                ended_at=None, primary=said["primary"], reason=said["reason"]
            )
