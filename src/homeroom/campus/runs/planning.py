"""From staged records to a kept plan, a batch at a time, so that memory does not grow with the district."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs import plan_rows
from homeroom.campus.runs.families import Families, repeats
from homeroom.campus.runs.known import Known, Lookup, Row, facts
from homeroom.campus.runs.models import Run, Staged
from homeroom.campus.runs.progress import Progress
from homeroom.campus.runs.reviews import Contested, let_moot_fall
from homeroom.problems import Problem
from homeroom.sync import diff
from homeroom.sync import plan as plans
from homeroom.sync.changes import Change
from homeroom.sync.diff import Outcome
from homeroom.sync.matching import Candidates, Match, Rule, is_student, match
from homeroom.sync.narrow import by_org, narrow
from homeroom.sync.reading import Source
from homeroom.sync.roster import Entry, Person, Place
from homeroom.sync.rules import SchoolRule
from homeroom.sync.terms import Terms

BATCH = 2000


class Planner:
    """Plans one run. Remembers only people new in this run whose number or e-mail comes again, and its families."""

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
        self._nobody_new = nobody_new
        self._rules = by_org(rules)
        self._families = Families(run, rules, terms)
        self._lookup = Lookup(run, source, parents=bool(self._families.wanted_by))
        self._repeated = repeats(run, "number")
        self._shared = repeats(run, "email")
        self._matching = tuple(map(Rule, run.connection.matching))
        self._met: dict[int, Person] = {}
        self._newcomers: dict[tuple[Rule, str], list[int]] = {}  # by number and by e-mail
        self._contested: list[Contested] = []
        self._spare: list[int] = []
        self._stands: dict[int, list[tuple[str, frozenset[Place], bool]]] = {}

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
        plan_rows.keep_bytes(self.run)
        if self.terms.complete and self.run.kind != Run.PREVIEW:
            let_moot_fall(self.run)

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
        self._contested = []
        decided = plan_rows.Decided(contested=self._contested)
        for row in rows:
            outcome, person_id, found = self._decide(row, known)
            decided.changes += outcome.changes
            decided.problems += found
            if person_id is not None or not outcome.final:
                decided.means.append((row.sourced_id, person_id, outcome.final))
        plan_rows.keep(self.run, decided)

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
        if verdict is not None and verdict.silent:
            # Too little is said to show that anybody left; it is looked at, and told, again next time.
            return Outcome((), final=False), linked, problems
        person, why = self._person(linked, known), verdict.why if verdict else ""
        return self._compare(None, person, "linked by sourcedId", row, known, why), linked, problems

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
        contacts: list[Change] = []
        if not self._nobody_new:
            entry, contacts, odd = self._families.of(entry, row, known)
            problems += odd
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

    def _compare(
        self, entry: Entry | None, person: Person, how: str, row: Row, known: Known, why: str = ""
    ) -> Outcome:
        records = (*known.records.get(person.id, ()), *self._stands.get(person.id, ()))
        others = [record for record in records if record[0] != row.sourced_id]
        vouched = frozenset(place for _, places, _ in others for place in places)
        # The lowest record speaks for the person; for leaving, the lowest linked one of those that are looked at tonight.
        spoken = [places for sourced_id, places, _ in others if sourced_id < row.sourced_id]
        live = [sourced_id for sourced_id, places, _ in others if places]
        staged = [sourced_id for sourced_id, _, is_staged in others if is_staged]
        linked = bool(known.links.get(row.sourced_id, (None,))[0])
        silent = linked and row.person is not None and row.person.unsaid and not row.person.leaving
        outcome = diff.compare(
            entry,
            person,
            how,
            self.terms,
            row.sourced_id,
            vouched,
            leads=min([*live, row.sourced_id]) == row.sourced_id,
            closes=linked and not silent and min([*staged, row.sourced_id]) == row.sourced_id,
            why=why,
            spoken=frozenset[Place]().union(*spoken),
        )
        return replace(outcome, final=outcome.final and not silent)
