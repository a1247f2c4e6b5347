"""Whose guardians are whose, and which one is the primary contact. OneRoster has no such flag, so the choice is ranked,
the same every night, and says why. A contact that the SIS marks as restricted is never taken in, whatever else speaks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from homeroom.problems import Problem
from homeroom.sync.narrow import is_guardian
from homeroom.sync.roster import Guardian, SourcePerson

MANY = 6
ONLY = "the only guardian"
BY_HAND = "chosen by hand"
# What told the first from the second, in the order in which it is asked.
MARK = "the SIS marks this contact as primary"
CLOSE = "parent or guardian before relative"
BOTH = "named by the student and by the guardian, the others by one of the two"
ORDER = "first in the SIS's list; nothing else tells them apart"
BY_ID = "first by id; the SIS gives no order and nothing tells them apart"
TIES = (ORDER, BY_ID)
Rank = tuple[bool, bool, bool, int, str]


@dataclass(frozen=True, slots=True)
class Family:
    """A student's guardians by id, the first of them primary; what was odd about the links; and who is kept out."""

    student: str
    ranked: tuple[tuple[Rank, str], ...]
    odd: tuple[Problem, ...] = ()
    restricted: frozenset[str] = frozenset()

    @property
    def guardians(self) -> tuple[Guardian, ...]:
        """In order, the primary one with what told it from the next."""
        reason = _reason([order for order, _ in self.ranked])
        return tuple(
            Guardian(id_, number == 0, reason if number == 0 else "")
            for number, (_, id_) in enumerate(self.ranked)
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was odd about the links, and whether there are very many."""
        count = len(self.ranked)
        many = Problem("many_guardians", "users", self.student, "agents", detail=f"{count}")
        return (*self.odd, many) if count >= MANY else self.odd

    def as_contacts(self, speaks: Mapping[str, str]) -> "Family":
        """The family where several records may be one contact: each under the id that `speaks` for it, as its best record
        ranks it. Whoever is left alone so is the only guardian."""
        best: dict[str, Rank] = {}
        for order, id_ in self.ranked:
            best.setdefault(speaks.get(id_, id_), order)
        return replace(self, ranked=tuple((order, id_) for id_, order in best.items()))


def rank(student: SourcePerson, known: Mapping[str, SourcePerson], told_by: Sequence[str] = ()) -> Family:
    """The family of a student. `known` are the records of all ids named; `told_by` are guardians who name the student.

    Order: an explicit mark; parent and guardian before relative; named from both sides; place in the student's list;
    sourcedId.
    """
    problems: list[Problem] = []
    ranked: list[tuple[Rank, str]] = []
    restricted: set[str] = set()
    named = dict.fromkeys([*student.agents, *sorted(told_by)])
    # Whoever has several records is restricted where one of them is.
    barred = {who(known[id_]) for id_ in named if id_ in known and known[id_].restricted} - {None}
    for sourced_id in named:
        person = known.get(sourced_id)
        is_barred = person is not None and (person.restricted or who(person) in barred)
        trouble = _trouble(person, is_barred=is_barred)
        restricted |= {sourced_id} if is_barred else set()
        if trouble:
            problems.append(
                Problem(trouble, "users", student.sourced_id, "agents", detail=f"id {sourced_id}")
            )
        elif person is not None:
            ranked.append((_rank(student, person, frozenset(told_by)), sourced_id))
    ranked.sort()
    return Family(student.sourced_id, tuple(ranked), tuple(problems), frozenset(restricted))


def who(guardian: SourcePerson) -> tuple[str, str] | None:
    """By what two records are known as those of one contact: e-mail and name. None where either is missing."""
    name = f"{guardian.given_name}\t{guardian.family_name}".lower()
    return (guardian.email.lower(), name) if guardian.email and name.strip() else None


def _trouble(person: SourcePerson | None, *, is_barred: bool) -> str:
    """Why somebody who is named is no contact: the code of the problem, "" for none."""
    if person is None or person.leaving:
        return "dangling_agent"
    if not is_guardian(person):
        return "agent_not_guardian"
    return "restricted_contact" if is_barred else ""


def _rank(student: SourcePerson, person: SourcePerson, told_by: frozenset[str]) -> Rank:
    listed = person.sourced_id in student.agents
    both = listed and person.sourced_id in told_by
    # Whoever only names the student stands in no list: behind all that do, and among themselves by id.
    position = student.agents.index(person.sourced_id) if listed else len(student.agents)
    return (not person.primary_mark, not _is_close(person), not both, position, person.sourced_id)


def _is_close(person: SourcePerson) -> bool:
    return any(role.word.lower() in ("parent", "guardian") for role in person.roles)


def _reason(ranks: Sequence[Rank]) -> str:
    """What told the first from the second."""
    if len(ranks) < 2:
        return MARK if ranks and not ranks[0][0] else ONLY
    first, second = ranks[:2]
    differs = next(
        place for place, (one, other) in enumerate(zip(first, second, strict=True)) if one != other
    )
    return (MARK, CLOSE, BOTH, ORDER, BY_ID)[differs]


def without(guardians: Sequence[Guardian], restricted: frozenset[str]) -> tuple[Guardian, ...]:
    """The guardians of a student but for those who are restricted; where the primary was one, the next is primary."""
    left = [guardian for guardian in guardians if guardian.sourced_id not in restricted]
    if not left or any(guardian.primary for guardian in left):
        return tuple(left)
    return (Guardian(left[0].sourced_id, True, "next in line; the one before is restricted"), *left[1:])
