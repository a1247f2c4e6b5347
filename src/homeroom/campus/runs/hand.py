"""What a person does to people by hand: edit, archive, restore, exclude. Each leaves a history row as a sync does."""

from datetime import datetime
from typing import Any

from django.db import transaction

from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.models import Change
from homeroom.campus.schools.models import School
from homeroom.sync.changes import State
from homeroom.sync.roster import PERSON_FIELDS
from homeroom.web.accounts.models import Account


def edit(person: Person, values: dict[str, str], by: Account, now: datetime) -> None:
    """Sets fields by hand. From then on the SIS does not change them, until they are released."""
    with transaction.atomic():
        held = Person.objects.select_for_update().get(pk=person.pk)
        fields = {
            n: [getattr(held, n), v]
            for n, v in values.items()
            if n in PERSON_FIELDS and getattr(held, n) != v
        }
        if not fields:
            return
        for name, (_, value) in fields.items():
            setattr(held, name, value)
        held.kept_fields = sorted({*held.kept_fields, *fields})
        held.save()
        _remember(held, None, "", "update", fields, "edited by hand; kept until released", by, now)


def release(person: Person, by: Account, now: datetime) -> None:
    """Lets go of the fields edited by hand: the SIS may set them again from the next run on."""
    with transaction.atomic():
        held = Person.objects.select_for_update().get(pk=person.pk)
        if held.kept_fields:
            _remember(
                held, None, "", "update", {}, f"released to the SIS: {', '.join(held.kept_fields)}", by, now
            )
            held.kept_fields = []
            held.save(update_fields=["kept_fields"])
            _look_again(held)


def archive(person: Person, school: School, by: Account, now: datetime) -> None:
    """Ends every membership at a school; a sync does not open it again."""
    _turn(person, school, by, now, ends=True)


def restore(person: Person, school: School, by: Account, now: datetime) -> None:
    """Opens the memberships at a school again."""
    _turn(person, school, by, now, ends=False)


def exclude(person: Person, by: Account, now: datetime, *, excluded: bool) -> None:
    """Takes a person out of the sync's reach, or puts them back."""
    with transaction.atomic():
        Person.objects.filter(pk=person.pk).update(excluded=excluded)
        reason = "excluded from sync by hand" if excluded else "included in sync again by hand"
        _remember(person, None, "", "update", {}, reason, by, now)
        _look_again(person)


def _turn(person: Person, school: School, by: Account, now: datetime, *, ends: bool) -> None:
    with transaction.atomic():
        rows = Membership.objects.select_for_update().filter(
            person=person, school=school, ended_at__isnull=ends
        )
        for row in rows:
            row.ended_at, row.ended_by_hand = (now, True) if ends else (None, False)
            row.save(update_fields=["ended_at", "ended_by_hand"])
            action, reason = ("archive", "archived by hand") if ends else ("restore", "restored by hand")
            _remember(person, school, row.group, action, {}, reason, by, now)


def _look_again(person: Person) -> None:
    """The sieve must not let this person's records fall next time: the decision about them may be another now."""
    person.source_records.update(decided_under=None)


def _remember(
    person: Person,
    school: School | None,
    group: str,
    action: str,
    fields: dict[str, Any],
    reason: str,
    by: Account,
    now: datetime,
) -> None:
    Change.objects.create(
        district_id=person.district_id,
        school=school,
        group=group,
        action=action,
        subject="person",
        subject_id=person.pk,
        sourced_id="",
        fields=fields,
        reason=reason,
        state=State.APPLIED,
        decided_at=now,
        decided_by=by,
    )
