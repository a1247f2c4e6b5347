"""One answer of the REST service: from an endpoint and a query to the bytes of a page."""

from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import connection

from homeroom.oneroster import errors
from homeroom.oneroster import filter as filters
from homeroom.oneroster.endpoints import BASE_PATHS, V1P1, Endpoint
from homeroom.oneroster.errors import Refusal
from homeroom.oneroster.fields import TOP
from homeroom.oneroster.paging import PagingError, Window, link_header, window
from homeroom.sis.oneroster_api.request import Answer, Request
from homeroom.sis.oneroster_api.sql import Sql, UnknownField, order, where

LARGEST_LIMIT = 10_000

# The people, classes and sessions that belong to a parent, by what the parent is.
_MEMBERS = "sourced_id IN (SELECT e.user FROM records_record e WHERE e.kind = 'enrollments' AND e.class_id = %s AND e.type = %s)"
_TAUGHT = (
    "sourced_id IN (SELECT e.class_id FROM records_record e WHERE e.kind = 'enrollments' AND e.user = %s)"
)


def collection(request: Request, endpoint: Endpoint, ids: tuple[str, ...], version: str) -> Answer:
    """A page of a collection. Raises `Refusal`."""
    asked = _window(request)
    warnings: list[dict[str, Any]] = []
    conditions = [("kind = %s", [endpoint.kind]), *_subset(endpoint, ids)]
    filtered = _filter(request, endpoint, version)
    direction = "DESC" if (request.value("orderBy") or "").lower() == "desc" else "ASC"
    ordered = _order(request, endpoint, version, direction, warnings)
    names = _selection(request, endpoint, version, warnings)
    narrowed = [*conditions, *filtered]
    total = _total(endpoint, ids, narrowed, _after(request) if not ids else None, plain=not filtered)
    start, beyond = asked, list[Sql]()
    if not filtered and not ids and ordered == BY_ID:
        start, beyond = _from_milestone(endpoint, asked)
    page = _page(_column(version), [*narrowed, *beyond], ordered, start, total, names)
    url = request.root + request.path
    link = link_header(url, request.query, asked, page.total)
    headers = {"X-Total-Count": str(page.total), "Link": link, "X-Perm-Rev": str(page.revision)}
    return Answer(200, _absolute(_body(endpoint.key, page.records, warnings), request, version), headers)


def single(request: Request, endpoint: Endpoint, ids: tuple[str, ...], version: str) -> Answer:
    """One object, or 404. Raises `Refusal`."""
    warnings: list[dict[str, Any]] = []
    names = _selection(request, endpoint, version, warnings)
    conditions: list[Sql] = [
        ("kind = %s", [endpoint.kind]),
        ("sourced_id = %s", [ids[0]]),
        *_subset(endpoint, ()),
    ]
    page = _page(_column(version), conditions, ("sourced_id", []), Window(1, 0), ("1", []), names)
    if not page.records:
        raise Refusal(404, "unknownobject", f"There is no {endpoint.key} with this sourcedId")
    tail = b',"statusInfoSet":' + msgspec.json.encode(warnings) if warnings else b""
    body = b'{"%s":%s%s}' % (endpoint.key.encode(), page.records.encode(), tail)
    headers = {"X-Total-Count": "1", "X-Perm-Rev": str(page.revision)}
    return Answer(200, _absolute(body, request, version), headers)


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is sent: its records as JSON joined by commas, how many there are in all, the revision of the data."""

    records: str
    total: int
    revision: int


def _column(version: str) -> str:
    return "v1p1" if version == V1P1 else "v1p2"


def _page(
    column: str, conditions: list[Sql], ordered: Sql, asked: Window, total: Sql, names: list[str] | None
) -> Page:
    """One statement, and so one moment of the data, whatever is loaded meanwhile. The database joins the stored records."""
    text, values = _joined(conditions)
    gather = "string_agg(document, ',')" if names is None else "array_agg(document)"
    inner = f"SELECT {column} AS document FROM records_record WHERE {text} ORDER BY {ordered[0]} LIMIT %s OFFSET %s"
    query = (
        f"SELECT (SELECT max(number) FROM records_revision), ({total[0]}), {gather} FROM ({inner}) AS page"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [*total[1], *values, *ordered[1], asked.limit, asked.offset])
        revision, count, found = cursor.fetchone()
    if names is not None:
        found = ",".join(_selected(row, names) for row in found or ())
    return Page(found or "", int(count or 0), int(revision or 0))


BY_ID: Sql = ("sourced_id ASC", [])


def _from_milestone(endpoint: Endpoint, asked: Window) -> tuple[Window, list[Sql]]:
    """The last milestone before a page, and how far the page is from there: the last page costs as little as the first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT position, sourced_id FROM records_milestone WHERE kind = %s AND subset = %s AND position <= %s "
            "ORDER BY position DESC LIMIT 1",
            [endpoint.kind, endpoint.subset, asked.offset],
        )
        row = cursor.fetchone()
    if row is None:
        return asked, []
    return Window(asked.limit, asked.offset - row[0]), [("sourced_id >= %s", [row[1]])]


