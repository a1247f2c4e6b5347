"""Playing a rehearsal: what a secured user's calls are answered, in the dialect and with the faults that are switched on."""

import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from http.cookies import SimpleCookie

import msgspec

from homeroom.oneroster import filter as filters
from homeroom.oneroster.endpoints import BASE_PATHS, V1P1, V1P2, Endpoint
from homeroom.oneroster.errors import Refusal
from homeroom.oneroster.fields import TOP
from homeroom.sis.rehearsal.dialects import DIALECTS, Auth, Dialect
from homeroom.sis.rehearsal.faults import FAULTS, Ask, Bend, Strike
from homeroom.sis.rehearsal.models import Rehearsal
from homeroom.sis.wire import Answer, Request

COOKIE = "affinity"
PREFIXES = "|".join(sorted({dialect.before for dialect in DIALECTS.values() if dialect.before}))
TOKENS = "|".join(sorted({dialect.token_path for dialect in DIALECTS.values() if dialect.token}))
# What a secured user meets that rehearses faults and no dialect: all our own addresses, and either way of showing who it is.
_OURS = Dialect("", "", "", BASE_PATHS[V1P1], "", (V1P1, V1P2), segment=".*", revision=True)


class Place(msgspec.Struct, frozen=True):
    """Where a call went: what stood before /ims/oneroster, the version segment, the version and the operation."""

    prefix: str
    segment: str
    version: str
    endpoint: Endpoint


def play(user: int, request: Request, place: Place, ask: Ask, now: datetime) -> Answer:
    """The answer of one call. `ask` gives what the server says by itself. Raises `Refusal` as a dialect would."""
    rehearsal = Rehearsal.of_next_call(user)
    dialect = DIALECTS.get(rehearsal.dialect, _OURS) if rehearsal is not None else _OURS
    _meet(dialect, request, place)
    if rehearsal is None:  # it was ended between the look at the caller and now
        return ask(request)

    def plainly(asked: Request) -> Answer:
        return _spoken(dialect, ask(_heard(dialect, asked, place)), request, place)

    bent: Ask = plainly
    for name in rehearsal.faults:
        if (bend := FAULTS[name].bend) is not None:
            bent = _bent(bend, Strike(rehearsal, request, now, tokens=_brings_token(dialect, request)), bent)
    answer = bent(request)
    # A client must not take what it kept of a rehearsal for the truth, once that is over.
    return replace(answer, headers=_left(answer.headers, {"ETag"}))


def _bent(bend: Bend, strike: Strike, ask: Ask) -> Ask:
    return lambda asked: bend(replace(strike, request=asked), ask)


def _brings_token(dialect: Dialect, request: Request) -> bool:
    return dialect.auth is Auth.TOKEN and not _is_signed(request)


def _is_signed(request: Request) -> bool:
    return request.headers.get("authorization", "").lstrip().lower().startswith("oauth ")


def _meet(dialect: Dialect, request: Request, place: Place) -> None:
    """Raises `Refusal` where this SIS has nothing, or wants to be asked otherwise."""
    here = re.fullmatch(dialect.before, place.prefix) and re.fullmatch(dialect.after, place.segment)
    if not here or place.version not in dialect.versions or place.endpoint.operation in dialect.refused:
        raise Refusal(404, "unknownobject", "There is no such address here")
    signed = dialect.auth is Auth.SIGNED
    if dialect is not _OURS and _is_signed(request) != signed:
        said = "Sign each call with OAuth 1.0a" if signed else "Bring a token"
        raise Refusal(401, "unauthorisedrequest", said)
    if dialect.cookie and COOKIE not in SimpleCookie(request.headers.get("cookie", "")):
        raise Refusal(401, "unauthorisedrequest", "This session is not known on this node")
    if dialect.once_each and max(Counter(name for name, _ in request.query).values(), default=0) > 1:
        raise Refusal(400, "invaliddata", "A parameter came twice")


def _heard(dialect: Dialect, request: Request, place: Place) -> Request:
    """The call as this SIS understands it. Raises `Refusal` for a filter that it does not know."""
    allowed = dialect.filterable.get(place.endpoint.kind, "").split()
    for name in _filtered(request) if allowed else ():
        if name not in allowed:
            raise Refusal(400, "invalid_filter_field", f"{name} is not allowed for filtering")
    limit = request.value("limit") or ""
    cut = limit.isdigit() and int(limit) > dialect.largest
    return request.asking(limit=str(dialect.largest)) if cut else request


def _filtered(request: Request) -> list[str]:
    try:
        return [clause.field for clause in filters.parse(request.value("filter") or "").clauses]
    except filters.FilterError:
        return []  # whoever answers says what is wrong with it


def _spoken(dialect: Dialect, answer: Answer, request: Request, place: Place) -> Answer:
    """The answer in this SIS's words."""
    kept = (("X-Total-Count", dialect.totals), ("Link", dialect.links), ("X-Perm-Rev", dialect.revision))
    headers = _left(answer.headers, {name for name, said in kept if not said})
    if dialect.page_counts and not place.endpoint.single:
        headers["X-Count"] = str(answer.records)
    body = answer.body
    if answer.status == 200 and (dialect.nulls or dialect.blanks or dialect.emptied):
        body = _filled(dialect, body, place)
    base = f'"href":"{request.root}{BASE_PATHS[place.version]}/'
    site = "~" if dialect.tilde else request.root + place.prefix
    said = f'"href":"{site}/ims/oneroster/{place.segment}/'
    return replace(answer, body=body.replace(base.encode(), said.encode()), headers=headers)


def _left(headers: dict[str, str], gone: set[str]) -> dict[str, str]:
    return {name: said for name, said in headers.items() if name not in gone}


def _filled(dialect: Dialect, body: bytes, place: Place) -> bytes:
    """Records with null, or with an empty text, where others leave a field out."""
    said = msgspec.json.decode(body)
    held, kind = said.get(place.endpoint.key), place.endpoint.kind
    empty = {**dict.fromkeys(dialect.nulls), **dict.fromkeys(dialect.blanks, "")}
    empty = {name: nothing for name, nothing in empty.items() if name in TOP[place.version][kind]}
    for record in held if isinstance(held, list) else [held]:
        for name, nothing in empty.items():
            record.setdefault(name, nothing)
        record.update(dict.fromkeys(name for name in dialect.emptied.get(kind, ()) if name in record))
    return msgspec.json.encode(said)
