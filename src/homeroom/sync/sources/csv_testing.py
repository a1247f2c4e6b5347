"""Test Connection for a CSV set: the way of a reading, asked point by point. It changes nothing, and no detail holds a person's name.

What is asked about schools and people is asked in the same words of a server.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from homeroom.sync.narrow import is_guardian_word
from homeroom.sync.reading import Check, ConnectionTest, SourceFailed
from homeroom.sync.roster import SourcePerson
from homeroom.sync.sources.csv_set import CsvSource
from homeroom.sync.sources.points import files, people, schools
from homeroom.sync.sources.points.message import WORDS
from homeroom.sync.sources.points.trial import Look, Seen, untried

KEPT = 20_000  # people at most that are looked at closely; all are counted
# Each point about people, and whether it makes no sense without a school.
_POINTS = (
    ("people", people.counts, True),
    ("emails", people.emails, True),
    ("numbers", people.numbers, True),
    ("roles", people.roles, False),
    ("guardians", people.guardians, False),
    ("sample", people.sample, True),
)


def test(source: CsvSource, school_id: str, now: datetime | None = None) -> ConnectionTest:
    """The whole answer for a typed School ID."""
    look, answers = Look(school_id, "csv"), dict[str, Check]()
    try:
        for check in _asked(source, look, now or datetime.now(UTC)):
            answers[check.name] = replace(
                check, ask=""
            )  # it is worded for servers; the cure says it for files
    except SourceFailed as failed:
        answers["set"] = Check("set", ok=False, detail=str(failed), cure=failed.cure)
        return ConnectionTest(tuple(answers.values()))
    profile: dict[str, object] = {"version": source.version, "method": "csv"}
    checks, sample = tuple(answers.values()), tuple(look.sample)
    return ConnectionTest(checks, profile, look.schools, look.school, look.counts, sample)


test.__test__ = False  # type: ignore[attr-defined] # pytest must not take it for a test


def _asked(source: CsvSource, look: Look, now: datetime) -> Iterator[Check]:
    look.orgs = source.orgs()
    look.schools = tuple(org for org in look.orgs if schools.is_school(org, look.orgs))
    if source.taken is not None:
        yield files.the_set(source.version, source.names, source.lacking, source.taken, now)
    yield files.schools(look.schools)
    yield from schools.typed(look)
    broken = _read(source, look)
    for name, point, of_school in _POINTS:
        if of_school and look.school is None:
            yield untried(name, f"it needs “{WORDS['school_id']}”")
        else:
            yield from point(look)
    yield files.rows(broken)
    yield files.proof(list(source.evidence.values()))


def _read(source: CsvSource, look: Look) -> Counter[str]:
    """Reads everybody once: those of the school are kept to be looked at. The rows that have something wrong, by code."""
    look.seen, broken, words = Seen(whole=True), Counter[str](), set[str]()
    counts: Counter[str] = Counter()
    for page in source.people():
        for record in page:
            person, problems = source.parse(record)
            broken.update({problem.code for problem in problems if problem.severity == "error"})
            if person is None or person.leaving:
                continue
            look.seen.counted += 1
            counts.update(set(people.roles_at(person, look.org)))
            if len(look.seen.people) < KEPT and _matters(person, look.org, words):
                look.seen.people.append(person)
    look.seen.totals = dict(counts)
    look.seen.people = list(_near(look.seen.people, look.org))
    broken.update(problem.code for problem in source.problems)
    return broken


def _matters(person: SourcePerson, org: str, words: set[str]) -> bool:
    """Whether a person is looked at closely: of the school, a guardian, or the first with a role word."""
    new = {role.word.lower() for role in person.roles} - words
    words |= new
    here = any(role.org == org for role in person.roles) or not org
    return here or bool(new) or any(is_guardian_word(role.word) for role in person.roles)


def _near(found: list[SourcePerson], org: str) -> Iterator[SourcePerson]:
    """Without guardians who have nothing to do with the school."""
    here = {person.sourced_id for person in found if any(role.org == org for role in person.roles)}
    linked = {agent for person in found if person.sourced_id in here for agent in person.agents}
    for person in found:
        elsewhere = (
            all(is_guardian_word(role.word) for role in person.roles) and person.sourced_id not in here
        )
        if not (org and elsewhere) or person.sourced_id in linked or here.intersection(person.agents):
            yield person
