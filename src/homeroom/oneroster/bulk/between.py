"""What rows of a set have to do with each other: ids that stand twice, names of what is not there, and roles that do not fit.

Rules of FACTS 7.6. Only what is still open is kept, and for each row its sourcedId.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from homeroom.oneroster.bulk.cells import Row
from homeroom.oneroster.bulk.sets import BulkSet, Read
from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.tables import TABLES
from homeroom.problems import Problem

# What a reference must lead to: an org or session of this type, or of a type of one's own.
_TYPED = {
    ("classes", "schoolSourcedId"): "school",
    ("enrollments", "schoolSourcedId"): "school",
    ("lineItems", "schoolSourcedId"): "school",
    ("courses", "schoolYearSourcedId"): "schoolYear",
}
_TYPES_OF = ("orgs", "academicSessions")
_LEFT = ("tobedeleted", "inactive")


@dataclass(frozen=True, slots=True)
class Open:
    """A reference whose end has not come: which id of which table, and the place that names it."""

    target: str
    wanted: str
    file: str
    field: str
    row: int
    sourced_id: str
    delta: bool

    def problem(self, code: str) -> Problem:
        """The problem that it is."""
        return Problem(code, self.file, self.sourced_id, self.field, self.row, f"of {self.target}.csv")


@dataclass(slots=True)
class Between:
    """Notes row after row, in the order in which a set is read."""

    opened: BulkSet
    seen: dict[str, set[str]] = field(default_factory=dict)
    _open: list[Open] = field(default_factory=list)
    _types: dict[tuple[str, str], str] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)  # of profiles
    _one_way: dict[tuple[str, str], int] = field(default_factory=dict)  # (user, agent) and the row
    _primary: set[tuple[str, str]] = field(default_factory=set)  # (user, org)
    _secondary: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    _homes: dict[tuple[str, str], int] = field(default_factory=dict)  # (user, primary org) and the row
    _without_role: dict[str, int] = field(default_factory=dict)

    def add(self, read: Read) -> Iterator[Problem]:
        """What is wrong between a row and those before it."""
        row, table = read.cells, read.file.table
        if row is None:
            return
        ids = self.seen.setdefault(table, set())
        if row["sourcedId"] in ids:
            yield _problem(read, "duplicate_id", "sourcedId")
        ids.add(row["sourcedId"])
        if row.get("status", "").lower() in _LEFT:
            return
        if table in _TYPES_OF:
            self._types[table, row["sourcedId"]] = row.get("type", "")
        yield from self._references(read, row)
        if table == "users":
            self._user(read, row)
        elif table == "userProfiles":
            self._owners[row["sourcedId"]] = row.get("userSourcedId", "")
        elif table == "roles":
            yield from self._role(read, row)

    def _references(self, read: Read, row: Row) -> Iterator[Problem]:
        table = read.file.table
        for name, target, ids in _named(self.opened.version, table, row):
            for wanted in ids:
                if wanted not in self.seen.get(target, ()):
                    place = (read.file.name, name, read.number, row["sourcedId"], read.file.delta)
                    self._open.append(Open(target, wanted, *place))
                elif (type_ := _TYPED.get((table, name))) and not self._is(target, wanted, type_):
                    yield _problem(read, "wrong_type", name, f"it must be of type {type_}")

    def _is(self, target: str, wanted: str, type_: str) -> bool:
        found = self._types.get((target, wanted), type_)
        return found == type_ or found.startswith("ext:")

    def _user(self, read: Read, row: Row) -> None:
        user = row["sourcedId"]
        if read.file.delta:
            return
        for agent in _items(row.get("agentSourcedIds", "")):
            if self._one_way.pop((agent, user), None) is None:
                self._one_way[user, agent] = read.number
        if self._has_roles():
            self._without_role[user] = read.number
            if home := row.get("primaryOrgSourcedId"):
                self._homes[user, home] = read.number

    def _has_roles(self) -> bool:
        return any(file.table == "roles" and not file.delta for file in self.opened.files)

    def _role(self, read: Read, row: Row) -> Iterator[Problem]:
        user, org = row.get("userSourcedId", ""), row.get("orgSourcedId", "")
        self._without_role.pop(user, None)
        self._homes.pop((user, org), None)
        if row.get("roleType") == "primary":
            if (user, org) in self._primary:
                yield _problem(read, "two_primaries", "roleType")
            self._primary.add((user, org))
        else:
            self._secondary[user, org] = read.number, row["sourcedId"]
        profile = row.get("userProfileSourcedId", "")
        if self._owners.get(profile, user) != user:
            yield _problem(read, "profile_owner", "userProfileSourcedId")

    def open_references(self) -> list[Open]:
        """Names of what never came, once all has been read."""
        return [one for one in self._open if one.wanted not in self.seen.get(one.target, ())]

    def at_the_end(self) -> Iterator[Problem]:
        """What can be said only when all has been read; `open_references` are for those who know what is there besides."""
        users = self._name_of("users")
        for (user, _), row in self._homes.items():
            yield Problem("primary_org", users, user, "primaryOrgSourcedId", row)
        for user, row in self._without_role.items():
            yield Problem("user_without_role", users, user, "sourcedId", row)
        for (user, agent), row in self._one_way.items():
            if user != agent and agent in self.seen.get("users", ()):
                yield Problem("one_way_agent", users, user, "agentSourcedIds", row)
        for place, (row, sourced_id) in self._secondary.items():
            if place not in self._primary and not self._is_delta("roles"):
                yield Problem("no_primary", self._name_of("roles"), sourced_id, "roleType", row)

    def _name_of(self, table: str) -> str:
        return next((file.name for file in self.opened.files if file.table == table), f"{table}.csv")

    def _is_delta(self, table: str) -> bool:
        return any(file.table == table and file.delta for file in self.opened.files)


def _problem(read: Read, code: str, name: str, detail: str = "") -> Problem:
    return Problem(code, read.file.name, (read.cells or {}).get("sourcedId"), name, read.number, detail)


def _named(version: str, table: str, row: Row) -> Iterator[tuple[str, str, list[str]]]:
    """What a row refers to: column, table and sourcedIds."""
    if table == "demographics":
        yield "sourcedId", "users", [row["sourcedId"]]
    for column in TABLES[version][table]:
        if column.of and column.is_reference and row.get(column.name):
            value = row[column.name]
            yield column.name, column.of, _items(value) if column.holds == "ids" else [value]
    if table == "users" and version != V1P1 and row.get("resourceSourcedIds"):
        yield "resourceSourcedIds", "resources", _items(row["resourceSourcedIds"])


def _items(cell: str) -> list[str]:
    return [item.strip() for item in cell.split(",") if item.strip()]
