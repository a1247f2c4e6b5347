"""A problem: one thing that is wrong with what came in, said once so that a person can cure it.

A bad row is a value, never an exception. Every problem has a stable code; what the code means, what Homeroom did
about it and how to cure it stand in one table here, which `docs/problems.md` shows. A message never holds a name,
an e-mail or any other personal value: it points at the record by its id.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """What one code means: the sentence shown, what Homeroom did, and who can cure it how."""

    meaning: str
    effect: str
    cure: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. `where` is an endpoint ("users") or a file ("users.csv"), `row` a line of that file (header = 1)."""

    code: str
    where: str
    sourced_id: str | None = None
    field: str | None = None
    row: int | None = None
    detail: str = ""

    @property
    def message(self) -> str:
        """The sentence for people: what is wrong and what was done about it."""
        kind = KINDS[self.code]
        said = f"{kind.meaning} ({self.detail})" if self.detail else kind.meaning
        return f"{said}. {kind.effect}."

    @property
    def cure(self) -> str:
        """What to do next, and who can."""
        return KINDS[self.code].cure


KINDS: dict[str, Kind] = {}
