"""What must be true of a directory after whatever happened to it, however it came about. Each law is one function."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.connections.policy import policy_of, rules_of
from homeroom.campus.people.models import Contact, ContactLink, Membership, Person
from homeroom.campus.runs.models import Change, MatchReview, Run
from homeroom.sync.narrow import by_org, narrow
from homeroom.sync.roster import CONTACT_FIELDS, PERSON_FIELDS, Entry, RoleGroup, SourcePerson
from homeroom.sync.rules import Policy
from tests.campus.world import World

Key = tuple[int, int, str]  # person, school, group
NOBODY = (None, None)


@dataclass(frozen=True)
class Place:
    """A membership as it stands."""

    grade: str
    active: bool
    managed_by: int | None
    ended_by_hand: bool


@dataclass(frozen=True)
class Directory:
    """All that is true of a district's people at one moment."""

    people: Mapping[int, Mapping[str, str]]
    kept: Mapping[int, frozenset[str]]
    excluded: frozenset[int]
    merged: frozenset[int]
    protected: frozenset[int]
    places: Mapping[Key, Place]
    contacts: Mapping[int, Mapping[str, str]]
    kept_of_contacts: Mapping[int, frozenset[str]]
    links: Mapping[tuple[int, int], tuple[bool, int | None]]  # person, contact: primary, managed_by
    records: Mapping[str, tuple[int | None, int | None]]  # sourcedId: person, contact

    def managed(self) -> set[Key]:
        """The active memberships that a connection looks after."""
        return {key for key, place in self.places.items() if place.active and place.managed_by is not None}


def look(world: World) -> Directory:
    """The directory now."""
    mine: dict[str, Any] = {"district": world.district}
    people = {p.pk: p for p in Person.objects.filter(**mine)}
    return Directory(
        people={id_: {name: getattr(p, name) for name in PERSON_FIELDS} for id_, p in people.items()},
        kept={id_: frozenset(p.kept_fields) for id_, p in people.items()},
        excluded=frozenset(id_ for id_, p in people.items() if p.excluded),
        merged=frozenset(id_ for id_, p in people.items() if p.merged_into_id),
        protected=frozenset(_protected(world)),
        places={
            (m.person_id, m.school_id, m.group): Place(
                m.grade, m.ended_at is None, m.managed_by, m.ended_by_hand
            )
            for m in Membership.objects.filter(**mine)
        },
        contacts={
            c.pk: {name: getattr(c, name) for name in CONTACT_FIELDS} for c in Contact.objects.filter(**mine)
        },
        kept_of_contacts={c.pk: frozenset(c.kept_fields) for c in Contact.objects.filter(**mine)},
        links={
            (link.person_id, link.contact_id): (link.primary, link.managed_by)
            for link in ContactLink.objects.filter(**mine, ended_at=None)
        },
        records={r.sourced_id: (r.person_id, r.contact_id) for r in world.connection.records.all()},
    )


def _protected(world: World) -> set[int]:
    owners = set(world.district.grants.exclude(role="manager").values_list("account__email", flat=True))
    return {p.pk for p in Person.objects.filter(district=world.district) if p.email.lower() in owners}


def marks(world: World) -> set[tuple[str, int, str]]:
    """The version that PostgreSQL gives each row of the directory: another one whenever the row is written."""
    found = set()
    of = {"people_person": "district_id", "people_membership": "district_id", "people_contact": "district_id",
          "people_contactlink": "district_id", "connections_sourcerecord": "connection_id"}  # fmt: skip
    with connection.cursor() as cursor:
        for table, column in of.items():
            owner = world.connection.pk if column == "connection_id" else world.district.pk
            cursor.execute(f"SELECT id, xmin::text FROM {table} WHERE {column} = %s", [owner])
            found |= {(table, id_, version) for id_, version in cursor.fetchall()}
    return found


# --- what a night may do ---------------------------------------------------------------------------------------------


