"""What a person does to people by hand: edit, archive, restore, exclude. Each leaves a history row as a sync does.

Each locks the person first, so that a sync that carries out what it planned of them, and the hand, come one after the other;
each raises `TooLate` when what was to be touched is not as it was seen.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import Contact, ContactLink, Membership, Person
from homeroom.campus.runs.by_hand.lost_and_got import standing
from homeroom.campus.runs.models import Change
from homeroom.campus.schools.models import School
from homeroom.sync.changes import State
from homeroom.sync.guardians import BY_HAND
from homeroom.sync.roster import CONTACT_FIELDS, PERSON_FIELDS
from homeroom.web.accounts.models import Account

CHOSEN = "primary contact"  # the field of the row that a primary contact chosen by hand leaves


class TooLate(Exception):
    """Somebody, or a sync, was here first; the message says what happened, and nothing was done."""


def edit(person: Person, values: dict[str, str], by: Account | None, now: datetime) -> None:
    """Sets fields by hand. From then on the SIS does not change them, until they are released."""
    with transaction.atomic():
        _edit(_locked(person), PERSON_FIELDS, values, by, now)


def edit_contact(contact: Contact, values: dict[str, str], by: Account | None, now: datetime) -> None:
    """Sets a contact's fields by hand. From then on the SIS does not change them, until they are released."""
    with transaction.atomic():
        _edit(
            Contact.objects.select_for_update(no_key=True).get(pk=contact.pk), CONTACT_FIELDS, values, by, now
        )


def _edit(
    held: Person | Contact, names: tuple[str, ...], values: dict[str, str], by: Account | None, now: datetime
) -> None:
    fields = {n: [getattr(held, n), v] for n, v in values.items() if n in names and getattr(held, n) != v}
    if not fields:
        return
    for name, (_, value) in fields.items():
        setattr(held, name, value)
    held.kept_fields = sorted({*held.kept_fields, *fields})
    held.save()
    _remember(held, None, "", "update", fields, "edited by hand; kept until released", by, now)


def release_contact(contact: Contact, by: Account | None, now: datetime) -> None:
    """Lets go of a contact's fields edited by hand: the SIS may set them again from the next run on."""
    with transaction.atomic():
        held = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
        if held.kept_fields:
            reason = f"released to the SIS: {', '.join(held.kept_fields)}"
            held.kept_fields = []
            held.save(update_fields=["kept_fields"])
            _remember(held, None, "", "update", {}, reason, by, now)


def make_primary(link: ContactLink, by: Account | None, now: datetime) -> None:
    """Chooses a student's primary contact by hand. From then on the SIS does not change the student's contacts, until the
    student is released to it; only a contact whom it marks as restricted still goes."""
    with transaction.atomic():
        person = _locked(link.person)
        if not ContactLink.objects.filter(pk=link.pk, person=person, ended_at=None).exists():
            raise TooLate(
                f"{link.contact} is no contact of {person} any more. Nothing was done; look at the contacts as they are."
            )
        before = ContactLink.objects.filter(person=person, primary=True, ended_at=None).first()
        names = [str(before.contact) if before else "", str(link.contact)]
        was = standing(person).guardians
        ContactLink.objects.filter(person=person, primary=True).update(primary=False)
        ContactLink.objects.filter(pk=link.pk).update(primary=True, reason=BY_HAND)
        person.kept_fields = sorted({*person.kept_fields, "guardians"})
        person.save(update_fields=["kept_fields"])
        reason = "primary contact chosen by hand; kept until released"
        fields = {CHOSEN: names, "guardians": [was, standing(person).guardians]}
        _remember(person, None, "", "update", fields, reason, by, now)


def release(person: Person, by: Account | None, now: datetime) -> None:
    """Lets go of the fields edited by hand: the SIS may set them again from the next run on."""
    with transaction.atomic():
        held = _locked(person)
        if held.kept_fields:
            _remember(
                held, None, "", "update", {}, f"released to the SIS: {', '.join(held.kept_fields)}", by, now
            )
            held.kept_fields = []
            held.save(update_fields=["kept_fields"])


def archive(person: Person, school: School, by: Account | None, now: datetime) -> None:
    """Ends every membership at a school; a sync does not open it again."""
    _turn(person, school, by, now, ends=True)


def restore(person: Person, school: School, by: Account | None, now: datetime) -> None:
    """Opens the memberships at a school again. Where the SIS has this person there no more, they are out of Archive's reach from
    now on, as somebody added by hand: else the next sync would archive them again."""
    _turn(person, school, by, now, ends=False)


def exclude(person: Person, by: Account | None, now: datetime, *, excluded: bool) -> None:
    """Takes a person out of the sync's reach, or puts them back."""
    with transaction.atomic():
        held = _locked(person)
        if held.excluded is excluded:
            return
        held.excluded = excluded
        held.save(update_fields=["excluded"])
        reason = "excluded from sync by hand" if excluded else "included in sync again by hand"
        _remember(held, None, "", "update", {}, reason, by, now)


def _turn(person: Person, school: School, by: Account | None, now: datetime, *, ends: bool) -> None:
    with transaction.atomic():
        held = _locked(person)
        rows = Membership.objects.select_for_update().filter(
            person=held, school=school, ended_at__isnull=ends
        )
        for row in rows:
            row.ended_at, row.ended_by_hand = (now, True) if ends else (None, False)
            if not ends and not _vouched(row):
                row.managed_by = None
            row.save(update_fields=["ended_at", "ended_by_hand", "managed_by"])
            action, reason = ("archive", "archived by hand") if ends else ("restore", "restored by hand")
            _remember(held, school, row.group, action, {}, reason, by, now)


def _locked(person: Person) -> Person:
    """A person as they are now. A sync that would change them waits, or was waited for. Raises `TooLate`."""
    held = Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    if held.merged_into_id is not None:
        raise TooLate(
            f"{held} was merged with somebody else meanwhile. Nothing was done; look at that person's page."
        )
    return held


def _vouched(row: Membership) -> bool:
    """Whether a record that the SIS last sent stands for a membership."""
    word = f"{row.school_id}:{row.group}"
    return row.person.source_records.filter(gone=False, places__contains=[word]).exists()


def _look_again(touched: Person | Contact) -> None:
    """The sieve must not let the records of whoever was touched fall next time, nor of a contact's students: the decision about
    them may be another now."""
    theirs = (
        {"person": touched}
        if isinstance(touched, Person)
        else {"person__contact_links__contact": touched, "person__contact_links__ended_at": None}
    )
    SourceRecord.objects.filter(**theirs).update(decided_under=None)


def _remember(
    touched: Person | Contact,
    school: School | None,
    group: str,
    action: str,
    fields: dict[str, Any],
    reason: str,
    by: Account | None,
    now: datetime,
) -> None:
    Change.objects.create(
        district_id=touched.district_id,
        school=school,
        group=group,
        action=action,
        subject="person" if isinstance(touched, Person) else "contact",
        subject_id=touched.pk,
        sourced_id="",
        fields=fields,
        reason=reason,
        state=State.APPLIED,
        decided_at=now,
        decided_by=by,
    )
    _look_again(touched)
