"""What two people lost and got by a merge or a split, as rows of their history: how they stood before and after, compared."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeroom.campus.people import target
from homeroom.campus.people.models import ContactLink, Membership, Person
from homeroom.campus.runs.models import Change
from homeroom.sync.changes import Action, State
from homeroom.sync.diff import as_json
from homeroom.web.accounts.models import Account

Places = dict[tuple[int, str], tuple[str, bool]]  # school and group: grade, and whether it is open


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody is or was, and their contacts as the SIS names them."""

    places: Places
    guardians: list[dict[str, Any]]


def standing(person: Person) -> Standing:
    """How somebody stands now."""
    rows = Membership.objects.filter(person=person)
    places = {(row.school_id, row.group): (row.grade, row.ended_at is None) for row in rows}
    links = ContactLink.objects.filter(person=person, ended_at=None).exclude(managed_by=None)
    sources = sorted({source for source in links.values_list("managed_by", flat=True) if source})
    guardians = [as_json(target.people([person.pk], source)[person.pk].guardians) for source in sources]
    return Standing(places, [one for some in guardians for one in some])


def remember(
    person: Person,
    before: Standing,
    action: str,
    fields: dict[str, Any],
    reason: str,
    by: Account | None,
    now: datetime,
    **more: Any,
) -> Change:
    """A row for the act itself, with the contacts that it gave or took, and one for each place that somebody lost or got."""
    after = standing(person)
    if before.guardians != after.guardians:
        fields = {**fields, "guardians": [before.guardians, after.guardians]}
    made: dict[str, Any] = {
        "district_id": person.district_id, "subject": "person", "subject_id": person.pk, "sourced_id": "", "reason": reason,
        "state": State.APPLIED, "decided_at": now, "decided_by": by,
    }  # fmt: skip
    act = Change.objects.create(group="", action=action, fields=fields, **made, **more)
    for (school, group), told, said in _moved(before.places, after.places):
        Change.objects.create(school_id=school, group=group, action=told, fields=said, **made)
    return act


def _moved(before: Places, after: Places) -> list[tuple[tuple[int, str], Action, dict[str, Any]]]:
    found = []
    for key in sorted({*before, *after}):
        (old, was_open), (new, is_open) = before.get(key, ("", False)), after.get(key, ("", False))
        if (old, was_open) != (new, is_open):
            said = {"grade": [old or None, new or None]} if old != new else {}
            found.append((key, _action(was_open, is_open), said))
    return found


def _action(was_open: bool, is_open: bool) -> Action:
    if was_open == is_open:
        return Action.UPDATE
    return Action.ADD if is_open else Action.ARCHIVE
