"""From staged records to a kept plan, a batch at a time, so that memory does not grow with the district."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import msgspec
from django.db import connection
from psycopg.types.json import Json

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change as ChangeRow
from homeroom.campus.runs.models import Run, RunProblem, Staged, StagedLink
from homeroom.campus.runs.progress import Progress
from homeroom.campus.runs.reading import copy, who_names
from homeroom.problems import Problem
from homeroom.sync import diff, guardians
from homeroom.sync import plan as plans
from homeroom.sync.changes import Change, State
from homeroom.sync.diff import Outcome, Terms
from homeroom.sync.matching import Candidates, Match, match
from homeroom.sync.narrow import by_org, is_guardian, narrow
from homeroom.sync.reading import Slice, Source
from homeroom.sync.roster import CONTACT_FIELDS, Entry, Person, Place, RoleGroup, SourcePerson
from homeroom.sync.rules import SchoolRule

BATCH = 2000
_facts = msgspec.msgpack.Decoder(SourcePerson).decode
_COLUMNS = (
    *(
        "district_id",
        "run_id",
        "school_id",
        "group",
        "action",
        "subject",
        "subject_id",
        "sourced_id",
        "fields",
        "reason",
    ),
    *("new", "state"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A staged record. `person` is None when it is absent or could not be understood."""

    sourced_id: str
    person: SourcePerson | None
    absent: bool


@dataclass(slots=True)
class Known:
    """What the directory has on one batch of rows."""

    links: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)  # person, contact
    people: dict[int, Person] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)
    emails: dict[str, list[int]] = field(default_factory=dict)
    records: dict[int, list[tuple[str, frozenset[Place], bool]]] = field(
        default_factory=dict
    )  # sourcedId, places, staged
    told_by: dict[str, list[str]] = field(default_factory=dict)
    agents: dict[str, SourcePerson] = field(default_factory=dict)
    contacts: dict[int, tuple[dict[str, str], frozenset[str]]] = field(default_factory=dict)


