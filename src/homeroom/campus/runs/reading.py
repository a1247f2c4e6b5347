"""Reading a source past the sieve: what is as it was last carried out is let fall unparsed, the rest is staged.

The sieve is a set of fingerprints, one for each record decided under today's policy. A record whose fingerprint is in it
is taken out of it and let fall. What is left in the set at the end is changed or gone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec
import xxhash
from django.db import connection

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Run, Staged, StagedLink
from homeroom.campus.runs.progress import Progress
from homeroom.problems import Problem
from homeroom.sync.narrow import by_org, narrow
from homeroom.sync.reading import Slice, Source
from homeroom.sync.roster import Place, SourcePerson
from homeroom.sync.rules import SchoolRule, fingerprint

ATTEMPTS = 3
FEW = 200
MANY = 100  # staged records after which PostgreSQL must count anew
_facts = msgspec.msgpack.Encoder().encode
_COLUMNS = (
    *(
        "run_id",
        "sourced_id",
        "fingerprint",
        "raw",
        "facts",
        "number",
        "email",
        "student",
        "guardian",
        "absent",
    ),
    *("places", "agents", "verdict", "person_id", "final"),
)


@dataclass(slots=True)
class Reading:
    """What one pull came to. `because` says why it is not complete; empty means complete."""

    policy: bytes
    because: list[str] = field(default_factory=list)
    unchanged: int = 0
    received: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether absence proves anything."""
        return not self.because


def word(place: Place) -> str:
    """A place as the database keeps it."""
    return f"{place.school}:{place.group.value}"


def read(run: Run, source: Source, rules: Sequence[SchoolRule], today: date, progress: Progress) -> Reading:
    """Stages all that must be decided. Raises `SourceFailed` when nothing can be read."""
    policy = fingerprint(tuple(rules))
    orgs = {org.sourced_id for org in source.orgs()}
    for _ in range(ATTEMPTS):
        _clear(run)
        stage = Stage(run, source, rules, today, policy)
        stage.pages(progress)
        if not source.evidence["users"].again:
            break
    reading = stage.reading
    reading.because += [
        f"{proof.collection}: {proof.trouble or 'the end was not reached'}"
        for proof in source.evidence.values()
        if not proof.complete
    ]
    reading.because += [
        f"the school with id {rule.org} is not in the SIS's list" for rule in rules if rule.org not in orgs
    ]
    if not source.evidence["users"].received:
        reading.because.append("the SIS sent no people at all")
    if reading.received - reading.unchanged > MANY:
        target.count_anew("runs_staged", "runs_stagedlink")
    if stage.repeats():
        reading.because.append("a sourcedId came twice")
    if reading.complete:
        stage.absent()
    stage.families()
    return reading


def _clear(run: Run) -> None:
    with fenced(run):
        Staged.objects.filter(run=run).delete()
        StagedLink.objects.filter(run=run).delete()


