"""One answer of the REST service: what its query asks for, and the page that answers it."""

import re
from itertools import chain
from typing import Any

import msgspec
import xxhash

from homeroom.oneroster import errors
from homeroom.oneroster import filter as filters
from homeroom.oneroster.endpoints import BASE_PATHS, V1P1, Endpoint
from homeroom.oneroster.errors import Refusal
from homeroom.oneroster.fields import TOP
from homeroom.oneroster.filter import Filter
from homeroom.oneroster.paging import PagingError, Window, link_header, window
from homeroom.sis.oneroster_api.callers import Caller
from homeroom.sis.oneroster_api.pages import find
from homeroom.sis.oneroster_api.questions import Question, begin, condition
from homeroom.sis.oneroster_api.snapshot import PIECE
from homeroom.sis.oneroster_api.sql import Sql, UnknownField, order
from homeroom.sis.wire import Answer, Request, Stream

LARGEST_LIMIT = 10_000


def collection(
    request: Request, caller: Caller, endpoint: Endpoint, ids: tuple[str, ...], version: str
) -> Answer:
    """A page of a collection. Raises `Refusal`."""
    warnings: list[dict[str, Any]] = []
    asked, order = _window(request), _order(request, endpoint, version, warnings)
    after, rest = begin(_filter(request), order)
    where = _where(rest, endpoint, version, request.root)
    names = _selection(request, endpoint, version, warnings)
    question = Question(endpoint, ids, version, asked, after, where, order, names)
    if (known := _not_modified(request, caller, version)) is not None:
        return known
    page = find(question, caller, request.root)
    headers = {
        "X-Total-Count": str(page.total),
        "Link": link_header(request.root + request.path, request.query, asked, page.total),
        **_tagged(request, caller.share, page.revision, version),
    }
    return _answer(f'"{endpoint.key}":[', page.records, "]", warnings, headers, page.number)


def single(
    request: Request, caller: Caller, endpoint: Endpoint, ids: tuple[str, ...], version: str
) -> Answer:
    """One object, or 404. Raises `Refusal`."""
    warnings: list[dict[str, Any]] = []
    names = _selection(request, endpoint, version, warnings)
    question = Question(endpoint, ids, version, Window(1, 0), fields=names)
    page = find(question, caller, request.root)
    if not page.number:
        raise Refusal(404, "unknownobject", f"There is no {endpoint.key} with this sourcedId")
    if (known := _not_modified(request, caller, version)) is not None:
        return known
    headers = {"X-Total-Count": "1", **_tagged(request, caller.share, page.revision, version)}
    return _answer(f'"{endpoint.key}":', page.records, "", warnings, headers, 1)


def _answer(
    before: str,
    records: Stream,
    after: str,
    warnings: list[dict[str, Any]],
    headers: dict[str, str],
    number: int,
) -> Answer:
    """The collection key first, then the records, then what there was to warn of."""
    said = ',"statusInfoSet":' + msgspec.json.encode(warnings).decode() if warnings else ""
    head, tail = f"{{{before}".encode(), f"{after}{said}}}".encode()
    size = len(head) + records.size + len(tail)
    whole = Stream(size, lambda: chain((head,), records.pieces(), (tail,)))
    answer = Answer(200, b"", headers, number, whole)
    return answer if size > PIECE else answer.read()


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


def _one(request: Request, name: str) -> str | None:
    """The value of a parameter that has one. Which of two was meant, nobody can tell. Raises `Refusal`."""
    values = {value for key, value in request.query if key == name}
    if len(values) > 1:
        raise Refusal(400, "invaliddata", f"{name} is given more than once, with different values")
    return values.pop() if values else None


def _window(request: Request) -> Window:
    try:
        return window(_one(request, "limit"), _one(request, "offset"), LARGEST_LIMIT)
    except PagingError as wrong:
        raise Refusal(400, "invaliddata", str(wrong)) from wrong


def _filter(request: Request) -> Filter | None:
    text = _one(request, "filter")
    if text is None or not text.strip():
        return None
    try:
        return filters.parse_sent(text)
    except filters.FilterError as wrong:
        raise Refusal(400, "invalid_filter_field", str(wrong)) from wrong


def _where(wanted: Filter | None, endpoint: Endpoint, version: str, root: str) -> Sql | None:
    try:
        return condition(wanted, version, endpoint.kind, f"{root}{BASE_PATHS[version]}/")
    except UnknownField as wrong:
        said = f"{endpoint.kind} have no field {wrong} that holds a value to compare"
        raise Refusal(400, "invalid_filter_field", said) from wrong
    except filters.FilterError as wrong:
        raise Refusal(400, "invalid_filter_field", str(wrong)) from wrong


_DIRECTIONS = re.compile(r"(?P<asc>|asc(ending)?|acs)|desc(ending)?", re.IGNORECASE)


def _order(request: Request, endpoint: Endpoint, version: str, warnings: list[dict[str, Any]]) -> Sql:
    field, direction = _one(request, "sort"), _DIRECTIONS.fullmatch(_one(request, "orderBy") or "")
    if direction is None:
        raise Refusal(400, "invaliddata", "orderBy is asc or desc")
    try:
        return order(field, "DESC" if direction["asc"] is None else "ASC", version, endpoint.kind)
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
    unknown = [name for name in dict.fromkeys(names) if name not in TOP[version][endpoint.kind]]
    if not unknown:
        return names
    said = f"{endpoint.kind} have no field {', '.join(unknown)[:200]}"
    if version != V1P1:
        raise Refusal(400, "invalid_selection_field", said)
    warnings += errors.status_info(version, "invalid_selection_field", said, "warning")["statusInfoSet"]
    return None
