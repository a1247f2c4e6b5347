"""Test Connection for a CSV set: the way of a reading, asked point by point. It changes nothing, and no detail holds a person."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from homeroom.problems import KINDS
from homeroom.sync.narrow import is_guardian_word
from homeroom.sync.reading import Check, ConnectionTest, SourceFailed
from homeroom.sync.roster import SourceOrg
from homeroom.sync.rules import GROUP_OF_ROLE
from homeroom.sync.sources.csv_set import CsvSource
from homeroom.sync.sources.points.schools import is_school, resolve

STALE = 7  # days after which an export that should come each night has probably stopped


def test(source: CsvSource, school_id: str, now: datetime | None = None) -> ConnectionTest:
    """The whole answer for a typed School ID."""
    checks: list[Check] = []
    try:
        orgs = source.orgs()
        checks.append(_set(source, now or datetime.now(UTC)))
        school, said = resolve(school_id, orgs)
        schools = tuple(org for org in orgs if is_school(org, orgs))
        checks += [_schools(schools), said]
        counts, unknown, broken = _count(source, school)
        checks += [*_people(school, counts, unknown), _rows(broken), _proof(source)]
    except SourceFailed as failed:
        checks.append(Check("set", ok=False, detail=str(failed), cure=failed.cure))
        return ConnectionTest(tuple(checks))
    return ConnectionTest(
        tuple(checks), {"version": source.version, "method": "csv"}, schools, school, counts
    )


test.__test__ = False  # type: ignore[attr-defined] # pytest must not take it for a test


def _set(source: CsvSource, now: datetime) -> Check:
    made = source.made
    detail = f"A OneRoster {source.version} set of {made:%d %B %Y, %H:%M}: {', '.join(source.names)}"
    days = (now - made).days
    if days >= STALE:
        return Check(
            "set",
            None,
            f"{detail}. It is {days} days old",
            "Look whether the export still runs; a roster changes every day.",
        )
    return Check("set", ok=True, detail=detail)


def _schools(schools: Sequence[SourceOrg]) -> Check:
    if schools:
        return Check("schools", ok=True, detail=f"{len(schools)} schools are in orgs.csv")
    return Check(
        "schools",
        ok=False,
        detail="orgs.csv lists no school",
        cure="Export orgs.csv with the schools, each of type school.",
    )


def _count(source: CsvSource, school: SourceOrg | None) -> tuple[Counter[str], set[str], Counter[str]]:
    """Roles at the school, words that the standard does not know, and people whose row has something wrong, by code."""
    counts, unknown, broken = Counter[str](), set[str](), Counter[str]()
    for page in source.people():
        for record in page:
            person, problems = source.parse(record)
            broken.update({problem.code for problem in problems if problem.severity == "error"})
            for role in person.roles if person is not None and school is not None else ():
                if school is not None and role.org == school.sourced_id:
                    counts[role.word] += 1
                    if role.word.lower() not in GROUP_OF_ROLE and not is_guardian_word(role.word):
                        unknown.add(role.word[:40])
    broken.update(problem.code for problem in source.problems)
    return counts, unknown, broken


def _people(school: SourceOrg | None, counts: Counter[str], unknown: set[str]) -> list[Check]:
    if school is None:
        return []
    words = ", ".join(f"{count:,} {role}" for role, count in sorted(counts.items()))
    cure = "Export the people of this school too: each user names it in orgSourcedIds (1.1), or in roles.csv (1.2)."
    checks = [
        Check("people", ok=True, detail=words)
        if words
        else Check("people", None, "Nobody in the set belongs to this school", cure)
    ]
    if unknown:
        said = f"Roles the standard does not know: {', '.join(sorted(unknown)[:5])}"
        checks.append(Check("people", None, said, "They grant nothing here; nothing to do if that is right."))
    return checks


def _rows(broken: Counter[str]) -> Check:
    if not broken:
        return Check("rows", ok=True, detail="Every row that counts could be read")
    said = ", ".join(f"{KINDS[code].meaning} ({count:,})" for code, count in broken.most_common(5))
    return Check("rows", None, said, "homeroom csv check lists each with file and row; so does an upload.")


def _proof(source: CsvSource) -> Check:
    """Whether from such a set anybody would ever be archived."""
    because = [
        f"{proof.collection}: {proof.trouble}" for proof in source.evidence.values() if not proof.complete
    ]
    if not because:
        return Check("whole", ok=True, detail="The set proves that it is whole, so who is absent has left")
    cure = "People are added and updated all the same. Let the export write everybody, with a manifest.csv that says bulk."
    return Check(
        "whole",
        None,
        f"The set does not prove that it is whole, so nobody would be archived: {'; '.join(because)}",
        cure,
    )