def check_night(
    before: Directory, after: Directory, run: Run, policies: Mapping[int, Policy], mine: int
) -> None:
    """Everything that a sync must never do, whatever the SIS said."""
    nobody_is_lost(before, after)
    links_stay(before, after)
    hands_off(before, after)
    nobody_merged_comes_back(after)
    switches_hold(before, after, policies)
    gone = {key for key in before.managed() if not after.places[key].active}
    assert run.complete or not gone, "absence without proof archived somebody"
    for person, school, group in gone:
        assert policies[school].of(RoleGroup(group)).archive, "Archive is off"
        assert person not in before.protected, "an Owner or District Manager was archived"
        assert before.places[person, school, group].managed_by == mine


def nobody_is_lost(before: Directory, after: Directory) -> None:
    assert before.people.keys() <= after.people.keys()
    assert before.places.keys() <= after.places.keys()
    assert before.contacts.keys() <= after.contacts.keys()
    assert before.records.keys() <= after.records.keys()


def nobody_merged_comes_back(after: Directory) -> None:
    """Whoever was merged is at no place, has no contact, and no record means them."""
    assert not {key for key in _active(after) if key[0] in after.merged}
    assert not {key for key in after.links if key[0] in after.merged}
    assert not {id_ for id_, (person, _) in after.records.items() if person in after.merged}


def links_stay(before: Directory, after: Directory, relinked: Collection[str] = ()) -> None:
    """A record, once it means somebody, means them ever after, but for those that a re-key was said to have `relinked`."""
    for id_, (person, contact) in before.records.items():
        if id_ not in relinked:
            assert person is None or after.records[id_][0] == person
            assert contact is None or after.records[id_][1] == contact


def relinked(run: Run) -> dict[str, str]:
    """The new id of each record that a run relinked, by the old one. Whoever was merged may be there by a record more than
    before, which takes the place of none."""
    rows = Change.objects.filter(run=run, action="relink", state__in=("applied", "undone"))
    ids = [row.fields["sourced_id"] for row in rows]
    return {old: new for old, new in ids if old}


def relinked_ever(world: World) -> set[str]:
    """Every id that a re-key took from somebody or gave them."""
    rows = Change.objects.filter(district=world.district, action="relink", state__in=("applied", "undone"))
    return {id_ for row in rows for id_ in row.fields["sourced_id"]}


def relinks_keep_everybody(before: Directory, after: Directory, run: Run) -> None:
    """Whoever has a new id is whom the old one meant, stands where they stood, and nobody came or went by it. Of a record that
    is a person's and a contact's the contact may be sure where the person is not: then that alone has the new id."""
    rows = Change.objects.filter(run=run, action="relink", state__in=("applied", "undone"))
    for subject, (old, new) in rows.values_list("subject", "fields__sourced_id"):
        both = slice(0, 2) if subject == "person" else slice(1, 2)
        assert not old or after.records[new][both] == before.records[old][both], (
            f"{old} is not whom {new} means: {_record_of(old)} {_record_of(new)}"
        )
        assert not old or not any(after.records[old][both]), f"{old} means somebody still"
    assert after.people == before.people
    assert after.contacts == before.contacts
    assert after.places == before.places
    assert after.links == before.links


def hands_off(before: Directory, after: Directory) -> None:
    """Excluded people are not touched, fields kept by hand stay, memberships made by hand never end."""
    for person in before.excluded:
        assert after.people[person] == before.people[person], "excluded"
        assert _places_of(after, person) == _places_of(before, person), "excluded"
        assert _links_of(after, person) == _links_of(before, person), "excluded"
    for person, names in before.kept.items():
        assert names <= after.kept[person]
        fields = names & after.people[person].keys()
        assert all(after.people[person][name] == before.people[person][name] for name in fields), "kept"
        if "guardians" in names:
            assert _links_of(after, person) == _links_of(before, person), "a primary contact chosen by hand"
    for contact, names in before.kept_of_contacts.items():
        assert names <= after.kept_of_contacts[contact]
        assert all(after.contacts[contact][name] == before.contacts[contact][name] for name in names), "kept"
    for key, place in before.places.items():
        if place.managed_by is None and place.active:
            assert after.places[key].active, "made by hand"
        if place.ended_by_hand and not place.active:
            assert not after.places[key].active, "archived by hand"


