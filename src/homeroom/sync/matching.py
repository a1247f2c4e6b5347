"""Matching: whom of the directory a record means. Never by name.

By link first; else by the rules that the owner keeps, in their order: number (a student's against students, a staff member's
against adults) and an e-mail that only one has. A sign is contradicted only by one that stands above it. Anything that fits
nobody is somebody new; whatever fits several, or fits by one sign and not by a better one, is for a person to decide, and
what was decided holds until the facts are others.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from homeroom.problems import Problem
from homeroom.sync.roster import Entry, Person, Place, RoleGroup


class Rule(StrEnum):
    """A sign by which a person may be recognised."""

    NUMBER = "number"
    EMAIL = "email"


NOWHERE = frozenset[Place]()
RULES = (Rule.NUMBER, Rule.EMAIL)
_WORDS = {Rule.NUMBER: "number", Rule.EMAIL: "e-mail"}


class Verdict(StrEnum):
    """What a person decided about a contested record."""

    SAME = "same"
    DIFFERENT = "different"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, about which facts, and who it was. `chosen` is the key of the rival meant by `SAME`.

    `never` are people of whom it was said, when many ids were new at once, that this record is not them, whatever the facts.
    """

    verdict: Verdict
    facts: bytes
    chosen: str = ""
    by: str = ""
    never: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who in the directory could be meant: linked to the record, of the same number, of the same e-mail.

    `email_shared` = the e-mail stands on several records of this reading. `live` = for each candidate whom other live records
    of this connection mean already, the lowest sourcedId of these and the places they stand for. `merged` = those whose sign it
    is only because somebody who had it was merged into them.
    """

    linked: Person | None = None
    by_number: Sequence[Person] = ()
    by_email: Sequence[Person] = ()
    email_shared: bool = False
    live: Mapping[int, tuple[str, frozenset[Place]]] = field(default_factory=dict)
    merged: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Rival:
    """Somebody whom a contested record might mean, by which signs. `record` = the lowest record that means them already."""

    person: Person
    signs: tuple[Rule, ...]
    record: str = ""

    @property
    def key(self) -> str:
        """The same night after night: by record where there is one, since somebody only planned has no lasting id."""
        return f"record {self.record}" if self.record else f"person {self.person.id}"


@dataclass(frozen=True, slots=True)
class Match:
    """The person meant, or None for somebody new; `how` in words; a problem when nobody may be chosen.

    A contested match names its `rivals`, says `why` and carries the fingerprint of the facts it stands on. `ignored` = a
    person said to leave the record out.
    """

    person: Person | None
    how: str
    problem: Problem | None = None
    rivals: tuple[Rival, ...] = ()
    why: str = ""
    facts: bytes = b""
    ignored: bool = False


def is_student(places: object) -> bool:
    """Whether places (of an entry or a person) hold a student's."""
    return any(place.group is RoleGroup.STUDENTS for place in places)  # type: ignore[attr-defined]


def match(
    entry: Entry,
    known: Candidates,
    rules: Sequence[Rule] = RULES,
    decision: Decision | None = None,
) -> Match:
    """The match of one record: as the rules say or, where these leave it open, as a person decided about the same facts."""
    if known.linked is not None:
        return Match(known.linked, "linked by sourcedId")
    never = decision.never if decision else frozenset[int]()
    rivals = tuple(rival for rival in _rivals(entry, known, rules) if rival.person.id not in never)
    why = _contest(entry, known, rules, rivals)
    if why:
        contested = _contested(entry, rivals, why)
        return _decided(contested, decision) if decision else contested
    if not rivals:
        return Match(None, "new")
    kind = "student" if is_student(entry.places) else "staff"
    by_number = _best(rivals[0], rules) is Rule.NUMBER
    return Match(rivals[0].person, f"matched by {kind} number" if by_number else "matched by e-mail")


def _decided(contested: Match, decision: Decision) -> Match:
    """What a person decided, if it was about these facts."""
    if decision.facts != contested.facts:
        return contested
    by = f", decided by {decision.by}" if decision.by else ", decided by hand"
    if decision.verdict is Verdict.DIFFERENT:
        return Match(None, f"new: somebody else{by}")
    if decision.verdict is Verdict.IGNORE:
        return Match(None, f"left out{by}", ignored=True)
    chosen = next((rival.person for rival in contested.rivals if rival.key == decision.chosen), None)
    return Match(chosen, f"the same person{by}") if chosen is not None else contested


def _best(rival: Rival, rules: Sequence[Rule]) -> Rule:
    return next(rule for rule in rules if rule in rival.signs)


