"""One person's time line: everything that was done to them and why, in words a front-office clerk can read out."""

from typing import Any

from homeroom.campus.people.models import Person
from homeroom.campus.runs.models import Change

_DONE = {
    ("add", True): "Added",
    ("add", False): "Added to {place}",
    ("update", False): "Changed",
    ("archive", False): "Archived at {place}",
    ("restore", False): "Restored at {place}",
    ("skip", False): "Left as is",
}
_STATE = {"held": "waits for a decision", "planned": "planned", "discarded": "not carried out", "undone": "undone later"}
_FIELDS = {"guardians": "guardians", "grade": "grade", "number": "number", "email": "e-mail"}


def timeline(person: Person) -> list[dict[str, Any]]:
    """The events of a person, newest first."""
    rows = Change.objects.filter(subject="person", subject_id=person.pk, district=person.district_id)
    return [_event(row) for row in rows.select_related("run", "school", "decided_by").order_by("-id")[:500]]


def _event(row: Change) -> dict[str, Any]:
    place = f"{row.school}, {row.group}" if row.school else ""
    done = _DONE.get((row.action, row.new), _DONE.get((row.action, False), row.action)).format(place=place)
    return {
        "at": (row.decided_at or (row.run.created_at if row.run else None)),
        "what": done,
        "place": place,
        "action": row.action,
        "fields": [_field(name, values) for name, values in row.fields.items() if name != "managed"],
        "reason": row.reason,
        "state": row.state,
        "state_words": _STATE.get(row.state, ""),
        "run": row.run_id,
        "by": str(row.decided_by) if row.decided_by else "",
    }


def _field(name: str, values: list[Any]) -> dict[str, str]:
    before, after = values
    if name == "guardians":
        before, after = (f"{len(side or [])} guardians" for side in (before, after))
    return {"name": _FIELDS.get(name, name.replace("_", " ")), "before": before or "–", "after": after or "–"}
