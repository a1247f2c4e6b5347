"""From staged records to a kept plan, a batch at a time, so that memory does not grow with the district."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import connection
from psycopg.types.json import Json

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs.known import Known, Lookup, Row, facts
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change as ChangeRow
from homeroom.campus.runs.models import ChangedRecord, Rekey, Run, RunProblem, Staged, StagedLink, Unseen
from homeroom.campus.runs.progress import Progress
from homeroom.campus.runs.reading import copy, place_of
from homeroom.campus.runs.reviews import Contested, keep_contested, let_moot_fall
from homeroom.problems import Problem
from homeroom.sync import diff, guardians
from homeroom.sync import plan as plans
from homeroom.sync.changes import Change, State
from homeroom.sync.diff import Outcome
from homeroom.sync.matching import Candidates, Match, Rule, is_student, match
from homeroom.sync.narrow import by_org, narrow
from homeroom.sync.reading import Source
from homeroom.sync.roster import CONTACT_FIELDS, Entry, Guardian, Person, Place, RoleGroup, SourcePerson
from homeroom.sync.rules import SchoolRule
from homeroom.sync.terms import Terms

BATCH = 2000
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


class Planner:
    """Plans one run. Remembers only people new in this run whose number or e-mail comes again, and new contacts."""

    def __init__(
        self,
        run: Run,
        source: Source,
        rules: Sequence[SchoolRule],
        terms: Terms,
        today: date,
        *,
        nobody_new: bool = False,
    ) -> None:
        self.run, self.source, self.terms, self.today = run, source, terms, today
        self.asks = run.kind != Run.PREVIEW  # a preview asks nobody anything
        self._state = State.PLANNED if self.asks else State.PREVIEWED  # and nothing of it is ever carried out
        self._nobody_new = nobody_new
        self._rules = by_org(rules)
        self._parents = {rule.school for rule in rules if rule.policy.parents}
        self._lookup = Lookup(run, source, parents=bool(self._parents))
        self._repeated = self._repeats("number")
        self._shared = self._repeats("email")
        self._matching = tuple(map(Rule, run.connection.matching))
        self._met: dict[int, Person] = {}
        self._newcomers: dict[tuple[Rule, str], list[int]] = {}  # by number and by e-mail
        self._contested: list[Contested] = []
        self._contacts_done: dict[
            str, str
        ] = {}  # guardians looked at, each with the record that speaks for its contact
        self._guardians_met: dict[tuple[str, str], tuple[int, str]] = {}
        self._shared_by_guardians = self._repeats("email", "guardian") if self._parents else set()
        self._spare: list[int] = []
        self._spare_contacts: list[int] = []
        self._stands: dict[int, list[tuple[str, frozenset[Place], bool]]] = {}

    def _repeats(self, column: str, when: str = "places <> '{}'") -> set[str]:
        text = (
            f"SELECT {column} FROM runs_staged WHERE run_id = %s AND {column} <> '' AND {when} "
            "GROUP BY 1 HAVING count(*) > 1"
        )
        return {value for (value,) in query(text, [self.run.pk])}

    def plan(self, progress: Progress) -> None:
        """Plans every staged record: first those that mean somebody for the first time, so that nobody for whom a new
        record stands is taken for gone; then the others, each in order of sourcedId."""
        total = Staged.objects.filter(run=self.run).count()
        done = 0
        for first_time in (True, False):
            last = ""
            while rows := self._rows(last, first_time=first_time):
                self._batch(rows)
                last, done = rows[-1].sourced_id, done + len(rows)
                progress.tell("planning", done, total)
        if total > BATCH:
            target.count_anew("runs_change")
        self._keep_bytes()
        if self.terms.complete and self.asks:
            let_moot_fall(self.run)

    def _keep_bytes(self) -> None:
        """Keeps what the source sent of each record that changes something, and each new version of one that is somebody's."""
        with fenced(self.run), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO runs_changedrecord (run_id, sourced_id, raw, verdict) "
                "SELECT staged.run_id, staged.sourced_id, staged.raw, staged.verdict "
                "FROM runs_staged staged LEFT JOIN connections_sourcerecord record ON record.connection_id = %(source)s "
                "AND record.sourced_id = staged.sourced_id "
                "LEFT JOIN (SELECT DISTINCT sourced_id FROM runs_change WHERE run_id = %(run)s) AS planned "
                "ON planned.sourced_id = staged.sourced_id "
                "WHERE staged.run_id = %(run)s AND staged.raw IS NOT NULL AND (planned.sourced_id IS NOT NULL OR "
                "((staged.places <> '{}' OR record.person_id IS NOT NULL OR record.contact_id IS NOT NULL) "
                "AND (record.gone OR record.fingerprint IS DISTINCT FROM staged.fingerprint)))",
                {"run": self.run.pk, "source": self.run.connection_id},
            )

    def _rows(self, last: str, *, first_time: bool) -> list[Row]:
        text = (
            "SELECT sourced_id, facts, absent FROM runs_staged staged WHERE run_id = %s AND sourced_id > %s AND "
            "(places <> '{}' AND NOT EXISTS (SELECT FROM connections_sourcerecord record WHERE record.connection_id = %s "
            "AND record.sourced_id = staged.sourced_id AND record.person_id IS NOT NULL)) = %s ORDER BY sourced_id LIMIT %s"
        )
        values = [self.run.pk, last, self.run.connection_id, first_time, BATCH]
        return [
            Row(sourced_id, facts(bytes(said)) if said is not None else None, absent)
            for sourced_id, said, absent in query(text, values)
        ]

    def _batch(self, rows: list[Row]) -> None:
        known = self._lookup.on(rows)
        unlinked = sum(known.links.get(row.sourced_id, (None,))[0] is None for row in rows if row.person)
        self._spare = target.new_ids("people_person", max(unlinked - len(known.people), 0))
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
        if self._nobody_new and known.links.get(row.sourced_id, (None,))[0] is None:
            # It may be somebody under a new id, or a contact's old one: a person decides about all of them first.
            return Outcome((), final=False), None, []
        verdict = narrow(row.person, self._rules, self.today) if row.person else None
        problems = list(verdict.problems) if verdict else []
        linked = known.links.get(row.sourced_id, (None, None))[0]
        if verdict is not None and verdict.entry is not None:
            return self._decide_on(verdict.entry, row, linked, known, problems)
        if linked is None:
            final = not any(problem.code == "missing_name" for problem in problems)
            return Outcome((), final=final), None, problems
        person = self._person(linked, known)
        return self._compare(None, person, "linked by sourcedId", row, known), linked, problems

    def _decide_on(
        self, entry: Entry, row: Row, linked: int | None, known: Known, problems: list[Problem]
    ) -> tuple[Outcome, int | None, list[Problem]]:
        """The decision on a record that the rules let through."""
        found = self._match(entry, linked, known)
        if found.problem is not None:
            self._contested.append(Contested(entry, found))
            return Outcome((), final=False), None, [*problems, found.problem]
        if found.ignored:
            return Outcome((), final=False), None, problems
        entry, contacts = self._with_guardians(entry, row, known, problems)
        if found.person is None:
            return *self._add(entry, found, contacts, problems, known), problems
        outcome = self._compare(entry, found.person, found.how, row, known)
        if linked is None:
            self._meet(entry, plans.apply({found.person.id: found.person}, outcome.changes)[found.person.id])
        elif len(known.records.get(linked, ())) > 1 or linked in self._stands:
            self._met[linked] = plans.apply({linked: found.person}, outcome.changes)[linked]
        # While somebody must say who is who, its family is still to be looked at.
        final = outcome.final and not self._nobody_new
        return Outcome((*contacts, *outcome.changes), final), found.person.id, problems

    def _match(self, entry: Entry, linked: int | None, known: Known) -> Match:
        if linked is not None:
            return match(entry, Candidates(linked=self._person(linked, known)))
        number, email = entry.fields["number"], entry.fields["email"].lower()
        by_number = self._candidates(Rule.NUMBER, number, known.numbers, known)
        by_email = self._candidates(Rule.EMAIL, email, known.emails, known)
        live = {
            person.id: (
                min(id_ for id_, _ in others),
                frozenset[Place]().union(*(places for _, places in others)),
            )
            for person in (*by_number, *by_email)
            if (others := self._others(person.id, entry, known))
        }
        signs = (known.numbers.get(number, {}), known.emails.get(email, {}))
        own = {id_ for sign in signs for id_, of_merged in sign.items() if not of_merged}
        merged = frozenset({id_ for sign in signs for id_ in sign} - own)
        free = [
            person
            for person in by_number
            if person.id not in live or person.id in merged or not live[person.id][1] & entry.places.keys()
        ]
        candidates = Candidates(
            by_number=free, by_email=by_email, email_shared=email in self._shared, live=live, merged=merged
        )
        return match(entry, candidates, self._matching, known.decisions.get(entry.sourced_id))

    def _candidates(self, rule: Rule, value: str, directory: target.Bearers, known: Known) -> list[Person]:
        """People of the directory, and those whom this run brings, who have this number or e-mail."""
        ids = dict.fromkeys([*directory.get(value, ()), *self._newcomers.get((rule, value), ())])
        return [self._person(id_, known) for id_ in ids] if value else []

    def _others(self, person: int, entry: Entry, known: Known) -> list[tuple[str, frozenset[Place]]]:
        """The other records that are live tonight and mean a person, with the places each stands for."""
        records = (*known.records.get(person, ()), *self._stands.get(person, ()))
        return [(id_, places) for id_, places, _ in records if id_ != entry.sourced_id and places]

    def _person(self, id_: int, known: Known) -> Person:
        return self._met.get(id_) or known.people[id_]

    def _add(
        self, entry: Entry, found: Match, contacts: list[Change], problems: list[Problem], known: Known
    ) -> tuple[Outcome, int]:
        person_id = self._spare.pop() if self._spare else target.new_ids("people_person", 1)[0]
        outcome = diff.add(entry, person_id, found.how, self.terms)
        number, email = entry.fields["number"], entry.fields["email"].lower()
        student = is_student(entry.places)
        for person in self._candidates(Rule.NUMBER, number, known.numbers, known):
            if is_student(person.places) is student and self._others(person.id, entry, known):
                problems.append(Problem("shared_number", "users", entry.sourced_id, "identifier"))
                break
        if email and (email in self._shared or email in known.emails):
            problems.append(Problem("shared_email", "users", entry.sourced_id, "email"))
        if number in self._repeated or email in self._shared:
            self._meet(entry, plans.apply({}, outcome.changes)[person_id])
            for rule, value in ((Rule.NUMBER, number), (Rule.EMAIL, email)):
                if value:
                    self._newcomers.setdefault((rule, value), []).append(person_id)
        return replace(outcome, changes=(*contacts, *outcome.changes)), person_id

    def _meet(self, entry: Entry, person: Person) -> None:
        """Remembers somebody whom a record means for the first time, with the places it stands for: another record of
        this run may mean the same person, and must not take them for places that nobody stands for."""
        self._met[person.id] = person
        self._stands.setdefault(person.id, []).append((entry.sourced_id, frozenset(entry.places), False))

    def _compare(self, entry: Entry | None, person: Person, how: str, row: Row, known: Known) -> Outcome:
        records = (*known.records.get(person.id, ()), *self._stands.get(person.id, ()))
        others = [record for record in records if record[0] != row.sourced_id]
        vouched = frozenset(place for _, places, _ in others for place in places)
        # The lowest record speaks for the person; for leaving, the lowest linked one of those that are looked at tonight.
        live = [sourced_id for sourced_id, places, _ in others if places]
        staged = [sourced_id for sourced_id, _, is_staged in others if is_staged]
        return diff.compare(
            entry,
            person,
            how,
            self.terms,
            row.sourced_id,
            vouched,
            leads=min([*live, row.sourced_id]) == row.sourced_id,
            closes=bool(known.links.get(row.sourced_id, (None,))[0])
            and min([*staged, row.sourced_id]) == row.sourced_id,
        )

    def _with_guardians(
        self, entry: Entry, row: Row, known: Known, problems: list[Problem]
    ) -> tuple[Entry, list[Change]]:
        schools = [
            p.school for p in entry.places if p.group is RoleGroup.STUDENTS and p.school in self._parents
        ]
        if not schools or row.person is None or self._nobody_new:
            return entry, []
        family = guardians.rank(row.person, known.agents, known.told_by.get(row.sourced_id, ()))
        problems += family.problems
        updates = any(self.terms.updates(Place(school, RoleGroup.STUDENTS)) for school in schools)
        changes: list[Change] = []
        named: dict[str, Guardian] = {}
        for guardian in family.guardians:
            speaks, change = self._contact(
                known.agents[guardian.sourced_id], schools[0], known, updates=updates
            )
            changes += [change] if change is not None else []
            named.setdefault(speaks, replace(guardian, sourced_id=speaks))
        barred = frozenset(self._speaks(id_, known) for id_ in family.restricted) - named.keys()
        return replace(entry, guardians=tuple(named.values()), restricted=barred), changes

    def _speaks(self, sourced_id: str, known: Known) -> str:
        """The record that speaks for the contact of a record."""
        contact = known.links.get(sourced_id, (None, None))[1]
        return known.speaking.get(contact or 0, sourced_id)

    def _contact(
        self, guardian: SourcePerson, school: int, known: Known, *, updates: bool
    ) -> tuple[str, Change | None]:
        """The record that speaks for a guardian's contact, and what is to be done about the contact."""
        id_ = guardian.sourced_id
        if id_ not in self._contacts_done:
            speaks, change = self._contact_once(guardian, school, known, updates=updates)
            self._contacts_done[id_] = speaks
            return speaks, change
        return self._contacts_done[id_], None

    def _contact_once(
        self, guardian: SourcePerson, school: int, known: Known, *, updates: bool
    ) -> tuple[str, Change | None]:
        id_ = guardian.sourced_id
        fields = {name: getattr(guardian, name) for name in CONTACT_FIELDS}
        linked = known.links.get(id_, (None, None))[1]
        contact_id, speaks = (
            (linked, self._speaks(id_, known)) if linked else self._same_contact(guardian, known)
        )
        if contact_id is not None and speaks != id_:
            link = None if linked else diff.same_contact(contact_id, id_, school)
            return speaks, link
        if contact_id is None:
            contact_id = self._new_contact_id()
            self._remember(guardian, contact_id)
            return id_, diff.contact(fields, None, frozenset(), contact_id, id_, school, updates=updates)
        held, kept = known.contacts[contact_id]
        change = diff.contact(fields, held, kept, contact_id, id_, school, updates=updates)
        if change is None and not linked:
            change = diff.same_contact(contact_id, id_, school)
        return id_, change

    def _same_contact(self, guardian: SourcePerson, known: Known) -> tuple[int | None, str]:
        """The contact of another record with the same e-mail and name, and the record that speaks for it: some SIS have a
        guardian once for each child."""
        if not guardian.email or not (guardian.given_name or guardian.family_name):
            return None, guardian.sourced_id
        met = self._guardians_met.get(_who(guardian))
        if met is not None:
            return met
        contact = known.same_contacts.get(_who(guardian))
        if contact is None:
            return None, guardian.sourced_id
        speaks = known.speaking.get(contact, guardian.sourced_id)
        self._guardians_met[_who(guardian)] = contact, speaks
        return contact, speaks

    def _remember(self, guardian: SourcePerson, contact: int) -> None:
        if guardian.email.lower() in self._shared_by_guardians:
            self._guardians_met[_who(guardian)] = contact, guardian.sourced_id

    def _new_contact_id(self) -> int:
        self._spare_contacts = self._spare_contacts or target.new_ids("people_contact", BATCH)
        return self._spare_contacts.pop()

    def _write(
        self, changes: list[Change], problems: list[Problem], decided: list[tuple[str, int | None, bool]]
    ) -> None:
        with fenced(self.run), connection.cursor() as cursor:
            copy(cursor, "runs_change", _COLUMNS, [self._row(change) for change in changes])
            keep_problems(self.run, problems)
            keep_contested(self.run, self._contested if self.asks else ())
            self._contested = []
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
                self._state.value,
            ),
        )


