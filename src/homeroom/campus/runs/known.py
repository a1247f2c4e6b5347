"""What the directory and the readings have on a batch of staged records: all that planning needs, in one query a kind."""

from dataclasses import dataclass, field

import msgspec

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs.models import Run
from homeroom.campus.runs.relatives import who_names
from homeroom.campus.runs.reviews import decisions
from homeroom.campus.runs.staging import place_of
from homeroom.sync.matching import Decision
from homeroom.sync.narrow import is_guardian
from homeroom.sync.reading import Slice, Source
from homeroom.sync.roster import Person, Place, SourcePerson

facts = msgspec.msgpack.Decoder(SourcePerson).decode


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
    numbers: target.Bearers = field(default_factory=dict)
    emails: target.Bearers = field(default_factory=dict)
    records: dict[int, list[tuple[str, frozenset[Place], bool]]] = field(
        default_factory=dict
    )  # sourcedId, places, whether it was staged and says enough to speak for places that nobody stands for any more
    told_by: dict[str, list[str]] = field(default_factory=dict)
    agents: dict[str, SourcePerson] = field(default_factory=dict)
    unchanged: set[str] = field(default_factory=set)  # e-mails of agents whom nothing staged
    contacts: dict[int, tuple[dict[str, str], frozenset[str]]] = field(default_factory=dict)
    speaking: dict[int, str] = field(default_factory=dict)
    same_contacts: dict[tuple[str, str], int] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)


class Lookup:
    """Looks up what is known, for one run of one source. Guardians are looked for only where some school wants `parents`."""

    def __init__(self, run: Run, source: Source, *, parents: bool) -> None:
        self.run, self.source = run, source
        self._parents = parents

    def on(self, rows: list[Row]) -> Known:
        """All of it that decides on these rows."""
        known = Known()
        people = [row.person for row in rows if row.person is not None]
        students = [row.sourced_id for row in rows if row.person is not None]
        self._agents(known, people, students)
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
        known.decisions = decisions(self.run.connection_id, [person.sourced_id for person in unlinked])
        found = {id_ for ids_ in (*known.numbers.values(), *known.emails.values()) for id_ in ids_}
        found |= {link[0] for row in rows if (link := known.links.get(row.sourced_id)) and link[0]}
        known.people = target.people(found, self.run.connection_id)
        known.records = self._records(found)
        self._contacts(known)
        return known

    def _contacts(self, known: Known) -> None:
        unlinked = [agent for id_, agent in known.agents.items() if not known.links.get(id_, (None, None))[1]]
        emails = {agent.email.lower() for agent in unlinked if agent.email}
        known.same_contacts = target.same_contacts(self.run.district_id, emails)
        ids = {contact for _, contact in known.links.values() if contact} | set(known.same_contacts.values())
        known.contacts = target.contacts(ids)
        known.speaking = target.speaking(self.run.connection_id, ids)

    def _agents(self, known: Known, people: list[SourcePerson], students: list[str]) -> None:
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
        unchanged = known.agents.keys() - self._staged(list(known.agents))
        known.unchanged = {known.agents[id_].email.lower() for id_ in unchanged}
        # Another student who names this one is no guardian, and no fault of this one's record.
        for told, tellers in known.told_by.items():
            known.told_by[told] = [t for t in tellers if t in known.agents and is_guardian(known.agents[t])]

    def _staged(self, ids: list[str]) -> set[str]:
        text = "SELECT sourced_id FROM runs_staged WHERE run_id = %s AND sourced_id = ANY(%s)"
        return {id_ for (id_,) in query(text, [self.run.pk, ids])}

    def _source_people(self, ids: list[str]) -> dict[str, SourcePerson]:
        text = "SELECT sourced_id, facts, absent FROM runs_staged WHERE run_id = %s AND sourced_id = ANY(%s)"
        staged = {id_: (said, absent) for id_, said, absent in query(text, [self.run.pk, ids])}
        found = {
            id_: facts(bytes(said))
            for id_, (said, absent) in staged.items()
            if said is not None and not absent
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
        """The live records of each person, with the places each stands for tonight: one that says too little, for those of before."""
        text = (
            "SELECT record.person_id, record.sourced_id, record.places, staged.id IS NOT NULL, staged.places, staged.facts, "
            "coalesce(staged.absent, false) FROM connections_sourcerecord record LEFT JOIN runs_staged staged "
            "ON staged.run_id = %s AND staged.sourced_id = record.sourced_id "
            "WHERE record.connection_id = %s AND record.person_id = ANY(%s) AND (NOT record.gone OR staged.id IS NOT NULL)"
        )
        found: dict[int, list[tuple[str, frozenset[Place], bool]]] = {}
        rows = query(text, [self.run.pk, self.run.connection_id, list(ids)])
        for person, sourced_id, before, staged, now, said, absent in rows:
            speaks = staged and (absent or _says_enough(said))
            places = now if speaks else [*before, *(now or ())]
            found.setdefault(person, []).append((sourced_id, frozenset(map(place_of, places)), speaks))
        return found


def _says_enough(said: bytes | None) -> bool:
    """Whether a staged record says so much that it stands no more for what it does not say."""
    if said is None:
        return False
    person = facts(bytes(said))
    return person.leaving or (person.has_name and not person.unsaid)