def _places_of(directory: Directory, person: int) -> dict[Key, Place]:
    return {key: place for key, place in directory.places.items() if key[0] == person}


def _links_of(directory: Directory, person: int) -> dict[tuple[int, int], Any]:
    return {key: link for key, link in directory.links.items() if key[0] == person}


def switches_hold(before: Directory, after: Directory, policies: Mapping[int, Policy]) -> None:
    """A place that is not rostered stays as it was; without Auto update nobody who was there is changed."""
    updatable: dict[int, bool] = defaultdict(bool)
    for (person, school, group), place in after.places.items():
        policy = policies[school].of(RoleGroup(group))
        held = before.places.get((person, school, group))
        if not policy.roster:
            assert held == place, "not rostered"
        updatable[person] |= policy.roster and policy.auto_update
        if held is not None and held.active and not policy.auto_update:
            assert held.grade == place.grade, "Auto update is off"
    for person, fields in before.people.items():
        assert updatable[person] or after.people[person] == fields, "Auto update is off"
        if not updatable[person] and any(link for link in _links_of(before, person)):
            assert _links_of(after, person) == _links_of(before, person), "Auto update is off"


# --- what a night must reach ---------------------------------------------------------------------------------------


def policies(world: World) -> dict[int, Policy]:
    """The policy of each school."""
    return {school.pk: policy_of(world.link(school)) for school in (world.lincoln, world.oakwood)}


def roster_is_reached(world: World, told: Iterable[SourcePerson], after: Directory, run: Run) -> None:
    """Everybody whom the rules let through is there; whom nobody vouches for is not, or waits, or has a reason to stay."""
    today = world.now.date()
    rules = by_org(rules_of(world.connection, today))
    vouched: set[Key] = set()
    nameless = run.problems.filter(code="missing_name").values_list("sourced_id", flat=True)
    asked = world.connection.reviews.filter(state__in=("open", "ignore")).values_list("sourced_id", flat=True)
    waits = Change.objects.filter(run=run, state="held").values_list("sourced_id", flat=True)
    unsure = {*nameless, *asked, *waits}
    if run.rekeys.exists():  # somebody must say first who those under new ids are
        unsure |= {
            record.sourced_id for record in told if after.records.get(record.sourced_id, NOBODY) == NOBODY
        }
    silent = set()  # of whom too little is said to show that they left
    for record in told:
        verdict = narrow(record, rules, today)
        entry = verdict.entry
        silent |= {after.records.get(record.sourced_id, NOBODY)[0]} if verdict.silent else set()
        if entry is not None:
            vouched |= _stands_for(entry, after, sure=record.sourced_id not in unsure)
    held = set(Change.objects.filter(run=run, state="held").values_list("subject_id", "school", "group"))
    linked = {person for person, _ in after.records.values() if person}
    chosen = policies(world)
    for key in after.managed() - vouched - held if run.complete else ():
        policy = chosen[key[1]].of(RoleGroup(key[2]))
        stays = not (policy.roster and policy.archive) or key[0] in after.excluded | after.protected | silent
        assert stays or key[0] not in linked, f"{key} was left lying: {_life(key[0])}"


def _life(person: int) -> list[Any]:
    """All that is known of somebody, for a message."""
    rows = Change.objects.filter(subject="person", subject_id=person).order_by("id")
    records = SourceRecord.objects.filter(person=person)
    return [
        *Membership.objects.filter(person=person).values(),
        *records.values("sourced_id", "gone", "places", "decided_under", "verdict"),
        *rows.values_list("run", "id", "action", "school", "group", "sourced_id", "fields", "state", "reason", "decided_at"),
    ]  # fmt: skip


