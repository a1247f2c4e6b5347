"""What a call asks for, free of HTTP, and the conditions by which the database finds it."""

from dataclasses import dataclass
from hashlib import sha256

from homeroom.oneroster.endpoints import Endpoint
from homeroom.oneroster.filter import Clause, Filter
from homeroom.oneroster.paging import Window
from homeroom.sis.oneroster_api.sql import Sql, where

BY_ID: Sql = ("sourced_id ASC", [])

# The people, classes and sessions that belong to a parent, by what the parent is, in the same share.
_ENROLLED = "FROM records_record e WHERE e.share = %s AND e.kind = 'enrollments'"
_MEMBERS = f"sourced_id IN (SELECT e.user {_ENROLLED} AND e.class_id = %s AND e.type = %s)"
_TAUGHT = f"sourced_id IN (SELECT e.class_id {_ENROLLED} AND e.user = %s{{role}})"
_IN_SCHOOL = "EXISTS (SELECT FROM records_record c WHERE c.share = %s AND c.kind = 'classes' AND c.sourced_id = %s AND c.school = %s)"
_SCHOOL_TERMS = "sourced_id IN (SELECT unnest(c.terms) FROM records_record c WHERE c.share = %s AND c.kind = 'classes' AND c.school = %s)"


@dataclass(frozen=True, slots=True)
class Question:
    """What a page is asked for: of an endpoint and the ids in its path, in a version, which part, in which order, which fields.

    `after` is the id that a client which reads by id has come to, and `where` what else its filter says. `fields` is None for
    all of them.
    """

    endpoint: Endpoint
    ids: tuple[str, ...]
    version: str
    window: Window
    after: str | None = None
    where: Sql | None = None
    order: Sql = BY_ID
    fields: list[str] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of a collection is asked for, in order of sourcedId, from some id on."""
        return self.where is None and not self.ids and self.order == BY_ID

    @property
    def name(self) -> str:
        """A name of the records asked for and their order, whatever part of them is wanted."""
        asked = (self.endpoint.subset, self.endpoint.path, self.ids, self.where, self.order)
        return sha256(repr(asked).encode()).hexdigest()[:32]

    def conditions(self, share: int) -> Sql:
        """The records of a share that are asked for, whatever part of them is wanted."""
        parents = dict(zip(self.endpoint.parents, self.ids, strict=True)) if self.endpoint.parents else {}
        found: list[Sql] = [("share = %s AND kind = %s", [share, self.endpoint.kind])]
        found += _single(self.endpoint, self.ids) + _subset(self.endpoint, parents)
        found += [_of_parent(share, self.endpoint, name, one, parents) for name, one in parents.items()]
        return _all([*found, self.where] if self.where is not None else found)

    def beyond(self, share: int) -> Sql:
        """The same, after the id that the client has come to."""
        held = self.conditions(share)
        return held if self.after is None else _all([held, ("sourced_id > %s", [self.after])])


def begin(wanted: Filter | None, order: Sql) -> tuple[str | None, Filter | None]:
    """The id after which a filter wants to begin, and what else it says: clients that read by id move only the first."""
    if wanted is None or len(wanted.alternatives) != 1 or order != BY_ID:
        return None, wanted
    clauses = list(wanted.alternatives[0])
    beyond = next((one for one in clauses if (one.field, one.operator) == ("sourcedId", ">")), None)
    if beyond is None:
        return None, wanted
    clauses.remove(beyond)
    return beyond.value, _filter(clauses)


def _filter(clauses: list[Clause]) -> Filter | None:
    return Filter((tuple(clauses),)) if clauses else None


def condition(wanted: Filter | None, version: str, kind: str, base: str = "~/") -> Sql | None:
    """A filter as SQL; `base` is what hrefs begin with. Raises `UnknownField` and `FilterError`."""
    return None if wanted is None else where(wanted, version, kind, base)


def _all(conditions: list[Sql]) -> Sql:
    return " AND ".join(text for text, _ in conditions), [one for _, said in conditions for one in said]


def _single(endpoint: Endpoint, ids: tuple[str, ...]) -> list[Sql]:
    return [("sourced_id = %s", [ids[0]])] if endpoint.single else []


def _subset(endpoint: Endpoint, parents: dict[str, str]) -> list[Sql]:
    if not endpoint.subset:
        return []
    if endpoint.kind != "users":
        return [("type = %s", [endpoint.subset])]
    # By class it is the enrollment that says who teaches, by school the seat.
    return [] if "class" in parents or "school" in parents else [("roles @> %s::text[]", [[endpoint.subset]])]


def _of_parent(share: int, endpoint: Endpoint, name: str, sourced_id: str, parents: dict[str, str]) -> Sql:
    match endpoint.kind, name:
        case "users", "class":
            return _MEMBERS, [share, sourced_id, endpoint.subset]
        case "users", "school" if "class" in parents:
            return _IN_SCHOOL, [share, parents["class"], sourced_id]
        case "users", "school":
            return "seats @> %s::text[]", [[f"{endpoint.subset}@{sourced_id}"]]
        case "classes", "user":
            return _TAUGHT.format(role=""), [share, sourced_id]
        case "classes", "student" | "teacher":
            return _TAUGHT.format(role=" AND e.type = %s"), [share, sourced_id, name]
        case "classes", "term":
            return "%s = ANY(terms)", [sourced_id]
        case "academicSessions", "school":
            # A school's terms are those of its classes.
            return _SCHOOL_TERMS, [share, sourced_id]
        case "academicSessions", _:
            return "parent = %s", [sourced_id]
        case _:
            return f"{_PARENT[name]} = %s", [sourced_id]


_PARENT = {"class": "class_id", "course": "course", "school": "school"}  # the column that names a parent
