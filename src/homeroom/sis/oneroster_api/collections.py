"""One answer of the REST service: from an endpoint and a query to the bytes of a page."""

from dataclasses import dataclass
from typing import Any

import msgspec
import xxhash
from django.db import connection

from homeroom.oneroster import errors
from homeroom.oneroster import filter as filters
from homeroom.oneroster.endpoints import BASE_PATHS, V1P1, Endpoint
from homeroom.oneroster.errors import Refusal
from homeroom.oneroster.fields import TOP
from homeroom.oneroster.filter import Filter
from homeroom.oneroster.paging import PagingError, Window, link_header, window
from homeroom.sis.oneroster_api.callers import Caller
from homeroom.sis.oneroster_api.snapshot import snapshots
from homeroom.sis.oneroster_api.sql import Sql, UnknownField, order, where
from homeroom.sis.wire import Answer, Request

LARGEST_LIMIT = 10_000

# The people, classes and sessions that belong to a parent, by what the parent is, in the same share.
_ENROLLED = "FROM records_record e WHERE e.share = %s AND e.kind = 'enrollments'"
_MEMBERS = f"sourced_id IN (SELECT e.user {_ENROLLED} AND e.class_id = %s AND e.type = %s)"
_TAUGHT = f"sourced_id IN (SELECT e.class_id {_ENROLLED} AND e.user = %s{{role}})"
_IN_SCHOOL = "EXISTS (SELECT FROM records_record c WHERE c.share = %s AND c.kind = 'classes' AND c.sourced_id = %s AND c.school = %s)"
_SCHOOL_TERMS = "sourced_id IN (SELECT unnest(c.terms) FROM records_record c WHERE c.share = %s AND c.kind = 'classes' AND c.school = %s)"
_WHOLE = "SELECT count FROM records_total WHERE share = %s AND kind = %s AND subset = %s"


@dataclass(frozen=True, slots=True)
class Page:
    """Records as JSON joined by commas, how many there are in all, the revision of the data they are of.

    As bytes they have absolute hrefs, as a text still relative ones.
    """

    records: bytes | str
    total: int
    revision: int


def collection(
    request: Request, caller: Caller, endpoint: Endpoint, ids: tuple[str, ...], version: str
) -> Answer:
    """A page of a collection. Raises `Refusal`."""
    asked = _window(request)
    warnings: list[dict[str, Any]] = []
    wanted = _filter(request)
    filtered = _where(wanted, endpoint, version)
    direction = "DESC" if (request.value("orderBy") or "").lower() == "desc" else "ASC"
    ordered = _order(request, endpoint, version, direction, warnings)
    names = _selection(request, endpoint, version, warnings)
    if (known := _not_modified(request, caller, version)) is not None:
        return known
    page = None
    if names is None and not ids and ordered == BY_ID:
        page = _from_snapshot(request, caller, endpoint, version, asked, wanted)
    if page is None:
        conditions = [_all_of(caller, endpoint), *_subset(caller, endpoint, ids), *filtered]
        plain = not filtered and not ids
        page = _from_database(caller, endpoint, version, conditions, ordered, asked, names, plain=plain)
    link = link_header(request.root + request.path, request.query, asked, page.total)
    headers = {
        "X-Total-Count": str(page.total),
        "Link": link,
        **_tagged(request, caller.share, page.revision, version),
    }
    return Answer(200, _body(f'"{endpoint.key}":[', page, "]", warnings, request.root, version), headers)


