"""What is said of somebody whom a school knows, when it is asked why they are not here: how they stand, since when and why."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.models import Change
from homeroom.campus.schools.models import School

DECIDES = "An Owner approves or discards it on the run's page."


@dataclass(frozen=True, slots=True)
class Answer:
    """One reason. `who` is the sourcedId, or the name of somebody of this school; `person` their id; `why`, `next` are words."""

    who: str
    why: str
    next: str = ""
    person: int | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def day(moment: datetime | None, school: School) -> str:
    """A day as the school has it."""
    return moment.astimezone(ZoneInfo(school.time_zone)).strftime("%d %b %Y") if moment else "some day"


def keeper(person: Person) -> Person:
    """The person whom somebody is since they were merged; whoever was not is themselves."""
    while person.merged_into is not None:
        person = person.merged_into
    return person


def known(person: Person, school: School) -> Answer:
    """How somebody of a school stands there."""
    places = list(Membership.objects.filter(person=person, school=school).order_by("group"))
    active = [place for place in places if place.ended_at is None]
    return _here(person, school, active) if active else _archived(person, school, places)


def merged(person: Person, school: School) -> Answer:
    """Of somebody who was merged: whom they are now, and how these stand."""
    keep = keeper(person)
    now = known(keep, school)
    return Answer(str(person), f"was merged into {keep}, the same person ({now.why})", now.next, keep.pk)


def _here(person: Person, school: School, active: list[Membership]) -> Answer:
    groups = " and ".join(f"the {place.get_group_display().lower()}" for place in active)
    said = [f"is here, among {groups}"]
    if person.excluded:
        said.append("excluded from sync, so the SIS changes nothing")
    missing = next((place for place in active if place.missing_runs), None)
    if missing is not None:
        said.append(
            f"leaving soon: absent from {_times(missing.missing_runs)} on end, since {missing.missing_since:%d %b %Y}"
        )
    waits = _leaving_waits(person, school)
    if waits is not None:
        said.append(f"their archive waits for a decision on run {waits}")
    return Answer(str(person), "; ".join(said), _stays(missing, waits), person.pk)


def _times(runs: int) -> str:
    return "1 complete sync" if runs == 1 else f"{runs} complete syncs"


def _stays(missing: Membership | None, waits: int | None) -> str:
    if waits is not None:
        return DECIDES
    return "They stay when the SIS sends them again." if missing is not None else ""


def _leaving_waits(person: Person, school: School) -> int | None:
    rows = Change.objects.filter(subject="person", subject_id=person.pk, school=school)
    return rows.filter(action="archive", state="held").order_by("-id").values_list("run", flat=True).first()


def _archived(person: Person, school: School, places: list[Membership]) -> Answer:
    ended = max(places, key=lambda place: place.ended_at or place.started_at)
    said = f"archived here on {day(ended.ended_at, school)}{_because(person, school)}"
    by_hand = ended.ended_by_hand or person.excluded
    cure = (
        "Restore them on their page."
        if by_hand
        else "They come back by themselves when the SIS sends them for this school."
    )
    return Answer(str(person), f"{said}{'; excluded from sync' if person.excluded else ''}", cure, person.pk)


def _because(person: Person, school: School) -> str:
    """Why they were archived, and what the rules say of their record where the SIS still has one."""
    rows = Change.objects.filter(subject="person", subject_id=person.pk, school=school)
    last = rows.filter(action="archive", state="applied").order_by("-decided_at", "-id").first()
    record = person.source_records.filter(gone=False, places=[]).exclude(verdict="").first()
    said = [last.reason] if last else []
    said += [f"the rules say of their record: {record.verdict}"] if record else []
    return f": {'; '.join(said)}" if said else ""
