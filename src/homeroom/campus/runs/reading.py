"""Reading a source past the sieve: what is as it was last carried out is let fall unparsed, the rest is staged.

The sieve is a set of fingerprints, one for each record decided under today's policy. A record whose fingerprint is in it
is taken out of it and let fall. What is left in the set at the end is changed or gone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import xxhash
from django.db import connection

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Run, Staged, StagedLink, Unseen
from homeroom.campus.runs.progress import Progress
from homeroom.campus.runs.relatives import left_to_speak, unchanged_relatives
from homeroom.campus.runs.sought import Words
from homeroom.campus.runs.staging import COLUMNS, NOT_UNDERSTOOD, copy, staged_row
from homeroom.oneroster.records import LONGEST_ID
from homeroom.problems import Problem
from homeroom.sync.narrow import by_org
from homeroom.sync.reading import Evidence, Slice, Source
from homeroom.sync.roster import SourceOrg
from homeroom.sync.rules import SchoolRule, fingerprint
from homeroom.sync.tally import Tally

ATTEMPTS = 3
MOST_BYTES = 1024 * 1024  # of one record that is kept
TWICE = "a sourcedId came twice"
MANY = 100  # staged records after which PostgreSQL must count anew


@dataclass(slots=True)
class Reading:
    """What one pull came to. `because` says why it is not complete; empty means complete. `missing` are orgs of ours that
    the source does not list, `orgs` those that it lists."""

    policy: bytes
    orgs: list[SourceOrg] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    because: list[str] = field(default_factory=list)
    unchanged: int = 0
    received: int = 0
    problems: Tally = field(default_factory=Tally)

    def doubt(self, reason: str) -> None:
        """Notes, once, why absence proves nothing."""
        if reason not in self.because:
            self.because.append(reason)

    @property
    def complete(self) -> bool:
        """Whether absence proves anything."""
        return not self.because


def read(run: Run, source: Source, rules: Sequence[SchoolRule], today: date, progress: Progress) -> Reading:
    """Stages all that must be decided. Raises `SourceFailed` when nothing can be read."""
    words = Words()
    policy = words.decided_under(fingerprint(tuple(rules)))
    orgs = list(source.orgs())
    listed = {org.sourced_id for org in orgs}
    for _ in range(ATTEMPTS):
        _clear(run)
        stage = Stage(run, source, rules, today, policy, words)
        stage.pages(progress)
        if not any(proof.again for proof in _of_people(source)):
            break
    reading = stage.reading
    reading.problems.add(source.problems)
    reading.orgs, reading.missing = orgs, [rule.org for rule in rules if rule.org not in listed]
    reading.because += [
        f"{proof.collection}: {proof.trouble or 'the end was not reached'}"
        for proof in source.evidence.values()
        if not proof.complete
    ]
    if not sum(proof.received for proof in _of_people(source)):
        reading.because.append("the SIS sent no people at all")
    if stage.repeats():
        reading.doubt(TWICE)
    absent = (stage.unseen() if reading.missing else stage.absent()) if reading.complete else 0
    if reading.received - reading.unchanged + absent > MANY:
        target.count_anew("runs_staged", "runs_stagedlink")
    reading.because += [f"the school with id {org} is not in the SIS's list" for org in reading.missing]
    stage.families()
    stage.speakers()
    return reading


def _of_people(source: Source) -> list[Evidence]:
    return [proof for name, proof in source.evidence.items() if name != "orgs" and proof.people]


def _clear(run: Run) -> None:
    with fenced(run):
        Staged.objects.filter(run=run).delete()
        StagedLink.objects.filter(run=run).delete()
        Unseen.objects.filter(run=run).delete()


class Stage:
    """One attempt at reading the people of a source into the staging tables."""

    def __init__(
        self,
        run: Run,
        source: Source,
        rules: Sequence[SchoolRule],
        today: date,
        policy: bytes,
        words: Words,
    ) -> None:
        self.run, self.source, self.today, self._words = run, source, today, words
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
        for page in self.source.people():
            self.reading.received += len(page)
            for record in page:
                self._sieve(record, waiting, links)
            if len(waiting) >= 5000:
                self._write(waiting, links)
            claimed = sum(proof.claimed or 0 for proof in _of_people(self.source))
            progress.tell("reading", self.reading.received, claimed)
        self._write(waiting, links)

    def _sieve(self, record: Slice, waiting: list[tuple[Any, ...]], links: list[tuple[Any, ...]]) -> None:
        mark = record.fingerprint
        if mark in self._known:
            self._known.discard(mark)
            self.reading.unchanged += 1
            return
        if not record.sourced_id:
            self.reading.problems.add([Problem("missing_id", record.collection, field="sourcedId")])
            self.reading.doubt("a record has no sourcedId, so it may be anybody's")
            return
        if len(record.sourced_id) > LONGEST_ID:
            self.reading.problems.add(
                [Problem("long_id", record.collection, record.sourced_id[:40], "sourcedId")]
            )
            self.reading.doubt("a sourcedId is too long to keep, so its record may be anybody's")
            return
        short = xxhash.xxh3_64_intdigest(record.sourced_id.encode())
        if short in self._ids:
            self.reading.problems.add(
                [Problem("repeated_id", record.collection, record.sourced_id, "sourcedId")]
            )
            self.reading.doubt(TWICE)
            return
        self._ids.add(short)
        self._stage(record, mark, waiting, links)

    def _stage(
        self, record: Slice, mark: bytes, waiting: list[tuple[Any, ...]], links: list[tuple[Any, ...]]
    ) -> None:
        person, problems = self.source.parse(record)
        id_ = record.sourced_id
        self.reading.problems.add(
            replace(problem, sourced_id=problem.sourced_id or id_)
            for problem in problems
            if problem.code != "no_role"
        )
        start = (self.run.pk, id_, mark, record.raw if len(record.raw) <= MOST_BYTES else None)
        if person is None:
            waiting.append((*start, *NOT_UNDERSTOOD))
            return
        row = staged_row(person, self._rules, self.today)
        waiting.append((*start, *row, self._words.of(person)))
        links += [(self.run.pk, id_, agent) for agent in person.agents]

    def _write(self, waiting: list[tuple[Any, ...]], links: list[tuple[Any, ...]]) -> None:
        with fenced(self.run), connection.cursor() as cursor:
            copy(cursor, "runs_staged", (*COLUMNS, "sought"), waiting)
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
        self.reading.problems.add(Problem("repeated_id", "users", id_, "sourcedId") for (id_,) in found)
        return bool(found)

    def absent(self) -> int:
        """Stages what the source no longer has: left in the sieve, or never decided under today's policy. How many."""
        with fenced(self.run), connection.cursor() as cursor:
            return self._left_over(
                cursor,
                "INSERT INTO runs_staged (run_id, sourced_id, absent, verdict, number, email, name, student, member, guardian, "
                "places, agents, orgs, final) SELECT %(run)s, sourced_id, true, 'no longer in the SIS', '', '', '', false, false, "
                "contact_id IS NOT NULL, '{}', agents, orgs, true",
            )

    def unseen(self) -> int:
        """Notes the known records that did not come, where a missing school makes that no proof of anything. How many."""
        with fenced(self.run), connection.cursor() as cursor:
            insert = "INSERT INTO runs_unseen (run_id, sourced_id) SELECT %(run)s, sourced_id"
            return self._left_over(cursor, insert)

    def _left_over(self, cursor: Any, insert: str) -> int:
        values = {"run": self.run.pk, "source": self.run.connection_id, "policy": self.reading.policy}
        cursor.execute("CREATE TEMP TABLE left_over (fingerprint bytea) ON COMMIT DROP")
        copy(cursor, "left_over", ("fingerprint",), [(mark,) for mark in self._known])
        cursor.execute("ANALYZE left_over")
        cursor.execute(
            f"{insert} FROM connections_sourcerecord record LEFT JOIN left_over USING (fingerprint) "
            "WHERE connection_id = %(source)s AND ((decided_under = %(policy)s AND NOT gone AND left_over.fingerprint IS NOT NULL) "
            "OR decided_under IS DISTINCT FROM %(policy)s) AND NOT EXISTS (SELECT FROM runs_staged other "
            "WHERE other.run_id = %(run)s AND other.sourced_id = record.sourced_id)",
            values,
        )
        return int(cursor.rowcount)

    def families(self) -> None:
        """Draws in the unchanged students of changed or absent guardians: their primary contact may be another now."""
        self._draw_in(unchanged_relatives(self.run))

    def speakers(self) -> None:
        """Draws in the unchanged records of people of whom another record stands for nothing any more: it may have spoken for
        them, and one of these speaks now."""
        self._draw_in(left_to_speak(self.run))

    def _draw_in(self, known: Iterable[tuple[str, bytes]]) -> None:
        waiting: list[tuple[Any, ...]] = []
        links: list[tuple[Any, ...]] = []
        for sourced_id, raw in known:
            record = Slice("users", sourced_id, raw)
            self._stage(record, record.fingerprint, waiting, links)
        self._write(waiting, links)