def single(
    request: Request, caller: Caller, endpoint: Endpoint, ids: tuple[str, ...], version: str
) -> Answer:
    """One object, or 404. Raises `Refusal`."""
    warnings: list[dict[str, Any]] = []
    names = _selection(request, endpoint, version, warnings)
    conditions: list[Sql] = [
        _all_of(caller, endpoint),
        ("sourced_id = %s", [ids[0]]),
        *_subset(caller, endpoint, ()),
    ]
    page = _query(caller.share, version, conditions, BY_ID, Window(1, 0), ("SELECT 1", []), names)
    if not page.records:
        raise Refusal(404, "unknownobject", f"There is no {endpoint.key} with this sourcedId")
    if (known := _not_modified(request, caller, version)) is not None:
        return known
    headers = {"X-Total-Count": "1", **_tagged(request, caller.share, page.revision, version)}
    return Answer(200, _body(f'"{endpoint.key}":', page, "", warnings, request.root, version), headers)


def _body(
    before: str, page: Page, after: str, warnings: list[dict[str, Any]], root: str, version: str
) -> bytes:
    """The collection key first, then the records, then what there was to warn of."""
    tail = b',"statusInfoSet":' + msgspec.json.encode(warnings) if warnings else b""
    records = page.records if isinstance(page.records, bytes) else _absolute(page.records, root, version)
    return b"".join((b"{", before.encode(), records, after.encode(), tail, b"}"))


def _tagged(request: Request, share: int, revision: int, version: str) -> dict[str, str]:
    """The revision of the data, and a tag: the same call of the same share at the same revision has the same answer."""
    asked = f"{share} {revision} {version} {request.root}{request.path}?{request.raw_query}"
    tag = f'W/"{revision}-{xxhash.xxh3_64_hexdigest(asked.encode())}"'
    return {"X-Perm-Rev": str(revision), "ETag": tag}


def _not_modified(request: Request, caller: Caller, version: str) -> Answer | None:
    """304, when the client has this very answer already. A rehearsal's answers are never the same twice."""
    known = request.headers.get("if-none-match")
    if not known or caller.rehearses:
        return None
    headers = _tagged(request, caller.share, caller.revision, version)
    tags = {part.strip().removeprefix("W/") for part in known.split(",")}
    return Answer(304, b"", headers) if headers["ETag"].removeprefix("W/") in tags or "*" in tags else None


def _column(version: str) -> str:
    return "v1p1" if version == V1P1 else "v1p2"


def _all_of(caller: Caller, endpoint: Endpoint) -> Sql:
    return "share = %s AND kind = %s", [caller.share, endpoint.kind]


def _from_snapshot(
    request: Request, caller: Caller, endpoint: Endpoint, version: str, asked: Window, wanted: Filter | None
) -> Page | None:
    """A page of a whole collection, or of what comes after an id, as clients ask that read by id; None when it must be found."""
    after = _after(wanted)
    if caller.share or (wanted is not None and after is None):
        return None
    snapshot = snapshots.find(request.root, caller.revision, endpoint.kind, _column(version))
    if snapshot is None:
        return None
    skipped = snapshot.after(endpoint.subset, after) if after is not None else 0
    records = snapshot.page(endpoint.subset, skipped + asked.offset, asked.limit)
    return Page(records, snapshot.total(endpoint.subset) - skipped, caller.revision)


def _after(wanted: Filter | None) -> str | None:
    """The id of a filter that says nothing but sourcedId>'id'."""
    clauses = wanted.clauses if wanted is not None else ()
    if len(clauses) == 1 and (clauses[0].field, clauses[0].operator) == ("sourcedId", ">"):
        return clauses[0].value
    return None


def _from_database(
    caller: Caller,
    endpoint: Endpoint,
    version: str,
    conditions: list[Sql],
    ordered: Sql,
    asked: Window,
    names: list[str] | None,
    *,
    plain: bool,
) -> Page:
    """A page as the database finds it: in one statement, and so of one moment of the data."""
    text, values = _joined(conditions)
    count: Sql = f"SELECT count(*) FROM records_record WHERE {text}", values
    if plain:
        count = _WHOLE, [caller.share, endpoint.kind, endpoint.subset]
    page = _query(caller.share, version, conditions, ordered, asked, _counted(caller, count), names)
    if page.revision != caller.revision:  # a load came in between, and the count may be of before it
        page = _query(caller.share, version, conditions, ordered, asked, count, names)
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