def _window(request: Request) -> Window:
    try:
        return window(request.value("limit"), request.value("offset"), LARGEST_LIMIT)
    except PagingError as wrong:
        raise Refusal(400, "invaliddata", str(wrong)) from wrong


def _subset(endpoint: Endpoint, ids: tuple[str, ...]) -> list[Sql]:
    found: list[Sql] = []
    parents = dict(zip(endpoint.parents, ids, strict=True)) if endpoint.parents else {}
    in_class = endpoint.kind == "users" and "class" in parents
    if endpoint.subset and endpoint.kind == "users" and not in_class and "school" not in parents:
        found.append(("roles @> %s::text[]", [[endpoint.subset]]))
    if endpoint.subset and endpoint.kind != "users":
        found.append(("type = %s", [endpoint.subset]))
    return found + [_of_parent(endpoint, name, sourced_id, parents) for name, sourced_id in parents.items()]


def _of_parent(endpoint: Endpoint, name: str, sourced_id: str, parents: dict[str, str]) -> Sql:
    match endpoint.kind, name:
        case "users", "class":
            return _MEMBERS, [sourced_id, endpoint.subset]
        case "users", "school" if "class" in parents:
            school = "EXISTS (SELECT FROM records_record c WHERE c.kind = 'classes' AND c.sourced_id = %s AND c.school = %s)"
            return school, [parents["class"], sourced_id]
        case "users", "school":
            return "seats @> %s::text[]", [[f"{endpoint.subset}@{sourced_id}"]]
        case "classes", "student" | "teacher" | "user":
            role = " AND e.type = %s)" if name != "user" else ")"
            return _TAUGHT[:-1] + role, [sourced_id, *([name] if name != "user" else [])]
        case "classes", "term":
            return "%s = ANY(terms)", [sourced_id]
        case "academicSessions", "school":
            # A school's terms are those of its classes.
            terms = "sourced_id IN (SELECT unnest(c.terms) FROM records_record c WHERE c.kind = 'classes' AND c.school = %s)"
            return terms, [sourced_id]
        case "academicSessions", _:
            return "parent = %s", [sourced_id]
        case _, "class":
            return "class_id = %s", [sourced_id]
        case _, "course":
            return "course = %s", [sourced_id]
        case _:
            return "school = %s", [sourced_id]


def _filter(request: Request, endpoint: Endpoint, version: str) -> list[Sql]:
    text = request.value("filter")
    if text is None or not text.strip():
        return []
    try:
        return [where(filters.parse(text), version, endpoint.kind)]
    except filters.FilterError as wrong:
        raise Refusal(400, "invalid_filter_field", str(wrong)) from wrong
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


_WHOLE = "SELECT count FROM records_total WHERE kind = %s AND subset = %s"
_UP_TO = (
    "SELECT coalesce(max(position), 0) + (SELECT count(*) FROM records_record WHERE {text} AND sourced_id <= %s AND sourced_id >= "
    "(SELECT coalesce(max(m.sourced_id), '') FROM records_milestone m WHERE m.kind = %s AND m.subset = %s AND m.sourced_id <= %s)) "
    "FROM records_milestone WHERE kind = %s AND subset = %s AND sourced_id <= %s"
)


def _after(request: Request) -> str | None:
    """The id of a filter that says nothing but sourcedId>'id', as clients that read by id ask page after page."""
    try:
        wanted = filters.parse(request.value("filter") or "")
    except filters.FilterError:
        return None
    clauses = wanted.clauses
    return (
        clauses[0].value
        if len(clauses) == 1 and (clauses[0].field, clauses[0].operator) == ("sourcedId", ">")
        else None
    )


def _total(
    endpoint: Endpoint, ids: tuple[str, ...], conditions: list[Sql], after: str | None, *, plain: bool
) -> Sql:
    """How many there are, as a query: counted at the last load, told from the milestones, or counted now."""
    place = [endpoint.kind, endpoint.subset]
    if plain and not ids:
        return _WHOLE, place
    if after is not None:
        text, values = _joined([("kind = %s", [endpoint.kind]), *_subset(endpoint, ())])
        before = [*values, after, *place, after, *place, after]
        return f"({_WHOLE}) - ({_UP_TO.format(text=text)})", [*place, *before]
    text, values = _joined(conditions)
    return f"SELECT count(*) FROM records_record WHERE {text}", values


def _joined(conditions: list[Sql]) -> Sql:
    return " AND ".join(text for text, _ in conditions), [
        value for _, values in conditions for value in values
    ]


def _body(key: str, records: str, warnings: list[dict[str, Any]]) -> bytes:
    tail = b',"statusInfoSet":' + msgspec.json.encode(warnings) if warnings else b""
    return b'{"%s":[%s]%s}' % (key.encode(), records.encode(), tail)


def _absolute(body: bytes, request: Request, version: str) -> bytes:
    # A quote inside a JSON text is escaped, so this can only be the beginning of one of our own hrefs.
    return body.replace(
        b'"href":"~/', b'"href":"%s%s/' % (request.root.encode(), BASE_PATHS[version].encode())
    )