def _record_of(id_: str) -> list[Any]:
    """All that is known of a record, for a message."""
    return [
        *SourceRecord.objects.filter(sourced_id=id_).values("person", "gone", "places", "decided_under", "verdict"),
        *MatchReview.objects.filter(sourced_id=id_).values("state", "why", "rivals", "run"),
        *Change.objects.filter(sourced_id=id_).values_list("run", "id", "action", "subject", "subject_id", "state", "reason"),
        *Run.objects.order_by("-id").values_list("pk", "kind", "state", "complete", "incomplete_because", "message")[:4],
    ]  # fmt: skip


def _stands_for(entry: Entry, after: Directory, *, sure: bool) -> set[Key]:
    person = after.records.get(entry.sourced_id, (None, None))[0]
    assert person is not None or not sure, f"{entry.sourced_id} means nobody: {_record_of(entry.sourced_id)}"
    found = {(person or 0, place.school, place.group.value) for place in entry.places}
    for key in found if sure else ():
        place = after.places.get(key)
        there = place is not None and (place.active or place.ended_by_hand)
        assert there or person in after.excluded, f"{key} is not there"
    return found


# --- merging and splitting --------------------------------------------------------------------------------------------


def merged_as_one(before: Directory, after: Directory, keep: int, gone: int) -> None:
    """Everything of both is the one's who is kept, once; of everybody else nothing moved."""
    both = (keep, gone)
    assert after.people.keys() == before.people.keys()
    assert {key[1:] for key in _active(after) if key[0] in both} == {
        key[1:] for key in _active(before) if key[0] in both
    }, "a place was lost"
    assert not {key for key in _active(after) if key[0] == gone}, "at a place still"
    assert {c for p, c in after.links if p in both} == {c for p, c in before.links if p in both}, (
        "a contact was lost"
    )
    assert not {c for p, c in after.links if p == gone}
    assert sum(primary for (p, _), (primary, _) in after.links.items() if p == keep) <= 1
    for id_, (person, contact) in before.records.items():
        assert after.records[id_] == (keep if person == gone else person, contact)
    for name, said in after.people[keep].items():
        assert said == before.people[keep][name] or (
            not before.people[keep][name] and said == before.people[gone][name]
        )
    assert after.kept[keep] >= before.kept[keep]
    assert {keep, gone} & before.excluded <= {keep, gone} & after.excluded
    if gone in before.excluded:
        assert keep in after.excluded, "excluded, and no longer"
    _others_are_left_alone(before, after, {keep, gone})


def parted_as_two(before: Directory, after: Directory, held: int, chosen: Collection[str]) -> None:
    """The chosen records are somebody new's; neither of the two loses a place for which their records stand."""
    (new,) = after.people.keys() - before.people.keys()
    for id_, (person, contact) in before.records.items():
        assert after.records[id_] == (new if id_ in chosen else person, contact)
    had = {key[1:] for key in _active(before) if key[0] == held}
    assert {key[1:] for key in _active(after) if key[0] in (held, new)} == had
    assert {c for p, c in after.links if p in (held, new)} == {c for p, c in before.links if p == held}
    assert (new in after.excluded) == (held in before.excluded)
    assert after.people[held] == before.people[held]
    _others_are_left_alone(before, after, {held, new})


def taken_back(before: Directory, after: Directory) -> None:
    """All of those who were there are as they were. Somebody whom a split made stays, and is nobody anywhere."""
    made = after.people.keys() - before.people.keys()
    assert {id_: fields for id_, fields in after.people.items() if id_ not in made} == before.people
    assert {id_: names for id_, names in after.kept.items() if id_ not in made} == before.kept
    assert after.excluded - made == before.excluded
    assert {key: place for key, place in after.places.items() if key[0] not in made} == before.places
    assert not {key for key in _active(after) if key[0] in made}
    assert (after.contacts, after.links, after.records) == (before.contacts, before.links, before.records)


def _active(directory: Directory) -> set[Key]:
    return {key for key, place in directory.places.items() if place.active}


def _others_are_left_alone(before: Directory, after: Directory, whom: Collection[int]) -> None:
    def others(some: Directory) -> tuple[Any, ...]:
        return (
            {id_: fields for id_, fields in some.people.items() if id_ not in whom},
            {key: place for key, place in some.places.items() if key[0] not in whom},
            {key: link for key, link in some.links.items() if key[0] not in whom},
            some.contacts,
        )

    assert others(after) == others(before)