class Stage:
    """One attempt at reading the people of a source into the staging tables."""

    def __init__(
        self, run: Run, source: Source, rules: Sequence[SchoolRule], today: date, policy: bytes
    ) -> None:
        self.run, self.source, self.today = run, source, today
        self.reading = Reading(policy)
        self._rules = by_org(rules)
        self._known = self._fingerprints()
        self._ids: set[int] = set()

    def _fingerprints(self) -> set[bytes]:
        known: set[bytes] = set()
        with fenced(self.run), connection.cursor() as cursor:
            cursor.execute(
                "DECLARE known NO SCROLL CURSOR FOR SELECT fingerprint FROM connections_sourcerecord "
                "WHERE connection_id = %s AND decided_under = %s AND NOT gone AND fingerprint IS NOT NULL",
                [self.run.connection_id, self.reading.policy],
            )
            while True:
                cursor.execute("FETCH 20000 FROM known")
                rows = cursor.fetchall()
                if not rows:
                    return known
                known.update(bytes(row[0]) for row in rows)

    def pages(self, progress: Progress) -> None:
        """Every page of the source, past the sieve."""
        waiting: list[tuple[Any, ...]] = []
        links: list[tuple[Any, ...]] = []
        proof = None
        for page in self.source.people():
            proof = proof or self.source.evidence["users"]
            self.reading.received += len(page)
            for record in page:
                self._sieve(record, waiting, links)
            if len(waiting) >= 5000:
                self._write(waiting, links)
            progress.tell("reading", self.reading.received, proof.claimed or 0)
        self._write(waiting, links)

    def _sieve(self, record: Slice, waiting: list[tuple[Any, ...]], links: list[tuple[Any, ...]]) -> None:
        mark = xxhash.xxh3_128_digest(record.raw)
        if mark in self._known:
            self._known.discard(mark)
            self.reading.unchanged += 1
            return
        if not record.sourced_id:
            self.reading.problems.append(Problem("missing_id", record.collection, field="sourcedId"))
            return
        short = xxhash.xxh3_64_intdigest(record.sourced_id.encode())
        if short in self._ids:
            self.reading.problems.append(
                Problem("repeated_id", record.collection, record.sourced_id, "sourcedId")
            )
            if "a sourcedId came twice" not in self.reading.because:
                self.reading.because.append("a sourcedId came twice")
            return
        self._ids.add(short)
        self._stage(record, mark, waiting, links)

    def _stage(
        self, record: Slice, mark: bytes, waiting: list[tuple[Any, ...]], links: list[tuple[Any, ...]]
    ) -> None:
        person, problems = self.source.parse(record)
        self.reading.problems += [problem for problem in problems if problem.code != "no_role"]
        id_ = record.sourced_id[:255]
        start = (self.run.pk, id_, mark, record.raw)
        if person is None:
            waiting.append(
                (*start, None, "", "", False, False, False, [], [], "could not be understood", None, False)
            )
            return
        waiting.append((*start, *self._row(person)))
        links += [(self.run.pk, id_, agent[:255]) for agent in person.agents]

    def _row(self, person: SourcePerson) -> tuple[Any, ...]:
        verdict = narrow(person, self._rules, self.today)
        # What narrowing finds is told once, when the record is planned; here only its places are needed.
        places = [word(place) for place in verdict.entry.places] if verdict.entry else []
        student = any(place.endswith(":students") for place in places)
        return (
            *(_facts(person), person.number, person.email.lower(), student, verdict.guardian, False),
            *(places, list(person.agents), verdict.why[:300], None, True),
        )

    def _write(self, waiting: list[tuple[Any, ...]], links: list[tuple[Any, ...]]) -> None:
        with fenced(self.run), connection.cursor() as cursor:
            copy(cursor, "runs_staged", _COLUMNS, waiting)
            copy(cursor, "runs_stagedlink", ("run_id", "teller", "told"), links)
        waiting.clear()
        links.clear()

    def repeats(self) -> bool:
        """Whether a record came a second time word for word: the sieve had let the first one fall."""
        found = query(
            "SELECT staged.sourced_id FROM runs_staged staged JOIN connections_sourcerecord record "
            "ON record.connection_id = %s AND record.sourced_id = staged.sourced_id "
            "WHERE staged.run_id = %s AND record.fingerprint = staged.fingerprint AND record.decided_under = %s "
            "AND NOT record.gone LIMIT 20",
            [self.run.connection_id, self.run.pk, self.reading.policy],
        )
        self.reading.problems += [Problem("repeated_id", "users", id_, "sourcedId") for (id_,) in found]
        return bool(found)

    def absent(self) -> None:
        """Stages what the source no longer has: left in the sieve, or never decided under today's policy."""
        with fenced(self.run), connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE left_over (fingerprint bytea) ON COMMIT DROP")
            copy(cursor, "left_over", ("fingerprint",), [(mark,) for mark in self._known])
            cursor.execute(
                "INSERT INTO runs_staged (run_id, sourced_id, absent, verdict, number, email, student, guardian, places, "
                "agents, final) SELECT %s, sourced_id, true, 'no longer in the SIS', '', '', false, contact_id IS NOT NULL, "
                "'{}', agents, true FROM connections_sourcerecord record WHERE connection_id = %s AND "
                "((decided_under = %s AND NOT gone AND fingerprint IN (SELECT fingerprint FROM left_over)) "
                "OR decided_under IS DISTINCT FROM %s) "
                "AND NOT EXISTS (SELECT FROM runs_staged other WHERE other.run_id = %s AND other.sourced_id = record.sourced_id)",
                [self.run.pk, self.run.connection_id, self.reading.policy, self.reading.policy, self.run.pk],
            )

    def families(self) -> None:
        """Draws in the unchanged students of changed or absent guardians: their primary contact may be another now."""
        waiting: list[tuple[Any, ...]] = []
        links: list[tuple[Any, ...]] = []
        for some in batched(sorted(self._relatives()), FEW):
            for sourced_id, raw in query(_UNCHANGED_STUDENTS, [self.run.connection_id, some, self.run.pk]):
                record = Slice("users", sourced_id, bytes(raw))
                self._stage(record, xxhash.xxh3_128_digest(record.raw), waiting, links)
        self._write(waiting, links)

    def _relatives(self) -> set[str]:
        """The sourcedIds that staged guardians name, named when they were last read, or are named by."""
        now = query(
            "SELECT sourced_id, agents FROM runs_staged WHERE run_id = %s AND guardian", [self.run.pk]
        )
        guardians = [id_ for id_, _ in now]
        found = {agent for _, agents in now for agent in agents}
        before = (
            "SELECT agents FROM connections_sourcerecord WHERE connection_id = %s AND sourced_id = ANY(%s)"
        )
        for some in batched(guardians, FEW):
            rows = query(before, [self.run.connection_id, some])
            found |= {agent for (agents,) in rows for agent in agents}
        return found | {teller for _, teller in who_names(self.run.connection_id, guardians)}


_UNCHANGED_STUDENTS = (
    "SELECT sourced_id, raw FROM connections_sourcerecord record WHERE connection_id = %s AND sourced_id = ANY(%s) "
    "AND person_id IS NOT NULL AND raw IS NOT NULL AND NOT gone "
    "AND NOT EXISTS (SELECT FROM runs_staged other WHERE other.run_id = %s AND other.sourced_id = record.sourced_id)"
)


def who_names(connection_id: int, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Who named whom as agent when last read: (told, teller) for every id told. Asked few at a time, or PostgreSQL reads all."""
    text = (
        "SELECT told, record.sourced_id FROM connections_sourcerecord record, unnest(record.agents) AS told "
        "WHERE record.connection_id = %s AND record.agents && %s AND told = ANY(%s) AND NOT record.gone"
    )
    return [row for some in batched(ids, FEW) for row in query(text, [connection_id, some, some])]


def batched(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    """The ids, so many at a time."""
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def copy(cursor: Any, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows into a table by COPY."""
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as sink:
        for row in rows:
            sink.write_row(row)