class Planner:
    """Plans one run. Remembers only people new in this run whose number or e-mail comes again, and new contacts."""

    def __init__(
        self, run: Run, source: Source, rules: Sequence[SchoolRule], terms: Terms, today: date
    ) -> None:
        self.run, self.source, self.terms, self.today = run, source, terms, today
        self._rules = by_org(rules)
        self._parents = {rule.school for rule in rules if rule.policy.parents}
        self._repeated = self._repeats("number")
        self._shared = self._repeats("email")
        self._met: dict[int, Person] = {}
        self._newcomers: dict[tuple[bool, str], int] = {}
        self._contact_ids: dict[str, int] = {}
        self._contacts_done: set[str] = set()
        self._spare: list[int] = []
        self._spare_contacts: list[int] = []
        self._stands: dict[int, list[tuple[str, frozenset[Place], bool]]] = {}

    def _repeats(self, column: str) -> set[str]:
        text = (
            f"SELECT {column} FROM runs_staged WHERE run_id = %s AND {column} <> '' AND places <> '{{}}' "
            "GROUP BY 1 HAVING count(*) > 1"
        )
        return {value for (value,) in query(text, [self.run.pk])}

    def plan(self, progress: Progress) -> None:
        """Plans every staged record, in order of sourcedId."""
        total = Staged.objects.filter(run=self.run).count()
        last, done = "", 0
        while rows := self._rows(last):
            self._batch(rows)
            last, done = rows[-1].sourced_id, done + len(rows)
            progress.tell("planning", done, total)
        if total > BATCH:
            target.count_anew("runs_change")

    def _rows(self, last: str) -> list[Row]:
        text = (
            "SELECT sourced_id, facts, absent FROM runs_staged WHERE run_id = %s AND sourced_id > %s "
            "ORDER BY sourced_id LIMIT %s"
        )
        return [
            Row(sourced_id, _facts(bytes(facts)) if facts is not None else None, absent)
            for sourced_id, facts, absent in query(text, [self.run.pk, last, BATCH])
        ]

    def _batch(self, rows: list[Row]) -> None:
        known = self._load(rows)
        changes: list[Change] = []
        problems: list[Problem] = []
        decided: list[tuple[str, int | None, bool]] = []
        for row in rows:
            outcome, person_id, found = self._decide(row, known)
            changes += outcome.changes
            problems += found
            if person_id is not None or not outcome.final:
                decided.append((row.sourced_id, person_id, outcome.final))
        self._write(changes, problems, decided)

    def _decide(self, row: Row, known: Known) -> tuple[Outcome, int | None, list[Problem]]:
        if row.person is None and not row.absent:
            return Outcome((), final=False), None, []
        verdict = narrow(row.person, self._rules, self.today) if row.person else None
        entry = verdict.entry if verdict else None
        problems = list(verdict.problems) if verdict else []
        linked = known.links.get(row.sourced_id, (None, None))[0]
        if entry is None:
            if linked is None:
                final = not any(problem.code == "missing_name" for problem in problems)
                return Outcome((), final=final), None, problems
            return (
                self._compare(None, known.people[linked], "linked by sourcedId", row, known),
                linked,
                problems,
            )
        found = self._match(entry, linked, known)
        if found.problem is not None:
            return Outcome((), final=False), None, [*problems, found.problem]
        entry, contacts = self._with_guardians(entry, row, known, problems)
        if found.person is None:
            return *self._add(entry, found, contacts, problems, known), problems
        outcome = self._compare(entry, found.person, found.how, row, known)
        if linked is None:
            self._meet(entry, plans.apply({found.person.id: found.person}, outcome.changes)[found.person.id])
        return replace(outcome, changes=(*contacts, *outcome.changes)), found.person.id, problems

    def _match(self, entry: Entry, linked: int | None, known: Known) -> Match:
        if linked is not None:
            return match(entry, Candidates(linked=known.people[linked]))
        number, email = entry.fields["number"], entry.fields["email"].lower()
        student = any(place.group is RoleGroup.STUDENTS for place in entry.places)
        newcomer = self._newcomers.get((student, number))
        if newcomer is not None and not self._met[newcomer].places.keys() & entry.places.keys():
            return Match(
                self._met[newcomer], f"same {'student' if student else 'staff'} number as another record"
            )
        free = [id_ for id_ in known.numbers.get(number, ()) if not _occupied(id_, entry, known)]
        return match(
            entry,
            Candidates(
                by_number=[self._person(id_, known) for id_ in free],
                by_email=[self._person(id_, known) for id_ in known.emails.get(email, ())],
                email_shared=email in self._shared,
                taken=frozenset(known.records),
            ),
        )

    def _person(self, id_: int, known: Known) -> Person:
        return self._met.get(id_) or known.people[id_]

    def _add(
        self, entry: Entry, found: Match, contacts: list[Change], problems: list[Problem], known: Known
    ) -> tuple[Outcome, int]:
        person_id = self._spare.pop() if self._spare else target.new_ids("people_person", 1)[0]
        outcome = diff.add(entry, person_id, found.how)
        number, email = entry.fields["number"], entry.fields["email"].lower()
        if any(_occupied(id_, entry, known) for id_ in known.numbers.get(number, ())):
            problems.append(Problem("shared_number", "users", entry.sourced_id, "identifier"))
        if number in self._repeated:
            student = any(place.group is RoleGroup.STUDENTS for place in entry.places)
            if (student, number) in self._newcomers:
                problems.append(Problem("shared_number", "users", entry.sourced_id, "identifier"))
            self._newcomers[student, number] = person_id
            self._meet(entry, plans.apply({}, outcome.changes)[person_id])
        if email in self._shared:
            problems.append(Problem("shared_email", "users", entry.sourced_id, "email"))
        return replace(outcome, changes=(*contacts, *outcome.changes)), person_id

    def _meet(self, entry: Entry, person: Person) -> None:
        """Remembers somebody whom a record means for the first time, with the places it stands for: another record of
        this run may mean the same person, and must not take them for places that nobody stands for."""
        self._met[person.id] = person
        self._stands.setdefault(person.id, []).append((entry.sourced_id, frozenset(entry.places), True))

    def _compare(self, entry: Entry | None, person: Person, how: str, row: Row, known: Known) -> Outcome:
        records = (*known.records.get(person.id, ()), *self._stands.get(person.id, ()))
        others = [record for record in records if record[0] != row.sourced_id]
        vouched = frozenset(place for _, places, _ in others for place in places)
        # The lowest record speaks for the person; for leaving, the lowest of those that are looked at tonight.
        live = [sourced_id for sourced_id, places, _ in others if places] + (
            [row.sourced_id] if entry else []
        )
        staged = [sourced_id for sourced_id, _, is_staged in others if is_staged] + [row.sourced_id]
        leads = (
            min(live, default=row.sourced_id) == row.sourced_id if entry else min(staged) == row.sourced_id
        )
        return diff.compare(entry, person, how, self.terms, row.sourced_id, vouched, leads=leads)

    def _with_guardians(
        self, entry: Entry, row: Row, known: Known, problems: list[Problem]
    ) -> tuple[Entry, list[Change]]:
        schools = [
            p.school for p in entry.places if p.group is RoleGroup.STUDENTS and p.school in self._parents
        ]
        if not schools or row.person is None:
            return entry, []
        family = guardians.rank(row.person, known.agents, known.told_by.get(row.sourced_id, ()))
        problems += family.problems
        updates = any(self.terms.updates(Place(school, RoleGroup.STUDENTS)) for school in schools)
        contacts = [
            self._contact(known.agents[g.sourced_id], schools[0], known, updates=updates)
            for g in family.guardians
        ]
        return replace(entry, guardians=family.guardians), [
            change for change in contacts if change is not None
        ]

    def _contact(self, guardian: SourcePerson, school: int, known: Known, *, updates: bool) -> Change | None:
        if guardian.sourced_id in self._contacts_done:
            return None
        self._contacts_done.add(guardian.sourced_id)
        fields = {name: getattr(guardian, name) for name in CONTACT_FIELDS}
        contact_id = known.links.get(guardian.sourced_id, (None, None))[1]
        if contact_id is None:
            contact_id = self._new_contact_id()
            return diff.contact(
                fields, None, frozenset(), contact_id, guardian.sourced_id, school, updates=updates
            )
        held, kept = known.contacts[contact_id]
        return diff.contact(fields, held, kept, contact_id, guardian.sourced_id, school, updates=updates)

    def _new_contact_id(self) -> int:
        self._spare_contacts = self._spare_contacts or target.new_ids("people_contact", BATCH)
        return self._spare_contacts.pop()

    def _load(self, rows: list[Row]) -> Known:
        known = Known()
        people = [row.person for row in rows if row.person is not None]
        students = [row.sourced_id for row in rows if row.person is not None]
        self._load_agents(known, people, students)
        ids = list({*(row.sourced_id for row in rows), *known.agents})
        text = "SELECT sourced_id, person_id, contact_id FROM connections_sourcerecord WHERE connection_id = %s AND sourced_id = ANY(%s)"
        known.links = {
            id_: (person, contact) for id_, person, contact in query(text, [self.run.connection_id, ids])
        }
        unlinked = [
            row.person for row in rows if row.person and not known.links.get(row.sourced_id, (None,))[0]
        ]
        district = self.run.district_id
        known.numbers = target.by_number(district, {person.number for person in unlinked if person.number})
        known.emails = target.by_email(
            district, {person.email.lower() for person in unlinked if person.email}
        )
        found = {id_ for ids_ in (*known.numbers.values(), *known.emails.values()) for id_ in ids_}
        found |= {link[0] for row in rows if (link := known.links.get(row.sourced_id)) and link[0]}
        known.people = target.people(found, self.run.connection_id)
        known.records = self._records(found)
        known.contacts = target.contacts({contact for _, contact in known.links.values() if contact})
        self._spare = target.new_ids("people_person", max(len(unlinked) - len(found), 0))
        return known

    def _load_agents(self, known: Known, people: list[SourcePerson], students: list[str]) -> None:
        if not self._parents:
            return
        text = "SELECT told, teller FROM runs_stagedlink WHERE run_id = %s AND told = ANY(%s)"
        for told, teller in query(text, [self.run.pk, students]):
            known.told_by.setdefault(told, []).append(teller)
        before = who_names(self.run.connection_id, students)
        staged = self._staged([teller for _, teller in before])
        for told, teller in before:
            if teller not in staged:
                known.told_by.setdefault(told, []).append(teller)
        wanted = {agent for person in people for agent in person.agents}
        wanted |= {teller for tellers in known.told_by.values() for teller in tellers}
        known.agents = self._source_people(list(wanted))
        # Another student who names this one is no guardian, and no fault of this one's record.
        for told, tellers in known.told_by.items():
            known.told_by[told] = [t for t in tellers if t in known.agents and is_guardian(known.agents[t])]

    def _staged(self, ids: list[str]) -> set[str]:
        text = "SELECT sourced_id FROM runs_staged WHERE run_id = %s AND sourced_id = ANY(%s)"
        return {id_ for (id_,) in query(text, [self.run.pk, ids])}

    def _source_people(self, ids: list[str]) -> dict[str, SourcePerson]:
        text = "SELECT sourced_id, facts, absent FROM runs_staged WHERE run_id = %s AND sourced_id = ANY(%s)"
        staged = {id_: (facts, absent) for id_, facts, absent in query(text, [self.run.pk, ids])}
        found = {
            id_: _facts(bytes(facts))
            for id_, (facts, absent) in staged.items()
            if facts is not None and not absent
        }
        rest = [id_ for id_ in ids if id_ not in staged]
        text = (
            "SELECT sourced_id, raw FROM connections_sourcerecord WHERE connection_id = %s AND sourced_id = ANY(%s) "
            "AND raw IS NOT NULL AND NOT gone"
        )
        for id_, raw in query(text, [self.run.connection_id, rest]) if rest else ():
            person, _ = self.source.parse(Slice("users", id_, bytes(raw)))
            if person is not None:
                found[id_] = person
        return found

    def _records(self, ids: set[int]) -> dict[int, list[tuple[str, frozenset[Place], bool]]]:
        """The live records of each person, with the places each stands for tonight."""
        text = (
            "SELECT record.person_id, record.sourced_id, CASE WHEN staged.id IS NULL THEN record.places ELSE staged.places END, "
            "staged.id IS NOT NULL FROM connections_sourcerecord record LEFT JOIN runs_staged staged "
            "ON staged.run_id = %s AND staged.sourced_id = record.sourced_id "
            "WHERE record.connection_id = %s AND record.person_id = ANY(%s) AND (NOT record.gone OR staged.id IS NOT NULL)"
        )
        found: dict[int, list[tuple[str, frozenset[Place], bool]]] = {}
        for person, sourced_id, places, staged in query(
            text, [self.run.pk, self.run.connection_id, list(ids)]
        ):
            found.setdefault(person, []).append((sourced_id, frozenset(map(place_of, places)), staged))
        return found

    def _write(
        self, changes: list[Change], problems: list[Problem], decided: list[tuple[str, int | None, bool]]
    ) -> None:
        with fenced(self.run), connection.cursor() as cursor:
            copy(cursor, "runs_change", _COLUMNS, [self._row(change) for change in changes])
            keep_problems(self.run, problems)
            cursor.execute(
                "UPDATE runs_staged SET person_id = d.person, final = d.final FROM unnest(%s::text[], %s::bigint[], %s::bool[]) "
                "AS d(id, person, final) WHERE run_id = %s AND sourced_id = d.id",
                [[d[0] for d in decided], [d[1] for d in decided], [d[2] for d in decided], self.run.pk],
            )

    def _row(self, change: Change) -> tuple[Any, ...]:
        group = change.group.value if change.group else ""
        return (
            *(
                self.run.district_id,
                self.run.pk,
                change.school,
                group,
                change.action.value,
                change.subject.value,
            ),
            *(
                change.subject_id,
                change.sourced_id,
                Json(change.fields),
                change.reason[:500],
                change.new,
                State.PLANNED.value,
            ),
        )


