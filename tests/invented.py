"""Invented people for tests, and a source that serves them without a wire."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from homeroom.problems import Problem
from homeroom.sync.reading import Birth, Evidence, Slice
from homeroom.sync.roster import SourceOrg, SourcePerson, SourceRole

LINCOLN, OAKWOOD = "org-lincoln", "org-oakwood"


def student(id_: str, org: str = LINCOLN, **more: object) -> SourcePerson:
    """A student of a school, with a number, an e-mail and a grade of its own unless given."""
    said = {
        "given_name": "Ana",
        "family_name": f"Lopez {id_}",
        "number": f"n-{id_}",
        "email": f"{id_}@lincoln.example",
        "grade": "09",
        "roles": (SourceRole("student", org),),
    }
    return SourcePerson(id_, **{**said, **more})  # type: ignore[arg-type]


def adult(id_: str, word: str = "teacher", org: str = LINCOLN, **more: object) -> SourcePerson:
    """An adult with one role."""
    said = {
        "given_name": "Kofi",
        "family_name": f"Stone {id_}",
        "email": f"{id_}@lincoln.example",
        "roles": (SourceRole(word, org),),
    }
    return SourcePerson(id_, **{**said, **more})  # type: ignore[arg-type]


def family(*students: SourcePerson, guardians: Sequence[SourcePerson]) -> list[SourcePerson]:
    """Students who name guardians, and these."""
    ids = tuple(guardian.sourced_id for guardian in guardians)
    return [*(replace(student, agents=ids) for student in students), *guardians]


@dataclass
class Told:
    """A source that tells what it was given. `trouble` makes its reading incomplete; `cut` ends it after so many people. `born`
    are birth dates by sourcedId, None = it refuses them; `asked` are those asked for."""

    told: Sequence[SourcePerson]
    trouble: str = ""
    cut: int | None = None
    born: Mapping[str, str] | None = None
    asked: list[str] = field(default_factory=list)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def orgs(self) -> Sequence[SourceOrg]:
        self.evidence["orgs"] = Evidence("orgs", claimed=2, received=2, pages=1, finished=True)
        return [SourceOrg(LINCOLN, "Lincoln High", "004"), SourceOrg(OAKWOOD, "Oakwood", "006")]

    def people(self) -> Iterator[list[Slice]]:
        proof = self.evidence["users"] = Evidence("users", claimed=len(self.told))
        for start in range(0, len(self.told[: self.cut]), 3):
            page = self.told[: self.cut][start : start + 3]
            proof.received += len(page)
            yield [Slice("users", person.sourced_id, msgspec.json.encode(person)) for person in page]
        proof.finished, proof.trouble = (
            self.cut is None,
            self.trouble or ("it ended early" if self.cut is not None else ""),
        )

    def parse(self, record: Slice) -> tuple[SourcePerson | None, tuple[Problem, ...]]:
        try:
            return msgspec.json.decode(record.raw, type=SourcePerson), ()
        except msgspec.DecodeError:
            return None, (Problem("not_json", "users", record.sourced_id),)

    def births(self, of: Collection[str]) -> Iterator[list[Birth]]:
        self.asked += sorted(of)
        if self.born is None:
            self.problems.append(Problem("births_refused", "demographics"))
            return
        for sourced_id in of:
            yield [Birth(sourced_id, self.born.get(sourced_id, ""))]
