"""What a hold of removals probably is, with its evidence and the right next step. Guesses, best first; a person decides."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from homeroom.sync.roster import RoleGroup

MOST = 0.8  # of those who would leave: from here on a sign is taken for the cause
HALF = 0.5
SHRUNK = 0.9  # of what was read last time: less looks like a cut reading
SEVERAL = 10


@dataclass(frozen=True, slots=True)
class Cause:
    """`code` is stable; `says` holds the numbers that speak for it; `next` is what to do about it."""

    code: str
    says: str
    next: str


def in_words(cause: Mapping[str, str]) -> str:
    """A cause, as plain values, in two sentences."""
    return f"Looks like: {cause['says']}. {cause['next']}"


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of the removals held in one role group of a school.

    `grades` are theirs, `top_grade` is the school's highest. `namesakes` have the name of somebody who is new tonight;
    `moved` are elsewhere in the SIS now, `marked` are there as to be deleted, `ruled` are left out by a rule of the school's.
    `rest_leaving` of `rest` are the school's other role groups. `received` and `before`
    count the people of this reading and of the last complete one. `down` and `up` are students whose grade goes that way.
    """

    group: RoleGroup
    count: int
    of: int
    today: date
    grades: Mapping[str, int] = field(default_factory=dict)
    top_grade: str = ""
    year_end: str = ""
    namesakes: int = 0
    moved: int = 0
    marked: int = 0
    ruled: int = 0
    rest: int = 0
    rest_leaving: int = 0
    received: int = 0
    before: int | None = None
    down: int = 0
    up: int = 0
    back: int = 0


def probable(signs: Signs) -> list[Cause]:
    """The causes that the signs speak for, the most telling first; one of them always, if only that there is none."""
    # Every removal makes the reading smaller: that it is smaller tells only when nothing else does.
    found = [cause for look in _LOOKS for cause in look(signs)] or list(_cut(signs))
    return found or [
        Cause(
            "unclear",
            f"No pattern that Homeroom knows fits{_by_grade(signs)}",
            "Look at the names. Ask whoever enrols people in the SIS; approve only when they know of it.",
        )
    ]


def _by_grade(signs: Signs) -> str:
    known = sorted((grade, count) for grade, count in signs.grades.items() if grade)
    return f"; by grade: {', '.join(f'{grade}: {count}' for grade, count in known[:20])}" if known else ""


def _graduates(signs: Signs) -> Iterator[Cause]:
    top = signs.grades.get(signs.top_grade, 0)
    if (
        signs.group is not RoleGroup.STUDENTS
        or not signs.top_grade
        or top < MOST * signs.count
        or _is_ruled(signs)
    ):
        return
    says = f"{top} of {signs.count} are in grade {signs.top_grade}, the highest of this school"
    if not signs.year_end:
        yield Cause(
            "graduates",
            says,
            "If the school year is over, they have graduated: look at the others, then approve. "
            "Set the last day of school in the Sync Settings, and this is told apart.",
        )
    elif _after(signs.year_end, signs.today):
        rest = "look at the others, then approve" if top < signs.count else "approve"
        yield Cause(
            "graduates",
            f"{says}, and the last day of school was {signs.year_end}",
            f"They have graduated: {rest}.",
        )
    else:
        yield Cause(
            "graduates_early",
            f"{says}, but the last day of school is {signs.year_end}",
            "Discard, and ask whoever runs the SIS whether the class was closed too early.",
        )


def _after(year_end: str, today: date) -> bool:
    """Whether today is in the five months after the last day of school."""
    month, day = (int(part) for part in year_end.split("-"))
    last = today.year if (today.month, today.day) > (month, day) else today.year - 1
    return (today - date(last, month, min(day, 28))).days <= 150


def _rekey(signs: Signs) -> Iterator[Cause]:
    if signs.namesakes > HALF * signs.count:
        yield Cause(
            "rekey",
            f"{signs.namesakes} of {signs.count} have the name of somebody who is new in the same sync",
            "That is what a re-key looks like: the same people under new ids, but without a number or e-mail that says so, and nobody is "
            "relinked by name. Do not approve: their history would stay with the old ids. Look at them under New ids in the SIS, on the "
            "run's page, and ask the SIS's administrator whether ids were changed.",
        )