def place_of(text: str) -> Place:
    """The place that `word` wrote."""
    school, _, group = text.partition(":")
    return Place(int(school), RoleGroup(group))


def keep_problems(run: Run, problems: Sequence[Problem]) -> None:
    """Keeps problems with their run."""
    RunProblem.objects.bulk_create(
        [
            RunProblem(
                run=run,
                code=problem.code,
                where=problem.where,
                sourced_id=(problem.sourced_id or "")[:255],
                field=problem.field or "",
                detail=problem.detail,
            )
            for problem in problems
        ],
        batch_size=1000,
    )


def _occupied(person: int, entry: Entry, known: Known) -> bool:
    """Whether another record that is live tonight already stands for a place of the entry's as this person.

    Two records with one number at one school in one role are two people until somebody says otherwise: taking them for
    one would make one of them disappear.
    """
    others = (places for id_, places, _ in known.records.get(person, ()) if id_ != entry.sourced_id)
    return any(places & entry.places.keys() for places in others)


def forget_plan(run: Run) -> None:
    """Takes away what a run planned before it was cut off, so that it may be planned again."""
    with fenced(run):
        ChangeRow.objects.filter(run=run, state__in=(State.PLANNED, State.HELD)).delete()
        RunProblem.objects.filter(run=run).delete()


