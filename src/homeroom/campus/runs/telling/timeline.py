"""One person's time line: what the SIS sent, what the rules made of it, whom it was taken for, and everything that was done to
them and why, in words a front-office clerk can read out; and how they stood on any day.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from homeroom.campus.people.models import Membership, Person, RoleGroup
from homeroom.campus.runs.models import Change, MatchReview
from homeroom.campus.runs.telling.in_words import Telling
from homeroom.campus.runs.telling.versions import versions
from homeroom.campus.schools.models import School
from homeroom.sync.changes import State
from homeroom.sync.roster import PERSON_FIELDS

_DONE = {
    ("add", True): "Added",
    ("add", False): "Added to {place}",
    ("update", False): "Changed",
    ("archive", False): "Archived at {place}",
    ("restore", False): "Restored at {place}",
    ("skip", False): "Left as is",
    ("merge", False): "Merged",
    ("split", False): "Split",
    ("relink", False): "Linked to a new id of the SIS",
}
_STATE = {
    "held": "waits for a decision",
    "planned": "planned",
    "discarded": "not carried out",
    "undone": "undone later",
}


MOST = 500


def timeline(
    person: Person, school: School | None = None, until: datetime | None = None
) -> list[dict[str, Any]]:
    """The events of a person up to a moment, newest first; at one school, those of other schools are left out.

    `kind` is "change" (by a run or by hand), "sent" (a version that the SIS sent) or "match" (what a person decided about a
    record that might have been somebody else's).
    """
    events = _changed(_rows(person, school))
    events += [event for one in _merged(person) for event in _changed(_rows(one, school), one)]
    events += [_sent(version, school) for version in versions(person)]
    events += [_decided(review) for review in _reviews(person)]
    told = [event for event in events if event["at"] is not None and (until is None or event["at"] < until)]
    # Within one run, what was sent comes before what came of it.
    return sorted(told, key=lambda event: (event["at"], event["kind"] == "change"), reverse=True)[:MOST]


def _merged(person: Person) -> list[Person]:
    """Everybody who was merged into a person, or into one of these: what happened to them happened to the person."""
    found = list(person.merged.order_by("pk"))
    return [*found, *(one for other in found for one in _merged(other))]


def _rows(person: Person, school: School | None) -> QuerySet[Change]:
    rows = Change.objects.filter(subject="person", subject_id=person.pk, district=person.district_id)
    rows = rows.exclude(state=State.PREVIEWED).select_related("run", "school", "decided_by")
    return rows.filter(Q(school=None) | Q(school=school)) if school else rows


def _sent(version: dict[str, Any], school: School | None) -> dict[str, Any]:
    said = (
        "The SIS sent this person's record"
        if version["first"]
        else "The SIS sent a new version of the record"
    )
    lasted = f"sent so until run {version['until']}" if version["until"] else "sent so ever since"
    reason = f"id {version['sourced_id']}; the rules: {version['verdict'] or 'not noted then'}; {lasted}"
    return _told(
        "sent",
        version["at"],
        said,
        reason,
        fields=[_shown(field, school) for field in version["fields"]],
        run=version["run"],
    )


def _shown(field: dict[str, str], school: School | None) -> dict[str, str]:
    """What a person is at another school is not told to this one; that it changed, is."""
    if school is None or field["name"] not in ("role", "roles", "schools"):
        return field
    return {"name": field["name"], "before": "…", "after": "another value"}


def _reviews(person: Person) -> Iterable[MatchReview]:
    records = person.source_records.values_list("connection_id", "sourced_id")
    asked = [Q(connection=source, sourced_id=id_) for source, id_ in records]
    found = MatchReview.objects.none()
    for one in asked:
        found = found | MatchReview.objects.filter(one)
    return found.filter(decided_at__isnull=False).select_related("decided_by")


def _decided(review: MatchReview) -> dict[str, Any]:
    what = f"Somebody was asked whom the record means, and said: {review.get_state_display()}"
    reason = f"id {review.sourced_id}; {review.why}"
    return _told("match", review.decided_at, what, reason, by=str(review.decided_by or ""))


def _told(
    kind: str,
    at: datetime | None,
    what: str,
    reason: str,
    *,
    fields: list[dict[str, str]] | None = None,
    run: int | None = None,
    by: str = "",
) -> dict[str, Any]:
    return {
        "kind": kind, "at": at, "what": what, "place": "", "action": kind, "fields": fields or [], "reason": reason,
        "state": "", "state_words": "", "run": run, "by": by,
    }  # fmt: skip


def _changed(rows: QuerySet[Change], merged: Person | None = None) -> list[dict[str, Any]]:
    newest = list(rows.order_by("-id")[:MOST])
    telling = Telling(newest)
    return [_event(row, telling.said(row), merged) for row in newest]


def _event(row: Change, fields: list[dict[str, str]], merged: Person | None) -> dict[str, Any]:
    place = f"{row.school}, {row.group}" if row.school else ""
    done = _DONE.get((row.action, row.new), _DONE.get((row.action, False), row.action)).format(place=place)
    return {
        "kind": "change",
        "at": (row.decided_at or (row.run.created_at if row.run else None)),
        "what": done,
        "place": place,
        "action": row.action,
        "fields": fields,
        "reason": f"as {merged}, person {merged.pk}, who was merged: {row.reason}" if merged else row.reason,
        "state": row.state,
        "state_words": _STATE.get(row.state, ""),
        "run": row.run_id,
        "by": str(row.decided_by) if row.decided_by else "",
    }


def end_of(day: date, zone: str) -> datetime:
    """The moment at which a day ends in a time zone."""
    return datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(zone))


def standing(person: Person, until: datetime, school: School | None = None) -> dict[str, Any]:
    """How a person stood at a moment: `known` (were they here at all), `fields`, and `places` with grade and state.

    It is read backwards from today: everything that was done since is taken away again, the newest first.
    """
    places = Membership.objects.filter(person=person, started_at__lt=until).select_related("school")
    found = {(row.school_id, row.group): row for row in (places.filter(school=school) if school else places)}
    fields: dict[str, str] = {name: getattr(person, name) for name in PERSON_FIELDS}
    grades = {key: row.grade for key, row in found.items()}
    active = {key: row.ended_at is None for key, row in found.items()}
    since = _rows(person, school).filter(state__in=(State.APPLIED, State.UNDONE), decided_at__gte=until)
    for row in since.exclude(action="skip").order_by("-decided_at", "-id"):
        key = (row.school_id or 0, row.group)
        fields |= {name: row.fields[name][0] or "" for name in PERSON_FIELDS if name in row.fields}
        if "grade" in row.fields:
            grades[key] = row.fields["grade"][0] or ""
        if row.action in ("add", "restore", "archive"):
            active[key] = row.action == "archive"
    return {
        "known": person.created_at < until and bool(found),
        "fields": fields,
        "places": [
            {
                "school": str(row.school),
                "role": RoleGroup(row.group).label,
                "grade": grades[key],
                "active": active[key],
            }
            for key, row in sorted(found.items())
        ],
    }