def _last_year(signs: Signs) -> Iterator[Cause]:
    down = signs.down >= SEVERAL and signs.down > signs.up
    back = signs.back >= SEVERAL and signs.back > HALF * signs.count
    if down or back:
        yield Cause(
            "last_year",
            f"{signs.down} students would go down a grade, and {signs.back} who had left would come back",
            "The SIS seems to answer from last year's database. Discard, and ask its administrator which school year the API serves.",
        )


def _whole_school(signs: Signs) -> Iterator[Cause]:
    everybody, leaving = signs.of + signs.rest, signs.count + signs.rest_leaving
    if _moves(signs) or _is_ruled(signs):  # the SIS has them, though not here
        return
    if signs.rest and leaving >= MOST * everybody and signs.rest_leaving >= MOST * signs.rest:
        yield whole_school(f"{leaving} of the {everybody} people of this school would leave at once")


def whole_school(says: str) -> Cause:
    """Everybody of a school is missing."""
    return Cause(
        "whole_school",
        says,
        "Discard, and ask the SIS's administrator whether this school is still shared with our key, under the same School ID.",
    )


def _role_off(signs: Signs) -> Iterator[Cause]:
    if _moves(signs) or _is_ruled(signs):
        return
    if signs.rest and signs.count >= MOST * signs.of and signs.rest_leaving < (1 - MOST) * signs.rest:
        yield role_off(
            signs.group.value,
            f"{signs.count} of {signs.of} {signs.group.value} would leave, and hardly anybody of the other role groups",
        )


def role_off(group: str, says: str) -> Cause:
    """Everybody of a role group is missing, and the others are there."""
    return Cause(
        "role_off",
        says,
        f"The SIS seems to share its {group} no longer. Discard; if that is meant, switch {group} off in the Sync Settings, "
        "which archives no one; else ask the SIS's administrator to share them again.",
    )


def group_missing(group: str, says: str) -> Cause:
    """Nobody of a role group came, so that nothing is archived anywhere."""
    return Cause(
        "role_off",
        says,
        f"Nobody is archived while it is so. If they have left, archive them by hand on their pages. If the SIS is to share its {group} "
        f"no longer, switch {group} off in the Sync Settings, which archives no one; else ask the SIS's administrator to share them again.",
    )


def _cut(signs: Signs) -> Iterator[Cause]:
    if signs.before and signs.received < SHRUNK * signs.before:
        yield Cause(
            "cut_reading",
            f"The SIS sent {signs.received:,} people; in the last complete sync it was {signs.before:,}",
            "Discard and let it sync again. If it stays so, ask the SIS's administrator what is shared less than before.",
        )


def _moves(signs: Signs) -> bool:
    return signs.moved > HALF * signs.count


def _moved(signs: Signs) -> Iterator[Cause]:
    if _moves(signs):
        yield Cause(
            "moved",
            f"{signs.moved} of {signs.count} are in the SIS at another school or in another role now",
            "Look at a few of them in the SIS; if the move is right, approve.",
        )


def _is_ruled(signs: Signs) -> bool:
    return signs.ruled > HALF * signs.count


def _ruled(signs: Signs) -> Iterator[Cause]:
    if _is_ruled(signs):
        yield Cause(
            "ruled",
            f"{signs.ruled} of {signs.count} are left out by a rule of this school's Sync Settings, and the SIS still has them",
            "If the rule is meant so, approve; else discard, and change the rule.",
        )


def _marked(signs: Signs) -> Iterator[Cause]:
    if signs.marked > HALF * signs.count:
        yield Cause(
            "marked",
            f"{signs.marked} of {signs.count} are marked at the SIS, one by one, as to be deleted",
            "Look at a few of them in the SIS; if they have left, approve.",
        )


_LOOKS: tuple[Callable[[Signs], Iterator[Cause]], ...] = (
    *(_rekey, _last_year, _whole_school, _role_off),
    *(_graduates, _moved, _ruled, _marked),
)
