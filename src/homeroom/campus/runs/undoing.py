"""Undo: the changes of a run turned round, newest first, with history of their own. Conflicts are left and said."""

from datetime import datetime
from typing import Any

from django.db import transaction

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import Contact, ContactLink, Membership, Person
from homeroom.campus.runs.models import Change, Run
from homeroom.sync.changes import State
from homeroom.sync.roster import CONTACT_FIELDS, PERSON_FIELDS
from homeroom.web.accounts.models import Account

BATCH = 500
EDITED = "not undone: edited since"


def undo_changes(run: Run, back: Run, by: Account | None, now: datetime) -> None:
    """Turns every applied change of a run round, in batches, each a transaction."""
    while True:
        with transaction.atomic():
            applied = (
                Change.objects.filter(run=run, state=State.APPLIED).exclude(action="skip").select_for_update()
            )
            batch = list(applied.order_by("-id")[:BATCH])
            if not batch:
                break
            for change in batch:
                _undo(change, back, by, now)
            Change.objects.filter(pk__in=[change.pk for change in batch]).update(state=State.UNDONE)
    # What the sieve remembers no longer fits the directory: the next run looks at these records anew.
    touched = Change.objects.filter(run=run, state=State.UNDONE).values("sourced_id")
    SourceRecord.objects.filter(connection=run.connection_id, sourced_id__in=touched).update(
        decided_under=None
    )


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