def forget_staged(run: Run) -> None:
    """Takes away what a run, and any older one of its connection, had laid out to decide on."""
    older = Run.objects.filter(connection=run.connection_id, pk__lte=run.pk).values("pk")
    StagedLink.objects.filter(run__in=older).delete()
    Staged.objects.filter(run__in=older).delete()


def vanished_places(run: Run, rules: Mapping[int, SchoolRule]) -> list[Place]:
    """Rostered places that had people and of which the source now has none: the mark of a cut reading."""
    before = {
        place: count
        for place, count in target.active_counts(run.connection_id, rules).items()
        if rules[place.school].policy.of(place.group).roster
    }
    text = (
        "SELECT place, count(*) FROM (SELECT unnest(places) AS place FROM runs_staged WHERE run_id = %(run)s AND NOT absent "
        "UNION ALL SELECT unnest(places) FROM connections_sourcerecord record WHERE connection_id = %(connection)s AND NOT gone "
        "AND NOT EXISTS (SELECT FROM runs_staged s WHERE s.run_id = %(run)s AND s.sourced_id = record.sourced_id)) AS places GROUP BY 1"
    )
    values: Any = {"run": run.pk, "connection": run.connection_id}
    seen = {place_of(place): count for place, count in query(text, values)}
    return [place for place, count in before.items() if count and not seen.get(place)]