def _who(guardian: SourcePerson) -> tuple[str, str]:
    return guardian.email.lower(), f"{guardian.given_name}\t{guardian.family_name}".lower()


def keep_problems(run: Run, problems: Sequence[Problem], more: Mapping[Problem, int] | None = None) -> None:
    """Keeps problems with their run, and of each in `more` how many there are."""
    rows = [*((problem, 1) for problem in problems), *(more or {}).items()]
    RunProblem.objects.bulk_create([_problem(run, *row) for row in rows], batch_size=1000)


def _problem(run: Run, problem: Problem, number: int) -> RunProblem:
    return RunProblem(
        run=run,
        code=problem.code,
        where=problem.where,
        sourced_id=(problem.sourced_id or "")[:255],
        field=(problem.field or "")[:64],
        detail=problem.detail,
        number=number,
    )


def forget_plan(run: Run) -> None:
    """Takes away what a run planned before it was cut off, so that it may be planned again."""
    with fenced(run):
        ChangeRow.objects.filter(run=run, state__in=(State.PLANNED, State.HELD)).delete()
        RunProblem.objects.filter(run=run).delete()
        ChangedRecord.objects.filter(run=run).delete()
        Rekey.objects.filter(run=run).delete()


def forget_staged(run: Run) -> None:
    """Takes away what a run, and any older one of its connection, had laid out to decide on."""
    mine = Run.objects.filter(connection=run.connection_id, pk__lte=run.pk)
    older = mine.exclude(kind=Run.PREVIEW, finished_at=None).values("pk")  # what is being counted stays
    StagedLink.objects.filter(run__in=older).delete()
    Staged.objects.filter(run__in=older).delete()
    Unseen.objects.filter(run__in=older).delete()


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
