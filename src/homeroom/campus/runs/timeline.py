"""One person's time line: everything that was done to them and why, in words a front-office clerk can read out."""

from typing import Any

from django.db.models import Q

from homeroom.campus.people.models import Person
from homeroom.campus.runs.describe import said
from homeroom.campus.runs.models import Change
from homeroom.campus.schools.models import School

_DONE = {
    ("add", True): "Added",
    ("add", False): "Added to {place}",
    ("update", False): "Changed",
    ("archive", False): "Archived at {place}",
    ("restore", False): "Restored at {place}",
    ("skip", False): "Left as is",
}
_STATE = {
    "held": "waits for a decision",
    "planned": "planned",
    "discarded": "not carried out",
    "undone": "undone later",
}


def timeline(person: Person, school: School | None = None) -> list[dict[str, Any]]:
    """The events of a person, newest first; at one school, those of other schools are left out."""
    rows = Change.objects.filter(subject="person", subject_id=person.pk, district=person.district_id)
    rows = rows.filter(Q(school=None) | Q(school=school)) if school else rows
    return [_event(row) for row in rows.select_related("run", "school", "decided_by").order_by("-id")[:500]]


def _event(row: Change) -> dict[str, Any]:
    place = f"{row.school}, {row.group}" if row.school else ""
    done = _DONE.get((row.action, row.new), _DONE.get((row.action, False), row.action)).format(place=place)
    return {
        "at": (row.decided_at or (row.run.created_at if row.run else None)),
        "what": done,
        "place": place,
        "action": row.action,
        "fields": said(row.fields),
        "reason": row.reason,
        "state": row.state,
        "state_words": _STATE.get(row.state, ""),
        "run": row.run_id,
        "by": str(row.decided_by) if row.decided_by else "",
    }
