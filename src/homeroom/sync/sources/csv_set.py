"""A OneRoster CSV set as a source, 1.1 or 1.2, wherever it lies: the same people, problems and proof as over REST.

Each user becomes the JSON that a server would send of it, with the roles that 1.2 keeps in a file of their own. It is
fingerprinted and, only when it changed, understood by the very reader that understands servers.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from homeroom.oneroster import lenient
from homeroom.oneroster.bounds import USUAL, Bounds
from homeroom.oneroster.bulk.as_json import json
from homeroom.oneroster.bulk.files import BulkError, readable
from homeroom.oneroster.bulk.rows import clean
from homeroom.oneroster.bulk.sets import BulkSet, set_of
from homeroom.problems import ERROR, Problem
from homeroom.sync.reading import Birth, ConnectionTest, Evidence, Slice, SourceFailed
from homeroom.sync.roster import SourceOrg, SourcePerson
from homeroom.sync.sources.births import MOVED, in_csv
from homeroom.sync.sources.csv_proof import (
    LEFT,
    NAMED_BY,
    File,
    broken_off,
    dated,
    doubt,
    mark,
    needed,
    promised,
    unknown,
)
from homeroom.sync.sources.people import cut_short, org_of, person_of
from homeroom.sync.sources.places import Patience, Place, Taken, has_moved, take

PAGE = 1000
Roles = dict[int, tuple[bytes, ...]]  # of each user, each role as JSON; equal ones are one object


class CsvSource:
    """Reads one set. `newer_than` = when the set that was read last was made: an older one is refused. `vouched` = an owner
    says that every export holds everybody, though no manifest does."""

    def __init__(
        self,
        place: Place,
        *,
        newer_than: datetime | None = None,
        vouched: bool = False,
        patience: Patience | None = None,
        bounds: Bounds = USUAL,
    ) -> None:
        self.place, self.newer_than, self.vouched = place, newer_than, vouched
        self.evidence: dict[str, Evidence] = {}
        self.problems: list[Problem] = []
        self.taken: Taken | None = None
        self._opened: BulkSet | None = None
        self._files: list[File] = []
        self._patience, self._bounds = patience or Patience(), bounds
        self._orgs: set[str] = set()
        self._attempts = 0

    def check(self, school_id: str) -> ConnectionTest:
        """Test Connection: place, set, schools, people, proof."""
        from homeroom.sync.sources.csv_testing import test  # it stands on this module

        return test(self, school_id)

    def some_people(self, org: str) -> list[dict[str, str]]:
        """A few people of a school, of as many roles as there are. Raises `SourceFailed`."""
        from homeroom.sync.sources.points.people import MOST_PAGES, PAGE, five_of, roles_at

        self.orgs()
        found: list[SourcePerson] = []
        for page in self.people():
            parsed = (self.parse(record)[0] for record in page)
            found += [one for one in parsed if one is not None and any(roles_at(one, org))]
            if len(found) >= MOST_PAGES * PAGE:
                break
        self.place.close()
        return five_of(found, org)

    @property
    def version(self) -> str:
        """1.1 or 1.2, once the set is open."""
        return self._set.version

    @property
    def names(self) -> list[str]:
        """The files of the set, once it is open."""
        return [file.name for file in self._set.files]

    @property
    def lacking(self) -> list[str]:
        """The files without which nobody can be rostered and that the set has not got, once it is open."""
        return [f"{table}.csv" for table in needed(self._set) if self._set.file(table) is None]

    @property
    def made(self) -> datetime:
        """When the set was made, once it is taken."""
        return self.taken.made if self.taken is not None else datetime.now(UTC)

    def orgs(self) -> Sequence[SourceOrg]:
        """Every org of the set that is not to be deleted. Raises `SourceFailed`."""
        return self._open()

    def people(self) -> Iterator[list[Slice]]:
        """The users, a page at a time. Called again, it takes the set anew."""
        self._attempts += 1
        if self._attempts > 1:
            before = self._orgs
            self._open()
            if before != self._orgs:
                doubt(self.evidence["orgs"], "the schools changed while the set was read")
        try:
            with readable(self.place.name):
                yield from self._read()
        except BulkError as wrong:
            doubt(self.evidence.setdefault("users", Evidence("users")), str(wrong).rstrip("."))
        self._must_stand_still()
        self.place.close()

    def parse(self, record: Slice) -> tuple[SourcePerson | None, tuple[Problem, ...]]:
        """What a user of the set says, leniently."""
        user, problems = lenient.read_user(record.raw)
        if user is None:
            return None, problems
        more = [Problem("not_utf8", "users.csv", record.sourced_id)] if b"\xef\xbf\xbd" in record.raw else []
        return person_of(user, problems), (*problems, *cut_short(user), *more)

    def births(self, of: Collection[str]) -> Iterator[list[Birth]]:
        """The birth dates of these people, from demographics.csv of the very set whose people were read."""
        yield from in_csv(self.place, self.taken, self._patience, self._bounds, of, self.problems)

    def _open(self) -> Sequence[SourceOrg]:
        """Takes the set as it is now and reads its schools."""
        self.evidence.clear()
        self.problems.clear()
        self.place.close()
        try:
            self.taken = take(self.place, self._patience)
            self._must_not_be_older(self.taken)
            self._opened = _usable(set_of(self.taken.files))
            with readable(self.place.name):
                return self._read_orgs()
        except BulkError as wrong:
            raise SourceFailed(
                str(wrong), "Look at what the export wrote, and export again.", retry=True
            ) from wrong

    def _must_not_be_older(self, taken: Taken) -> None:
        if self.newer_than is None or taken.made >= self.newer_than:
            return
        raise SourceFailed(
            f"The set in {self.place.name} was made on {taken.made:%d %B %Y at %H:%M}, and one of {self.newer_than:%d %B %Y at %H:%M} "
            "was read already: this is an older export, and nothing of it was read",
            "Put the newest export there. If this one is right, say on People > Rostering that the older set is to be read.",
            retry=True,
        )

    def _read_orgs(self) -> Sequence[SourceOrg]:
        found: list[SourceOrg] = []
        self._orgs, self._files = set(), []
        self.problems += [problem for problem in self._set.problems if problem.severity == ERROR]
        file = self._begin("orgs")
        if file is None:
            return found
        for sourced_id, line in file.rows():
            org, problems = lenient.read_org(json(sourced_id, file.shape.object(line.cells)))
            self.problems += problems
            if sourced_id in self._orgs:
                doubt(file.proof, "a sourcedId came twice")
            self._orgs.add(sourced_id)
            found += [org_of(org)] if org is not None and org.status != "tobedeleted" else []
        self._end(file)
        return found

    def _read(self) -> Iterator[list[Slice]]:
        """The users with their roles; then what other files say about whether these are all."""
        roles = self._roles()
        ids: set[int] = set()
        file = self._begin("users")
        if file is not None:
            yield from self._users(file, roles, ids)
            self._end(file)
        if roles:
            doubt(self.evidence["roles"], f"{len(roles):,} people of roles.csv are not in users.csv")
        for table, column in NAMED_BY.items():
            self._ask(table, column, ids)
        for cut, reason in broken_off(self._files):
            doubt(cut.proof, reason)

    def _users(self, file: File, roles: Roles | None, ids: set[int]) -> Iterator[list[Slice]]:
        page: list[Slice] = []
        without = 0
        for sourced_id, line in file.rows():
            made, key = file.shape.object(line.cells), mark(sourced_id)
            if key in ids:
                self.problems.append(
                    Problem("repeated_id", file.file.name, sourced_id, "sourcedId", line.number)
                )
                doubt(file.proof, "a sourcedId came twice")
                continue
            ids.add(key)
            if roles is not None:
                told = roles.pop(key, None)
                without += told is None
                if told is None and file.file.delta:
                    self.problems.append(
                        Problem("delta_without_roles", file.file.name, sourced_id, row=line.number)
                    )
                    continue
                made["roles"] = [msgspec.Raw(role) for role in told or ()]
            page.append(Slice("users", sourced_id, json(sourced_id, made)))
            if len(page) == PAGE:
                yield page
                page = []
        yield page
        if without:
            doubt(file.proof, f"{without:,} people of {file.file.name} have no role in roles.csv")

    def _roles(self) -> Roles | None:
        """The roles of 1.2 by user; None in 1.1, whose users have theirs with them."""
        if "roles" not in needed(self._set):
            return None
        roles: Roles = {}
        same: dict[Any, Any] = {}
        file = self._begin("roles", people=False)
        whose = file.place("userSourcedId") if file is not None else None
        if file is None or whose is None:
            return roles
        for _, line in file.rows():
            made, key = file.shape.object(line.cells), mark(clean(line.cells[whose]))
            left = made.pop("status", "").strip().lower() in LEFT
            made.pop("dateLastModified", None)
            more = () if left else (msgspec.json.encode(made),)
            told = tuple(sorted((*roles.get(key, ()), *more)))
            roles[key] = same.setdefault(told, told)
        self._end(file)
        return roles

    def _ask(self, table: str, column: str, ids: set[int]) -> None:
        """Lets another bulk file of the set bear witness: whom it names must be there."""
        file = self._set.file(table)
        if file is None or file.delta or (witness := self._begin(table, people=False)) is None:
            return
        if missing := unknown(witness, column, ids):
            doubt(
                witness.proof,
                f"{missing:,} rows of {file.name} name people who are not in users.csv, so that file may be cut",
            )
        self._files.append(witness)

    def _begin(self, table: str, *, people: bool = True) -> File | None:
        """A file to be read, its evidence begun; None when the set has not got it."""
        revision = self.taken.made.isoformat() if self.taken else ""
        proof = Evidence(table, attempts=max(1, self._attempts), requests=1, revision=revision, people=people)
        self.evidence[table] = proof
        if table in needed(self._set) and (reason := promised(self._set, table, vouched=self.vouched)):
            doubt(proof, reason)
        file = self._set.file(table)
        return File(file, proof, self._bounds) if file is not None else None

    def _end(self, file: File) -> None:
        self.problems += file.problems
        self._files.append(file)
        if not self.vouched and (reason := dated(file)):
            doubt(file.proof, reason)

    @property
    def _set(self) -> BulkSet:
        if self._opened is None:
            raise AssertionError("the schools are read before the people")
        return self._opened

    def _must_stand_still(self) -> None:
        """Another set by now, or none, makes what was read a mixture: it is read again."""
        proof = self.evidence["users"]
        try:
            moved = self.taken is None or has_moved(self.place, self.taken)
        except SourceFailed as failed:
            doubt(proof, str(failed))
            return
        if moved:
            doubt(proof, MOVED)
            proof.again = True


def _usable(opened: BulkSet) -> BulkSet:
    """A set whose users can be read, or at least have not been looked at in vain."""
    if opened.unusable and opened.file("users") is None:
        raise BulkError(opened.unusable[0])
    return opened