def _rivals(entry: Entry, known: Candidates, rules: Sequence[Rule]) -> tuple[Rival, ...]:
    """Everybody whom a sign in use points at, in order of id."""
    student = is_student(entry.places)
    signs: dict[int, tuple[Person, list[Rule]]] = {}
    if Rule.NUMBER in rules:
        for person in known.by_number:
            if _same_kind(person, student=student):
                signs.setdefault(person.id, (person, []))[1].append(Rule.NUMBER)
    if Rule.EMAIL in rules:
        for person in known.by_email:
            if not _evidently_another(entry, person, known):
                signs.setdefault(person.id, (person, []))[1].append(Rule.EMAIL)
    return tuple(
        Rival(person, tuple(found), known.live.get(id_, ("",))[0])
        for id_, (person, found) in sorted(signs.items())
    )


def _evidently_another(entry: Entry, person: Person, known: Candidates) -> bool:
    """Whether an e-mail is plainly shared: somebody with a live record of their own in the very same place, or with
    another number of the same kind, is not this record's person, as with siblings who have a parent's address."""
    if person.id not in known.live:
        return False
    if known.live[person.id][1] & entry.places.keys():
        return person.id not in known.merged
    return _same_kind(person, student=is_student(entry.places)) and _differ(entry, person, Rule.NUMBER)


def _contest(entry: Entry, known: Candidates, rules: Sequence[Rule], rivals: tuple[Rival, ...]) -> str:
    """Why nobody may be chosen, in words; "" when the signs agree."""
    if len(rivals) > 1:
        signs = {sign for rival in rivals for sign in rival.signs}
        said = " or ".join(_WORDS[rule] for rule in RULES if rule in signs)
        return f"{len(rivals)} people share its {said}"
    if not rivals:
        return ""
    (rival,) = rivals
    if (
        rival.person.id in known.merged
        and known.live.get(rival.person.id, ("", NOWHERE))[1] & entry.places.keys()
    ):
        return "it has the signs of somebody who was merged with a person whom another record means in the same place"
    best = _best(rival, rules)
    for rule in rules[: list(rules).index(best)]:
        if _differ(entry, rival.person, rule):
            return f"its {_WORDS[best]} is that of a person with another {_WORDS[rule]}"
    if rival.signs == (Rule.EMAIL,):
        return _email_alone(entry, known, rival)
    return "its number is that of a person with quite another name" if _renamed(entry, rival.person) else ""


def _email_alone(entry: Entry, known: Candidates, rival: Rival) -> str:
    """An e-mail with nothing beside it recognises somebody only where it is theirs alone."""
    if rival.person.id in known.live:
        return "its e-mail is that of a person whom another record means already"
    if known.email_shared:
        return "its e-mail stands on several records, and on a person of the directory"
    if not _same_kind(rival.person, student=is_student(entry.places)):
        return "its e-mail is that of a person who is " + (
            "a student, and it is not a student's record"
            if is_student(rival.person.places)
            else "not a student, and it is a student's record"
        )
    return ""


def _same_kind(person: Person, *, student: bool) -> bool:
    # Student and staff numbers may be dealt out apart, so that one number means two people.
    return not person.places or is_student(person.places) is student


def _renamed(entry: Entry, person: Person) -> bool:
    """Whether neither name nor e-mail bears a number out, as when numbers are dealt out anew. A name recognises nobody; here it
    only makes a question of what a number alone would have decided."""
    if entry.fields.get("email", "").lower() == person.fields.get("email", "").lower() != "":
        return False
    return all(_said_otherwise(entry, person, name) for name in ("given_name", "family_name"))


def _differ(entry: Entry, person: Person, rule: Rule) -> bool:
    """Whether both say something of a sign, and not the same."""
    return _said_otherwise(entry, person, rule.value)


def _said_otherwise(entry: Entry, person: Person, name: str) -> bool:
    ours, theirs = entry.fields.get(name, ""), person.fields.get(name, "")
    return bool(ours and theirs and ours.lower() != theirs.lower())


def _contested(entry: Entry, rivals: tuple[Rival, ...], why: str) -> Match:
    problem = Problem("ambiguous_match", "users", entry.sourced_id, detail=why)
    return Match(None, why, problem, rivals, why, facts(entry, rivals))


def facts(entry: Entry, rivals: Sequence[Rival]) -> bytes:
    """16 bytes that differ whenever a decision about this record would have stood on other facts: its signs, where it
    stands, and the signs of everybody it might mean. A name is no sign, so a changed name asks nobody again."""
    people = sorted([rival.key, *_signs(rival.person.fields)] for rival in rivals)
    places = sorted([place.school, place.group.value] for place in entry.places)
    said = json.dumps([entry.sourced_id, _signs(entry.fields), places, people])
    return hashlib.blake2b(said.encode(), digest_size=16).digest()


def _signs(fields: Mapping[str, str]) -> list[str]:
    return [fields.get(rule.value, "").lower() for rule in RULES]
