"""A school's own rules: "administrators whose title contains Lunch are Staff". The first that fits a role decides about it.

Written in a line each: what must be true, all of it, then `>` and the role group, or `out`:

    role: administrator & title: Lunch > staff
    grade: PK, KG > out
"""

from collections.abc import Sequence
from dataclasses import dataclass

from homeroom.sync.roster import RoleGroup, SourcePerson, SourceRole

MAIN, OTHER, OUT = "main", "other", "out"
CONDITIONS = ("role", "title", "grade", "school")


@dataclass(frozen=True, slots=True)
class OwnRule:
    """Whoever fits all that it names is let in as `then`, or left out when that is None.

    `role` and `grade` name any of several, `title` any of several texts that the title holds, in whatever case. `school` is
    "main" or "other": whether this is the person's main school.
    """

    then: RoleGroup | None
    role: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    grade: tuple[str, ...] = ()
    school: str = ""

    def fits(self, person: SourcePerson, role: SourceRole) -> bool:
        """Whether one role of a record is one that the rule means."""
        title = person.title.casefold()
        return (
            (not self.role or role.word.casefold() in {word.casefold() for word in self.role})
            and (not self.title or any(text.casefold() in title for text in self.title))
            and (not self.grade or person.grade.casefold() in {grade.casefold() for grade in self.grade})
            and (not self.school or role.primary is (self.school == MAIN))
        )

    @property
    def line(self) -> str:
        """The rule as it is written."""
        said = {"role": self.role, "title": self.title, "grade": self.grade, "school": (self.school,)}
        parts = [f"{name}: {', '.join(words)}" for name, words in said.items() if any(words)]
        return f"{' & '.join(parts)} > {self.then or OUT}"


class NoRule(ValueError):
    """A line that is no rule; the message says what is wrong and how one looks."""


def read_line(line: str) -> OwnRule:
    """The rule of a line. Raises `NoRule`."""
    said, arrow, then = (part.strip() for part in line.rpartition(">"))
    if not arrow or then.lower() not in (*RoleGroup, OUT):
        raise NoRule(
            f"A rule ends with > and one of {', '.join(RoleGroup)}, {OUT}; not “{line.strip()[:80]}”."
        )
    found: dict[str, tuple[str, ...]] = {}
    for part in said.split("&"):
        name, _, words = (word.strip() for word in part.partition(":"))
        values = tuple(word.strip() for word in words.split(",") if word.strip())
        if name.lower() not in CONDITIONS or not values or name.lower() in found:
            raise NoRule(
                f"A rule says role, title, grade or school, such as title: Lunch; not “{part.strip()[:80]}”."
            )
        found[name.lower()] = values
    (school,) = found.pop("school", ("",))[:1]
    if school.lower() not in ("", MAIN, OTHER):
        raise NoRule(f"school is {MAIN} or {OTHER}, not “{school[:80]}”.")
    return OwnRule(None if then.lower() == OUT else RoleGroup(then.lower()), school=school.lower(), **found)


def first_fit(rules: Sequence[OwnRule], person: SourcePerson, role: SourceRole) -> tuple[int, OwnRule] | None:
    """The rule that decides about a role, with its number from 1."""
    return next(((n, rule) for n, rule in enumerate(rules, 1) if rule.fits(person, role)), None)