def _query(
    share: int,
    version: str,
    conditions: list[Sql],
    ordered: Sql,
    asked: Window,
    count: Sql,
    names: list[str] | None,
) -> Page:
    """The database joins the stored records; hrefs are still relative."""
    text, values = _joined(conditions)
    gather = "string_agg(document, ',')" if names is None else "array_agg(document)"
    inner = f"SELECT {_column(version)} AS document FROM records_record WHERE {text} ORDER BY {ordered[0]} LIMIT %s OFFSET %s"
    query = f"SELECT (SELECT revision FROM records_share WHERE id = %s), ({count[0]}), {gather} FROM ({inner}) AS page"
    with connection.cursor() as cursor:
        cursor.execute(query, [share, *count[1], *values, *ordered[1], asked.limit, asked.offset])
        revision, total, found = cursor.fetchone()
    if names is not None:
        found = ",".join(_selected(row, names) for row in found or ())
    return Page(found or "", int(total or 0), int(revision or 0))


BY_ID: Sql = ("sourced_id ASC", [])


def _window(request: Request) -> Window:
    try:
        return window(request.value("limit"), request.value("offset"), LARGEST_LIMIT)
    except PagingError as wrong:
        raise Refusal(400, "invaliddata", str(wrong)) from wrong


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


def _filter(request: Request) -> Filter | None:
    text = request.value("filter")
    if text is None or not text.strip():
        return None
    try:
        return filters.parse(text)
    except filters.FilterError as wrong:
        raise Refusal(400, "invalid_filter_field", str(wrong)) from wrong


def _where(wanted: Filter | None, endpoint: Endpoint, version: str) -> list[Sql]:
    try:
        return [where(wanted, version, endpoint.kind)] if wanted is not None else []
    except UnknownField as wrong:
        raise Refusal(400, "invalid_filter_field", f"{endpoint.kind} have no field {wrong}") from wrong


def _order(
    request: Request, endpoint: Endpoint, version: str, direction: str, warnings: list[dict[str, Any]]
) -> Sql:
    field = request.value("sort")
    try:
        return order(field, direction, version, endpoint.kind)
    except UnknownField as wrong:
        said = f"{endpoint.kind} have no field {wrong} to sort by"
        if version != V1P1:
            raise Refusal(400, "invaliddata", said) from wrong
        warnings += errors.status_info(version, "invalid_sort_field", said, "warning")["statusInfoSet"]
        return order(None, "ASC", version, endpoint.kind)


def _selection(
    request: Request, endpoint: Endpoint, version: str, warnings: list[dict[str, Any]]
) -> list[str] | None:
    given = [value for name, value in request.query if name == "fields"]
    if not given:
        return None
    names = [name.strip() for value in given for name in value.split(",") if name.strip()]
    if not names:
        code = "invalid_blank_selection_field" if version == V1P1 else "invalid_selection_field"
        raise Refusal(400, code, "fields names no field")
    unknown = [name for name in names if name not in TOP[version][endpoint.kind]]
    if not unknown:
        return names
    said = f"{endpoint.kind} have no field {unknown[0][:100]}"
    if version != V1P1:
        raise Refusal(400, "invalid_selection_field", said)
    warnings += errors.status_info(version, "invalid_selection_field", said, "warning")["statusInfoSet"]
    return None


def _selected(row: str, names: list[str]) -> str:
    said = msgspec.json.decode(row)
    return msgspec.json.encode({name: said[name] for name in names if name in said}).decode()


def _joined(conditions: list[Sql]) -> Sql:
    return " AND ".join(text for text, _ in conditions), [
        value for _, values in conditions for value in values
    ]


def _absolute(text: str, root: str, version: str) -> bytes:
    # A quote inside a JSON text is escaped, so this can only be the beginning of one of our own hrefs.
    return text.replace('"href":"~/', f'"href":"{root}{BASE_PATHS[version]}/').encode()
