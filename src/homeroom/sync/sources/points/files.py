"""The points that only a CSV set has: its files and their dates, its schools, its rows, and whether it proves that it is whole."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from homeroom.problems import KINDS
from homeroom.sync.reading import Check, Evidence
from homeroom.sync.roster import SourceOrg
from homeroom.sync.sources.places import Taken
from homeroom.sync.sources.points.schools import there
from homeroom.sync.sources.points.trial import fine, mind, wrong

STALE = 7  # days after which an export that should come each night has probably stopped
ONE_EXPORT = timedelta(hours=24)  # between the first and the last file of it, at most


def the_set(version: str, names: Sequence[str], missing: Sequence[str], taken: Taken, now: datetime) -> Check:
    """Which files there are, and of when. `missing` are those without which nobody can be rostered."""
    detail = f"A OneRoster {version} set of {taken.made:%d %B %Y, %H:%M} UTC: {', '.join(names)}"
    if missing:
        cure = f"Let the export write {' and '.join(missing)}, with the header of the standard."
        return wrong("set", f"{detail}. {' and '.join(missing)} cannot be read or is not there", cure)
    days = (now - taken.made).days
    if days >= STALE:
        cure = "Look whether the export still runs; a roster changes every day."
        return mind("set", f"{detail}. It is {days} days old", cure)
    oldest, newest = (of(taken.seen, key=lambda file: file.written) for of in (min, max))
    if newest.written - oldest.written > ONE_EXPORT.total_seconds():
        when = datetime.fromtimestamp(oldest.written, UTC)
        return mind(
            "set",
            f"{detail}. Its files are not of one export: {oldest.name} is of {when:%d %B %Y, %H:%M} UTC",
            f"Look whether the export still writes {oldest.name}, or remove it if it is left over.",
        )
    return fine("set", detail)


def schools(found: Sequence[SourceOrg]) -> Check:
    """The schools of the set, by name, number and id."""
    if found:
        return there(found, "in orgs.csv")
    cure = "Export orgs.csv with the schools, each of type school."
    return wrong("schools", "orgs.csv lists no school", cure)


def rows(broken: Counter[str]) -> Check:
    """What is wrong with rows, by code, the most frequent first."""
    if not broken:
        return fine("rows", "Every row that counts could be read")
    said = ", ".join(f"{KINDS[code].meaning} ({count:,})" for code, count in broken.most_common(5))
    return mind("rows", said, "homeroom csv check lists each with file and row; so does an upload.")


def proof(evidence: Sequence[Evidence]) -> Check:
    """Whether from such a set anybody would ever be archived."""
    because = "; ".join(f"{one.collection}: {one.trouble}" for one in evidence if not one.complete)
    if not because:
        return fine("whole", "The set proves that it is whole, so who is absent has left")
    said = f"The set does not prove that it is whole, so nobody would be archived: {because}"
    cure = "People are added and updated all the same. Let the export write everybody, with a manifest.csv that says bulk."
    return mind("whole", said, cure)
