"""A SIS that changes as SISs do, and owners who do what owners do: each a function of plain numbers, so that chance can draw it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import msgspec

from homeroom.campus.people.models import Contact, ContactLink, Membership, Person
from homeroom.campus.runs import reviews
from homeroom.campus.runs.by_hand import hand, merging
from homeroom.campus.runs.models import Change
from homeroom.campus.schools.models import Grant, School
from homeroom.sync.matching import Verdict
from homeroom.sync.roster import RoleGroup, SourcePerson, SourceRole
from homeroom.web.accounts.models import Account
from tests.campus.runs.laws import look, merged_as_one, parted_as_two
from tests.campus.world import World
from tests.invented import LINCOLN, OAKWOOD

ORGS = (LINCOLN, OAKWOOD, "org-elsewhere")
WORDS = ("student", "teacher", "aide", "principal", "janitor", "parent")
GROUPS = list(RoleGroup)
SETTINGS = [
    *(f"{group}{switch}={on}" for group in GROUPS for switch in ("", ".auto_update", ".archive") for on in ("on", "off")),
    *("parents=on", "parents=off", "hold.count=0", "hold.count=1", "hold.count=25"),
]  # fmt: skip


class Sis:
    """What the SIS has. Every change takes two numbers, which it reads as it likes."""

    def __init__(self, name: str) -> None:
        self.people: dict[str, SourcePerson] = {}
        self._left: dict[str, SourcePerson] = {}
        self._name, self._serial = name, count(1)

    def _new(self) -> str:
        return f"p{next(self._serial):02d}"

    def _one(self, number: int) -> SourcePerson:
        return list(self.people.values())[number % len(self.people)] if self.people else self._arrive(0, 0)

    def _put(self, person: SourcePerson) -> SourcePerson:
        self.people[person.sourced_id] = person
        return person

    def _arrive(self, org: int, word: int) -> SourcePerson:
        id_, role = self._new(), SourceRole(WORDS[word % len(WORDS)], ORGS[org % len(ORGS)])
        number = f"n{id_}" if word % 4 == 0 else ""
        said = {
            "given_name": "Ana",
            "family_name": f"Lopez {id_}",
            "email": f"{id_}@{self._name}.example",
            "number": number,
        }
        return self._put(
            SourcePerson(id_, **said, grade="09" if role.word == "student" else "", roles=(role,))
        )

    def arrive(self, org: int, word: int) -> None:
        self._arrive(org, word)

    def students_arrive(self, org: int, many: int) -> None:
        for _ in range(1 + many % 4):
            self._arrive(org % 2, 0)

    def guardian_arrives(self, which: int, other: int) -> None:
        children = {self._one(which).sourced_id, self._one(other).sourced_id}
        guardian = self._put(replace(self._arrive(0, 5), phone="555-01"))
        for child in children:
            self._put(replace(self.people[child], agents=(*self.people[child].agents, guardian.sourced_id)))

    def guardians_turn_round(self, which: int, _: int) -> None:
        one = self._one(which)
        self._put(replace(one, agents=tuple(reversed(one.agents))))

    def leave(self, which: int, _: int) -> None:
        gone = self._one(which)
        self._left[gone.sourced_id] = self.people.pop(gone.sourced_id)

    def come_back(self, _: int, __: int) -> None:
        if self._left:
            self._put(self._left.popitem()[1])

    def be_marked(self, which: int, leaving: int) -> None:
        self._put(replace(self._one(which), leaving=leaving % 3 > 0))

    def move(self, which: int, org: int) -> None:
        one = self._one(which)
        self._put(replace(one, roles=tuple(replace(role, org=ORGS[org % 3]) for role in one.roles[:1])))

    def get_a_role(self, which: int, what: int) -> None:
        one = self._one(which)
        role = SourceRole(WORDS[what % len(WORDS)], ORGS[what % 2], primary=False)
        self._put(replace(one, roles=(*one.roles[:2], role)))

    def change_role(self, which: int, what: int) -> None:
        one = self._one(which)
        self._put(
            replace(one, roles=tuple(replace(role, word=WORDS[what % len(WORDS)]) for role in one.roles[:1]))
        )

    def change_id(self, which: int, _: int) -> None:
        one = self._one(which)
        del self.people[one.sourced_id]
        self._put(replace(one, sourced_id=self._new()))

    def deal_out_new_ids(self, which: int, _: int) -> None:
        """A re-key: of everybody, or of everybody but a few."""
        new = {id_: self._new() for id_ in list(self.people)[which % 3 :]}
        told = [
            replace(
                one,
                sourced_id=new.get(one.sourced_id, one.sourced_id),
                agents=tuple(new.get(agent, agent) for agent in one.agents),
            )
            for one in self.people.values()
        ]
        self.people = {one.sourced_id: one for one in told}

    def change_details(self, which: int, what: int) -> None:
        name, grade = ("Ana", "Noor", "Zoé", "")[what % 4], ("09", "10", "")[what % 3]
        self._put(replace(self._one(which), given_name=name, grade=grade, phone=f"555-{what}"))

    def take_anothers(self, which: int, other: int) -> None:
        name = ("email", "number")[other % 2]
        self._put(replace(self._one(which), **{name: getattr(self._one(other), name)}))

    def be_emptied(self, which: int, what: int) -> None:
        self._put(replace(self._one(which), **{("email", "number", "family_name")[what % 3]: ""}))

    def fall_silent(self, which: int, what: int) -> None:
        """Its record says no more which role it has at which school, or says it again."""
        one = self._one(which)
        roles = one.roles[: what % 2] or (SourceRole(WORDS[what % 2], ORGS[what % 3]),)
        self._put(
            replace(one, unsaid=not one.unsaid, roles=() if not one.unsaid and what % 4 == 0 else roles)
        )

    def get_a_second_record(self, which: int, org: int) -> None:
        one = self._one(which)
        roles = tuple(replace(role, org=ORGS[org % 2]) for role in one.roles[:1])
        self._put(replace(one, sourced_id=self._new(), roles=roles))


SIS_CHANGES: list[Callable[[Sis, int, int], None]] = [
    getattr(Sis, name) for name in vars(Sis) if not name.startswith("_")
]


class Owners:
    """What people do in the app. Remembers whom they added by hand, of whom no sync has a history."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.account = Account.objects.create_user(f"owner-{world.district.pk}@lincoln.example")
        self.born = look(world)

    def moment(self) -> datetime:
        """A minute later."""
        self.world.now += timedelta(minutes=1)
        return self.world.now

    def person(self, number: int) -> Person | None:
        """Somebody of the district."""
        found = list(Person.objects.filter(district=self.world.district).order_by("id"))
        return found[number % len(found)] if found else None

    def _school(self, number: int) -> School:
        return self.world.lincoln if number % 2 else self.world.oakwood

    def set(self, what: int, where: int) -> None:
        self.world.configure(SETTINGS[what % len(SETTINGS)], school=self._school(where))

    def edit(self, which: int, what: int) -> None:
        name, value = ("email", "given_name", "number")[what % 3], ("Nora", "x1", "")[what // 3 % 3]
        self._touch(which, lambda person: hand.edit(person, {name: value}, self.account, self.moment()))

    def release(self, which: int, _: int) -> None:
        self._touch(which, lambda person: hand.release(person, self.account, self.moment()))

    def exclude(self, which: int, what: int) -> None:
        out = what % 3 > 0
        self._touch(which, lambda person: hand.exclude(person, self.account, self.moment(), excluded=out))

    def archive(self, which: int, where: int) -> None:
        school = self._school(where)
        self._touch(which, lambda person: hand.archive(person, school, self.account, self.moment()))

    def restore(self, which: int, where: int) -> None:
        school = self._school(where)
        self._touch(which, lambda person: hand.restore(person, school, self.account, self.moment()))

    def edit_contact(self, which: int, what: int) -> None:
        name, value = ("phone", "given_name", "email")[what % 3], ("555-02", "Rosa", "")[what // 3 % 3]
        if contact := self._contact(which):
            hand.edit_contact(contact, {name: value}, self.account, self.moment())

    def release_contact(self, which: int, _: int) -> None:
        if contact := self._contact(which):
            hand.release_contact(contact, self.account, self.moment())

    def choose_primary(self, which: int, _: int) -> None:
        links = list(ContactLink.objects.filter(district=self.world.district, ended_at=None).order_by("id"))
        if links:
            hand.make_primary(links[which % len(links)], self.account, self.moment())

    def _contact(self, which: int) -> Contact | None:
        found = list(Contact.objects.filter(district=self.world.district).order_by("id"))
        return found[which % len(found)] if found else None

    def _touch(self, which: int, act: Callable[[Person], None]) -> None:
        person = self.person(which)
        if person is not None:
            with suppress(hand.TooLate):
                act(person)

    def merge(self, which: int, other: int) -> None:
        """Two people are found to be one."""
        keep, gone = self.person(which), self.person(other)
        if keep is None or gone is None:
            return
        before = look(self.world)
        with suppress(merging.CannotMerge):
            merging.merge(keep, gone, self.account, self.moment())
            merged_as_one(before, look(self.world), keep.pk, gone.pk)

    def split(self, which: int, what: int) -> None:
        """One who has several records is found to be two."""
        several = Person.objects.filter(district=self.world.district, source_records__isnull=False).distinct()
        found = [one for one in several.order_by("id") if one.source_records.count() > 1]
        if not found:
            return
        person = found[which % len(found)]
        records = list(person.source_records.order_by("sourced_id"))
        chosen = records[: 1 + what % (len(records) - 1)]
        if what % 2:
            chosen = records[-len(chosen) :]
        before = look(self.world)
        said = msgspec.json.decode(bytes(chosen[0].raw), type=SourcePerson) if chosen[0].raw else None
        with suppress(merging.CannotMerge):
            merging.split(person, [one.pk for one in chosen], said, self.account, self.moment())
            parted_as_two(before, look(self.world), person.pk, [one.sourced_id for one in chosen])

    def take_back(self, which: int, _: int) -> None:
        """A merge or a split is taken back, whatever came since."""
        done = Change.objects.filter(
            district=self.world.district, run=None, state="applied", fields__has_key="moved"
        )
        rows = list(done.order_by("id"))
        if rows:
            with suppress(merging.CannotMerge):
                merging.undo(rows[which % len(rows)], self.account, self.moment())

    def add(self, which: int, group: int) -> None:
        """Somebody added by hand, who may have the number and the e-mail of somebody else."""
        like, mine = self.person(which), self.world.district
        said = {"email": like.email, "number": like.number} if like else {}
        person = Person.objects.create(district=mine, given_name="Lee", **said)
        Membership.objects.create(
            district=mine,
            person=person,
            school=self._school(which),
            group=GROUPS[group % 4],
            started_at=self.moment(),
        )
        now = look(self.world)
        places = {key: place for key, place in now.places.items() if key[0] == person.pk}
        self.born = replace(
            self.born,
            people={**self.born.people, person.pk: now.people[person.pk]},
            places={**self.born.places, **places},
        )

    def review(self, which: int, what: int) -> None:
        """Says whom a contested record means."""
        asked = list(self.world.connection.reviews.exclude(state="moot").order_by("id"))
        if asked:
            one = asked[which % len(asked)]
            verdict = list(Verdict)[what % 3]
            person = one.rivals[which % len(one.rivals)]["person"] if verdict is Verdict.SAME else None
            reviews.decide(one, verdict, self.account, self.moment(), person)

    def appoint(self, which: int, _: int) -> None:
        person = self.person(which)
        if person is not None and "@" in person.email:
            account, _ = Account.objects.get_or_create(email=person.email.lower())
            Grant.objects.get_or_create(
                account=account, district=self.world.district, school=self.world.lincoln, role="owner"
            )


OWNERS_ACTS: list[Callable[[Owners, int, int], None]] = [
    getattr(Owners, name)
    for name in (
        *("set", "edit", "release", "exclude", "archive", "restore", "add", "review", "appoint"),
        *("merge", "split", "take_back", "edit_contact", "release_contact", "choose_primary"),
    )
]
