"""Leaving: what becomes of a membership that a complete reading no longer has. Kept, counted as missing, or archived."""

from datetime import date
from typing import Any

from homeroom.sync.changes import Action, Change, person_change
from homeroom.sync.roster import Membership, Person, Place
from homeroom.sync.terms import Terms

GONE = "no longer in the SIS for this school"
ELSEWHERE = "the SIS now has this person elsewhere"


def may_leave(person: Person, place: Place, terms: Terms) -> bool:
    """Whether a sync may end this membership at all: its own, still open, at a place that it rosters."""
    held = person.places[place]
    return held.active and held.managed and terms.rosters(place)


def leave(person: Person, place: Place, terms: Terms, sourced_id: str, why: str) -> Change:
    """What comes of a membership that the source no longer stands for; `why` it does not."""
    if person.protected:
        return person_change(
            Action.SKIP, person.id, sourced_id, place, {}, f"{why}; kept: an Owner or District Manager"
        )
    if not terms.archives(place):
        off = terms.off(place, "Archive")
        return person_change(Action.SKIP, person.id, sourced_id, place, {}, f"{why}; kept: {off}")
    return _grace(person, place, terms, sourced_id, why)


def _grace(person: Person, place: Place, terms: Terms, sourced_id: str, why: str) -> Change:
    """Archive, or one more step towards it: absent from so many complete runs on end, and for so many days."""
    held, grace = person.places[place], terms.policies[place.school].grace
    runs, since = held.missing_runs + 1, held.missing_since or terms.today
    if runs >= grace.runs and (terms.today - since).days >= grace.days:
        return person_change(Action.ARCHIVE, person.id, sourced_id, place, {}, why)
    waits = f"{why}; leaving soon: absent from {runs} of {grace.runs} complete syncs, since {since}"
    waits += f" (at least {grace.days} days)" if grace.days else ""
    return person_change(Action.SKIP, person.id, sourced_id, place, missing(held, runs, since), waits)


def missing(held: Membership, runs: int, since: date | None) -> dict[str, tuple[Any, Any]]:
    """The fields of a Skip that counts how long somebody has been missing."""
    before = held.missing_since.isoformat() if held.missing_since else None
    after = since.isoformat() if since else None
    return {"missing_runs": (held.missing_runs, runs), "missing_since": (before, after)}


def in_grace(change: Change) -> bool:
    """Whether a change counts somebody as missing, and nothing more: they are to be looked at again."""
    return "missing_runs" in change.fields and bool(change.fields["missing_runs"][1])
