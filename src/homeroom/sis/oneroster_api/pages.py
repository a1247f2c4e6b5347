"""The records of a page, wherever they are quickest found: in a snapshot when it has them, else in the database."""

from dataclasses import dataclass

import msgspec
from django.db import connection

from homeroom.oneroster.endpoints import BASE_PATHS, V1P1, Endpoint
from homeroom.oneroster.filter import Filter
from homeroom.oneroster.paging import Window
from homeroom.sis.oneroster_api.callers import Caller
from homeroom.sis.oneroster_api.snapshot import snapshots
from homeroom.sis.oneroster_api.sql import Sql
from homeroom.sis.wire import Stream

BY_ID: Sql = ("sourced_id ASC", [])

# The people, classes and sessions that belong to a parent, by what the parent is, in the same share.
_ENROLLED = "FROM records_record e WHERE e.share = %s AND e.kind = 'enrollments'"
_MEMBERS = f"sourced_id IN (SELECT e.user {_ENROLLED} AND e.class_id = %s AND e.type = %s)"
_TAUGHT = f"sourced_id IN (SELECT e.class_id {_ENROLLED} AND e.user = %s{{role}})"
_IN_SCHOOL = "EXISTS (SELECT FROM records_record c WHERE c.share = %s AND c.kind = 'classes' AND c.sourced_id = %s AND c.school = %s)"
_SCHOOL_TERMS = "sourced_id IN (SELECT unnest(c.terms) FROM records_record c WHERE c.share = %s AND c.kind = 'classes' AND c.school = %s)"
_WHOLE = "SELECT count FROM records_total WHERE share = %s AND kind = %s AND subset = %s"


@dataclass(frozen=True, slots=True)
class Question:
    """What a page is asked for: of an endpoint and the ids in its path, in a version, which part, in which order, which fields.

    The filter is there as it was read, and as SQL; `fields` is None for all of them.
    """

    endpoint: Endpoint
    ids: tuple[str, ...]
    version: str
    window: Window
    filter: Filter | None
    where: Sql | None
    order: Sql
    fields: list[str] | None

    @property
    def column(self) -> str:
        """The column that holds records as this version says them."""
        return "v1p1" if self.version == V1P1 else "v1p2"


@dataclass(frozen=True, slots=True)
class Page:
    """Records as JSON joined by commas, `number` of `total`, and the revision of the data they are of."""

    records: Stream
    number: int
    total: int
    revision: int


def find(question: Question, caller: Caller, root: str) -> Page:
    """The page that answers a question, its hrefs below `root`."""
    return _from_snapshot(question, caller, root) or _from_database(question, caller, root)


def _from_snapshot(question: Question, caller: Caller, root: str) -> Page | None:
    """A page of a whole collection, or of what comes after an id, as clients ask that read by id; None when it must be found."""
    after, subset = _after(question.filter), question.endpoint.subset
    sliced = question.where is None or after is not None
    if caller.share or question.ids or question.fields is not None or question.order != BY_ID or not sliced:
        return None
    snapshot = snapshots.find(root, caller.revision, question.endpoint.kind, question.column)
    if snapshot is None:
        return None
    skipped = snapshot.after(subset, after) if after is not None else 0
    total, asked = snapshot.total(subset) - skipped, question.window
    stretches = snapshot.page(subset, skipped + asked.offset, asked.limit)
    size = sum(end - start for start, end in stretches) + max(len(stretches) - 1, 0)
    number = max(min(asked.limit, total - asked.offset), 0)
    return Page(Stream(size, lambda: snapshot.pieces(stretches)), number, total, caller.revision)


def _after(wanted: Filter | None) -> str | None:
    """The id of a filter that says nothing but sourcedId>'id'."""
    clauses = wanted.clauses if wanted is not None else ()
    if len(clauses) == 1 and (clauses[0].field, clauses[0].operator) == ("sourcedId", ">"):
        return clauses[0].value
    return None


def _from_database(question: Question, caller: Caller, root: str) -> Page:
    """A page as the database finds it: in one statement, and so of one moment of the data."""
    conditions = [_all_of(caller, question.endpoint), *_subset(caller, question.endpoint, question.ids)]
    conditions += [question.where] if question.where is not None else []
    text, values = (
        " AND ".join(text for text, _ in conditions),
        [one for _, said in conditions for one in said],
    )
    count: Sql = f"SELECT count(*) FROM records_record WHERE {text}", values
    if question.where is None and not question.ids:
        count = _WHOLE, [caller.share, question.endpoint.kind, question.endpoint.subset]
    page = _query(question, caller.share, (text, values), _counted(caller, count), root)
    if page.revision != caller.revision:  # a load came in between, and the count may be of before it
        page = _query(question, caller.share, (text, values), count, root)
    _counts[caller.share, page.revision, count[0], repr(count[1])] = page.total
    while len(_counts) > MOST_COUNTS:
        _counts.pop(next(iter(_counts)), None)
    return page


# How many records a filter finds at a revision: whoever reads page after page asks it each time.
MOST_COUNTS = 1000
_counts: dict[tuple[int, int, str, str], int] = {}


def _counted(caller: Caller, count: Sql) -> Sql:
    known = _counts.get((caller.share, caller.revision, count[0], repr(count[1])))
    return count if known is None else ("SELECT %s::bigint", [known])


def _query(question: Question, share: int, conditions: Sql, count: Sql, root: str) -> Page:
    """The database joins the stored records, unless only some of their fields are wanted."""
    (text, values), (order, ordering), asked = conditions, question.order, question.window
    gather = "string_agg(document, ',')" if question.fields is None else "array_agg(document)"
    inner = f"SELECT {question.column} AS document FROM records_record WHERE {text} ORDER BY {order} LIMIT %s OFFSET %s"
    query = f"SELECT (SELECT revision FROM records_share WHERE id = %s), ({count[0]}), count(*), {gather} FROM ({inner}) AS page"
    with connection.cursor() as cursor:
        cursor.execute(query, [share, *count[1], *values, *ordering, asked.limit, asked.offset])
        revision, total, number, found = cursor.fetchone()
    if question.fields is not None:
        found = ",".join(_selected(row, question.fields) for row in found or ())
    records = _absolute(found or "", root, question.version)
    return Page(Stream(len(records), lambda: iter((records,))), number, int(total or 0), int(revision or 0))


def _selected(row: str, names: list[str]) -> str:
    said = msgspec.json.decode(row)
    return msgspec.json.encode({name: said[name] for name in names if name in said}).decode()


def _absolute(text: str, root: str, version: str) -> bytes:
    # A quote inside a JSON text is escaped, so this can only be the beginning of one of our own hrefs.
    return text.replace('"href":"~/', f'"href":"{root}{BASE_PATHS[version]}/').encode()


def _all_of(caller: Caller, endpoint: Endpoint) -> Sql:
    return "share = %s AND kind = %s", [caller.share, endpoint.kind]


def _subset(caller: Caller, endpoint: Endpoint, ids: tuple[str, ...]) -> list[Sql]:
    found: list[Sql] = []
    parents = dict(zip(endpoint.parents, ids, strict=True)) if endpoint.parents else {}
    in_class = endpoint.kind == "users" and "class" in parents
    if endpoint.subset and endpoint.kind == "users" and not in_class and "school" not in parents:
        found.append(("roles @> %s::text[]", [[endpoint.subset]]))
    if endpoint.subset and endpoint.kind != "users":
        found.append(("type = %s", [endpoint.subset]))
    return found + [_of_parent(caller.share, endpoint, name, one, parents) for name, one in parents.items()]


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
