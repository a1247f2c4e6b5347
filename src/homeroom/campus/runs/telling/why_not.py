"""Why somebody is not here: what the connection last said of whoever fits, and what became of it, in a clerk's words.

A record that means nobody is found only by whoever knows its words whole: of people whom no rule lets through nothing is kept
that could be read. Of somebody of another school no more is said than that there is somebody.
"""

from datetime import datetime

from django.db.models import Q, QuerySet

from homeroom.campus.connections.models import RosterLink, SourceRecord
from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.models import Run, RunProblem
from homeroom.campus.runs.sought import Words
from homeroom.campus.runs.telling.why_not_person import Answer, keeper, known, merged
from homeroom.campus.runs.telling.why_not_record import (
    ELSEWHERE,
    additions,
    elsewhere,
    is_elsewhere,
    of_record,
)
from homeroom.campus.schools.models import School
from homeroom.problems import Problem

MOST = 20
TOLD_ALREADY = ("ambiguous_match", "missing_name")  # the record's own answer says so


def why_not(school: School, words: str, now: datetime) -> list[Answer]:
    """The answers for a name, number, e-mail or sourcedId at a school; never empty for words that are not."""
    if not words.split():
        return []
    link = RosterLink.objects.select_related("connection", "school").filter(school=school).first()
    fits = _fitting(school, words)
    told = _people(fits, school)
    others = set(_others(fits, school).values_list("pk", flat=True)[:MOST])
    if link is None or not link.org:
        return [*told, *([elsewhere(words)] if others else ()), _unconnected(words, link)]
    told += _records(link, words, told, others, now)
    return list(dict.fromkeys(told)) or [_never(words, link)]


def _unconnected(words: str, link: RosterLink | None) -> Answer:
    if link is None:
        return Answer(words, "this school is not connected to an SIS", "An Owner sets it up under Rostering.")
    return Answer(
        words,
        "which school of the SIS this one is has not been found yet",
        "An Owner presses Save and Test Connection under Rostering.",
    )


# --- people of the directory


def _fitting(school: School, words: str) -> QuerySet[Person]:
    """The people of the district whom every word fits whole."""
    found = Person.objects.filter(district=school.district)
    for word in words.split():
        fits = Q(given_name__iexact=word) | Q(family_name__iexact=word) | Q(middle_name__iexact=word)
        part = (
            Q(given_name__istartswith=f"{word} ")
            | Q(family_name__istartswith=f"{word} ")
            | Q(family_name__iendswith=f" {word}")
        )
        found = found.filter(fits | part | Q(number__iexact=word) | Q(email__iexact=word))
    return found


def _people(fits: QuerySet[Person], school: School) -> list[Answer]:
    here = Membership.objects.filter(school=school).values("person")
    answers = [known(person, school) for person in fits.filter(pk__in=here, merged_into=None)[:MOST]]
    told = {answer.person for answer in answers}
    gone = [person for person in fits.exclude(merged_into=None)[:MOST] if keeper(person).pk not in told]
    kept = set(
        here.filter(person__in=[keeper(person).pk for person in gone]).values_list("person", flat=True)
    )
    return answers + [merged(person, school) for person in gone if keeper(person).pk in kept]


def _others(fits: QuerySet[Person], school: School) -> QuerySet[Person]:
    """Those of them who are of another school."""
    here = Membership.objects.filter(school=school).values("person")
    elsewhere = Membership.objects.exclude(school=school).values("person")
    return fits.filter(pk__in=elsewhere, merged_into=None).exclude(pk__in=here)


# --- records of the connection


def _records(
    link: RosterLink, words: str, told: list[Answer], others: set[int], now: datetime
) -> list[Answer]:
    """What became of each record that stands for nobody told of already, and of whoever is planned to come; `others` are
    people of other schools who fit."""
    found = _fitting_records(link, words, others)
    ours = [record for record in found if not is_elsewhere(record, link)]
    met = {answer.person for answer in told if answer.person is not None}
    answers = [of_record(record, link, now) for record in ours if record.person_id not in met]
    answers += additions(words, link, {record.sourced_id for record in found})
    if len(ours) < len(found) or others - {record.person_id for record in found}:
        answers.append(elsewhere(words))
    if not any(answer.why == ELSEWHERE for answer in answers):
        answers += _faults(link, words.strip())
    return answers


def _fitting_records(link: RosterLink, words: str, people: set[int]) -> list[SourceRecord]:
    """The records of that id or those words, and those of some people."""
    text = (
        "SELECT * FROM connections_sourcerecord WHERE connection_id = %s AND (sourced_id = %s OR person_id = ANY(%s) "
        "OR sought @> %s::bigint[]) ORDER BY gone, sourced_id LIMIT %s"
    )
    values = [link.connection_id, words.strip(), list(people), Words().hashes(words.split()), MOST]
    return list(SourceRecord.objects.raw(text, values))


def _faults(link: RosterLink, sourced_id: str) -> list[Answer]:
    """What was wrong with a record in the last reading."""
    runs = Run.objects.filter(connection=link.connection, undoes=None).exclude(kind=Run.PREVIEW)
    run = runs.exclude(finished_at=None).exclude(state=Run.State.FAILED).first()
    fits = Q(sourced_id=sourced_id) | Q(sourced_id=sourced_id[:40], code="long_id")
    rows = RunProblem.objects.filter(fits, run=run).exclude(code__in=TOLD_ALREADY)[:MOST] if run else ()
    problems = [
        Problem(row.code, row.where, row.sourced_id, row.field or None, detail=row.detail) for row in rows
    ]
    return [
        Answer(f"the SIS's record {sourced_id}", one.message.rstrip("."), f"{one.cure}.") for one in problems
    ]


# --- who never came


def _never(words: str, link: RosterLink) -> Answer:
    runs = Run.objects.filter(connection=link.connection, undoes=None, dry_run=False)
    last = runs.exclude(finished_at=None).first()
    if last is None:
        return Answer(
            words, "no sync has run yet, so nobody knows what the SIS has", "An Owner starts the first one."
        )
    why, cure = _unreached(last) or (
        "never sent by the SIS under this name, number, e-mail or id",
        "Check the spelling; then ask the SIS's administrator whether this person is shared with the app.",
    )
    off = (
        "" if link.connection.enabled else " Automatic rostering is off, so nothing newer is read by itself."
    )
    return Answer(words, why, f"{cure}{off}")


def _unreached(last: Run) -> tuple[str, str] | None:
    """Why the last sync may not have met them."""
    if last.state == Run.State.FAILED:
        said = f"not among what the SIS sent before; the last sync (run {last.pk}) failed: {last.message.rstrip('.')}"
        return said, last.error_cure
    if not last.complete:
        return (
            f"not among what the SIS sent; but the last reading (run {last.pk}) was not complete, so it may be that they were not reached",
            "Look again after the next complete sync.",
        )
    if last.evidence and not {"users", "users.csv"} & last.evidence.keys():
        return (
            "not among the students and teachers whom the SIS sent; nobody else is read while no school has another role on",
            "For anybody else, an Owner switches their role group on in Sync Settings. For a student or teacher, check the spelling.",
        )
    return None
