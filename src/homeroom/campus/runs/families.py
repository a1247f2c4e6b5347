"""The guardians of the students that a run plans: who is kept with whom, and which record speaks for a contact.

Some SIS have a guardian once, others once for each child: the same e-mail and name is one contact (DESIGN.md, Primary parent).
"""

from collections.abc import Sequence
from dataclasses import replace

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs.known import Known, Row
from homeroom.campus.runs.models import Run
from homeroom.problems import Problem
from homeroom.sync import diff, guardians
from homeroom.sync.changes import Change
from homeroom.sync.roster import CONTACT_FIELDS, Entry, Place, RoleGroup, SourcePerson
from homeroom.sync.rules import SchoolRule
from homeroom.sync.terms import Terms

_NEW_IDS = 2000  # taken at once


class Families:
    """The families of one run. Remembers each guardian looked at, and those new ones whose e-mail may come again."""

    def __init__(self, run: Run, rules: Sequence[SchoolRule], terms: Terms) -> None:
        self.wanted_by = {rule.school for rule in rules if rule.policy.parents}
        self._terms = terms
        self._looked_at: dict[str, str] = {}  # each with the record that speaks for its contact
        self._met: dict[tuple[str, str], tuple[int, str]] = {}
        self._shared = repeats(run, "email", "guardian") if self.wanted_by else set()
        self._spare: list[int] = []

    def of(self, entry: Entry, row: Row, known: Known) -> tuple[Entry, list[Change], Sequence[Problem]]:
        """A student's entry with the guardians that are kept, what is to be done about their contacts, and what is odd. An
        entry of no student whose school wants parents comes back as it is."""
        schools = [
            p.school for p in entry.places if p.group is RoleGroup.STUDENTS and p.school in self.wanted_by
        ]
        if not schools or row.person is None:
            return entry, [], ()
        family = guardians.rank(row.person, known.agents, known.told_by.get(row.sourced_id, ()))
        updates = any(self._terms.updates(Place(school, RoleGroup.STUDENTS)) for school in schools)
        changes: list[Change] = []
        speaks: dict[str, str] = {}
        for _, id_ in family.ranked:
            speaks[id_], change = self._contact(known.agents[id_], schools[0], known, updates=updates)
            changes += [change] if change is not None else []
        family = family.as_contacts(speaks)
        barred = {_speaks(id_, known) for id_ in family.restricted} - set(speaks.values())
        kept = replace(entry, guardians=family.guardians, restricted=frozenset(barred))
        return kept, changes, family.problems

    def _contact(
        self, guardian: SourcePerson, school: int, known: Known, *, updates: bool
    ) -> tuple[str, Change | None]:
        """The record that speaks for a guardian's contact, and what is to be done about the contact."""
        id_ = guardian.sourced_id
        if id_ not in self._looked_at:
            speaks, change = self._look_at(guardian, school, known, updates=updates)
            self._looked_at[id_] = speaks
            return speaks, change
        return self._looked_at[id_], None

    def _look_at(
        self, guardian: SourcePerson, school: int, known: Known, *, updates: bool
    ) -> tuple[str, Change | None]:
        id_ = guardian.sourced_id
        fields = {name: getattr(guardian, name) for name in CONTACT_FIELDS}
        linked = known.links.get(id_, (None, None))[1]
        contact_id, speaks = (linked, _speaks(id_, known)) if linked else self._same(guardian, known)
        if contact_id is not None and speaks != id_:
            return speaks, None if linked else diff.same_contact(contact_id, id_, school)
        if contact_id is None:
            contact_id = self._new(guardian, known)
            return id_, diff.contact(fields, None, frozenset(), contact_id, id_, school, updates=updates)
        held, kept = known.contacts[contact_id]
        change = diff.contact(fields, held, kept, contact_id, id_, school, updates=updates)
        if change is None and not linked:
            change = diff.same_contact(contact_id, id_, school)
        return id_, change

    def _same(self, guardian: SourcePerson, known: Known) -> tuple[int | None, str]:
        """The contact of another record with the same e-mail and name, and the record that speaks for it."""
        who = guardians.who(guardian)
        if who is None:
            return None, guardian.sourced_id
        met = self._met.get(who)
        if met is not None:
            return met
        contact = known.same_contacts.get(who)
        if contact is None:
            return None, guardian.sourced_id
        self._met[who] = contact, known.speaking.get(contact, guardian.sourced_id)
        return self._met[who]

    def _new(self, guardian: SourcePerson, known: Known) -> int:
        self._spare = self._spare or target.new_ids("people_contact", _NEW_IDS)
        contact = self._spare.pop()
        who = guardians.who(guardian)
        if who is not None and (who[0] in self._shared or who[0] in known.unchanged):
            self._met[who] = contact, guardian.sourced_id
        return contact


def repeats(run: Run, column: str, when: str = "places <> '{}'") -> set[str]:
    """The values of a column, not empty, that come more than once among the staged records of which `when` is true."""
    text = (
        f"SELECT {column} FROM runs_staged WHERE run_id = %s AND {column} <> '' AND {when} "
        "GROUP BY 1 HAVING count(*) > 1"
    )
    return {value for (value,) in query(text, [run.pk])}


def _speaks(sourced_id: str, known: Known) -> str:
    """The record that speaks for the contact of a record."""
    contact = known.links.get(sourced_id, (None, None))[1]
    return known.speaking.get(contact or 0, sourced_id)