# --- history ----------------------------------------------------------------------------------------------------------


def check_history(world: World, born: Directory) -> None:
    """Each change of a person or contact has its row, whose before is the after of the row before it. `born` is who was there
    when history began."""
    lines: dict[tuple[str, int], list[Change]] = defaultdict(list)
    rows = Change.objects.filter(district=world.district, state__in=("applied", "undone"))
    for row in rows.order_by("decided_at", "id"):
        lines[row.subject, row.subject_id].append(row)
    now = look(world)
    means = _contacts_meant(now, lines)
    for person, fields in now.people.items():
        told = _told(lines["person", person], born.people.get(person, {}), PERSON_FIELDS)
        assert told == dict(fields), f"person {person}"
        _check_places(person, lines["person", person], born, now)
        _check_contacts(person, lines["person", person], now, means)
    for contact, fields in now.contacts.items():
        assert _told(lines["contact", contact], {}, CONTACT_FIELDS) == dict(fields), f"contact {contact}"


def _acts(row: Change) -> bool:
    return row.action != "skip"


def _told(rows: Iterable[Change], start: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    said = {name: start.get(name, "") for name in names}
    for row in filter(_acts, rows):
        for name in said.keys() & row.fields.keys():
            old, new = row.fields[name]
            assert said[name] == (old or ""), f"change {row.pk}: {name} did not begin with {old!r}"
            said[name] = new or ""
    return said


def _check_places(person: int, rows: Iterable[Change], born: Directory, now: Directory) -> None:
    said = {key: place for key, place in born.places.items() if key[0] == person}
    for row in rows:
        if row.school_id is None or not _acts(row):
            continue
        key = (person, row.school_id, row.group)
        held = said.get(key, Place("", active=False, managed_by=None, ended_by_hand=False))
        if row.action in ("add", "restore"):
            assert not held.active, f"change {row.pk}: there already"
            held = replace(held, active=True)
        elif row.action == "archive":
            assert held.active, f"change {row.pk}: not there"
            held = replace(held, active=False)
        if "grade" in row.fields:
            old, new = row.fields["grade"]
            assert held.grade == (old or ""), f"change {row.pk}: grade did not begin with {old!r}"
            held = replace(held, grade=new or "")
        said[key] = held
    assert _standing(said) == _standing(_places_of(now, person)), (
        f"places of person {person}: {_life(person)}"
    )


def _standing(places: Mapping[Key, Place]) -> dict[Key, tuple[str, bool]]:
    """Grade and state; a place that somebody neither has nor was ever told of counts for nothing."""
    stands = {key: (place.grade, place.active) for key, place in places.items()}
    return {key: said for key, said in stands.items() if said != ("", False)}


def _check_contacts(person: int, rows: Iterable[Change], now: Directory, means: Mapping[str, int]) -> None:
    said: set[tuple[int, bool]] = set()
    for row in filter(_acts, rows):
        if "guardians" in row.fields:
            old, new = (
                {(means[g["sourced_id"]], g["primary"]) for g in side or ()}
                for side in row.fields["guardians"]
            )
            assert said == old, f"change {row.pk}: guardians did not begin with {old}"
            said = new
    links = {(contact, primary) for (p, contact), (primary, by) in now.links.items() if p == person and by}
    assert said == links, f"contacts of person {person}"


def _contacts_meant(now: Directory, lines: Mapping[tuple[str, int], list[Change]]) -> dict[str, int]:
    """Whom each id means, or meant before a re-key, among the contacts."""
    moved = [
        row
        for (subject, _), rows in lines.items()
        if subject == "contact"
        for row in rows
        if row.action == "relink"
    ]
    before = {id_: row.subject_id for row in moved for id_ in row.fields["sourced_id"]}
    return before | {id_: contact for id_, (_, contact) in now.records.items() if contact is not None}
