"""What is said of somebody whom a school knows, when it is asked why they are not here: how they stand, since when and why."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.models import Change
from homeroom.campus.schools.models import School

ADMINISTRATOR = "The SIS's administrator"
DECIDES = "An Owner approves or discards it on the run's page."

_OWNER = "An Owner looks at {what} in Sync Settings."
_CURES = {
    "not switched on": "An Owner switches the role group on in Sync Settings.",
    "to be deleted": f"{ADMINISTRATOR} makes the record active again, if it should be.",
    "no role is in force": f"{ADMINISTRATOR} looks at the dates of their roles.",
    "no role": f"{ADMINISTRATOR} gives the record a role at this school.",
    "no school": f"{ADMINISTRATOR} gives the record a role at this school.",
    "restricted": f"{ADMINISTRATOR} lifts the restriction, if it should be lifted.",
    "left out by": _OWNER.format(what="the school's own rules"),
    "no name": f"{ADMINISTRATOR} gives the record a name.",
    "does not know": f"{ADMINISTRATOR} gives them a role of the standard, or an Owner writes a rule for this one in Sync Settings.",
    "paused": _OWNER.format(what="the pause"),
    "could not be understood": f"{ADMINISTRATOR} corrects the record.",
    "not decided yet": "The next sync looks at the record.",
}


def cure_of(verdict: str) -> str:
    """Who can change a verdict of the rules, and where; "" where nobody need."""
    return next((cure for said, cure in _CURES.items() if said in verdict), "")


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
    verdict = _verdict(person)
    said = f"archived here on {day(ended.ended_at, school)}{_because(person, school, verdict)}"
    cure = cure_of(verdict) or "They come back by themselves when the SIS sends them for this school."
    if ended.ended_by_hand or person.excluded:
        cure = "Restore them on their page."
    return Answer(str(person), f"{said}{'; excluded from sync' if person.excluded else ''}", cure, person.pk)


def _verdict(person: Person) -> str:
    """What the rules say of their record, where the SIS has one that stands for nothing here."""
    record = person.source_records.filter(gone=False, places=[]).exclude(verdict="").first()
    return record.verdict if record else ""


def _because(person: Person, school: School, verdict: str) -> str:
    """Why they were archived, and the verdict where it is another reason."""
    rows = Change.objects.filter(subject="person", subject_id=person.pk, school=school)
    last = rows.filter(action="archive", state="applied").order_by("-decided_at", "-id").first()
    said = [last.reason] if last else []
    said += [f"the rules say of their record: {verdict}"] if verdict and verdict not in said else []
    return f": {'; '.join(said)}" if said else ""
