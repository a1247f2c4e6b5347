"""Playing a rehearsal: what a secured user's calls are answered, in the dialect and with the faults that are switched on."""

import re
from dataclasses import replace
from datetime import datetime
from http.cookies import SimpleCookie
from typing import Any

import msgspec
from django.db.models import F

from homeroom.oneroster import filter as filters
from homeroom.oneroster.endpoints import BASE_PATHS, Endpoint
from homeroom.oneroster.errors import Refusal
from homeroom.oneroster.fields import TOP
from homeroom.sis.rehearsal.dialects import DIALECTS, Dialect
from homeroom.sis.rehearsal.faults import FAULTS, Ask, Strike
from homeroom.sis.rehearsal.models import Rehearsal
from homeroom.sis.wire import Answer, Request

COOKIE = "affinity"
PREFIXES = "|".join(sorted({dialect.prefix for dialect in DIALECTS.values() if dialect.prefix}))
TOKENS = "|".join(sorted({dialect.token for dialect in DIALECTS.values() if dialect.token}))
_PLAIN = Dialect("", "")


class Place(msgspec.Struct, frozen=True):
    """Where a call went: what stood before /ims/oneroster, the version segment, the version and the operation."""

    prefix: str
    segment: str
    version: str
    endpoint: Endpoint


def may_have_token(user: int, path: str, scope: str) -> Answer | None:
    """What a token request is answered in place of a token, if anything. Counts the token that will be given."""
    rehearsal = Rehearsal.objects.filter(secured_user_id=user).first()
    if rehearsal is None:
        return (
            _no_token(404, "invalid_request", "There is no token at this address")
            if _elsewhere(path)
            else None
        )
    dialect = DIALECTS.get(rehearsal.dialect, _PLAIN)
    if "expired_secret" in rehearsal.faults:
        return _no_token(401, "invalid_client", "The secret has expired")
    if dialect.signed or not re.fullmatch(dialect.token or ".*", path):
        return _no_token(404, "invalid_request", "There is no token at this address")
    if dialect.needs_scope and not scope:
        return _no_token(400, "invalid_scope", "Ask for at least one scope")
    Rehearsal.objects.filter(pk=rehearsal.pk).update(tokens=F("tokens") + 1, calls_with_token=0)
    return None


def _elsewhere(path: str) -> bool:
    """Whether an address of tokens is only some dialect's, and not ours."""
    return re.match(r"/(ims|oauth2?)/", path) is None


def with_token(user: int, answer: Answer) -> Answer:
    """The answer that carries a token, with the cookie of a dialect that wants it back."""
    rehearsal = Rehearsal.objects.filter(secured_user_id=user).first()
    if rehearsal is not None and DIALECTS.get(rehearsal.dialect, _PLAIN).cookie:
        return replace(answer, headers={**answer.headers, "Set-Cookie": f"{COOKIE}=node-2; Path=/; HttpOnly"})
    return answer


def _no_token(status: int, code: str, said: str) -> Answer:
    return Answer(status, msgspec.json.encode({"error": code, "error_description": said}))


def play(user: int, request: Request, place: Place, ask: Ask, now: datetime) -> Answer:
    """The answer of one call. `ask` gives what the server says by itself. Raises `Refusal` as a dialect would."""
    rehearsal = _next_call(user)
    dialect = DIALECTS.get(rehearsal.dialect, _PLAIN)
    _meet(dialect, request, place)

    def plainly(asked: Request) -> Answer:
        return _spoken(dialect, ask(_heard(dialect, asked)), request, place)

    bent: Ask = plainly
    for name in rehearsal.faults:
        bend = FAULTS[name].bend
        if bend is not None:
            bent = _bent(bend, rehearsal, now, bent)
    return bent(request)


def _bent(bend: Any, rehearsal: Rehearsal, now: datetime, ask: Ask) -> Ask:
    return lambda asked: bend(Strike(rehearsal, asked, now), ask)


def _next_call(user: int) -> Rehearsal:
    found = Rehearsal.objects.filter(secured_user_id=user)
    found.update(calls=F("calls") + 1, calls_with_token=F("calls_with_token") + 1)
    return found.get()


def _meet(dialect: Dialect, request: Request, place: Place) -> None:
    """Raises `Refusal` where this SIS has nothing, or wants to be asked otherwise."""
    here = re.fullmatch(dialect.prefix, place.prefix) and re.fullmatch(dialect.segment or ".*", place.segment)
    if not here or place.version not in dialect.versions or place.endpoint.operation in dialect.refused:
        raise Refusal(404, "unknownobject", "There is no such address here")
    signed = request.headers.get("authorization", "").lstrip().lower().startswith("oauth ")
    if signed != dialect.signed and (dialect.signed or dialect.label):
        raise Refusal(
            401,
            "unauthorisedrequest",
            "Sign each call with OAuth 1.0a" if dialect.signed else "Bring a token",
        )
    if dialect.cookie and COOKIE not in SimpleCookie(request.headers.get("cookie", "")):
        raise Refusal(401, "unauthorisedrequest", "This session is not known on this node")


def _heard(dialect: Dialect, request: Request) -> Request:
    """The call as this SIS understands it."""
    limit = request.value("limit") or "100"
    if limit.isdigit() and int(limit) > dialect.largest:
        request = request.asking(limit=str(dialect.largest))
    if dialect.only_active:
        request = _active_only(request)
    return request


def _active_only(request: Request) -> Request:
    active = filters.Clause("status", "=", "active")
    try:
        said = filters.parse(request.value("filter") or "status='active'")
    except filters.FilterError:
        return request
    return request.asking(
        filter=str(filters.Filter(tuple((*clauses, active) for clauses in said.alternatives)))
    )


def _spoken(dialect: Dialect, answer: Answer, request: Request, place: Place) -> Answer:
    """The answer in this SIS's words."""
    left_out = {
        name for name, kept in (("X-Total-Count", dialect.counts), ("Link", dialect.links)) if not kept
    }
    headers = {name: said for name, said in answer.headers.items() if name not in left_out}
    body = answer.body
    if answer.status == 200 and (dialect.nulls or dialect.blanks):
        body = _filled(dialect, body, place)
    base = f'"href":"{request.root}{BASE_PATHS[place.version]}/'
    said = f'"href":"~/ims/oneroster/{place.segment}/' if dialect.tilde else _said_from(request, place)
    return replace(answer, body=body.replace(base.encode(), said.encode()), headers=headers)


def _said_from(request: Request, place: Place) -> str:
    return f'"href":"{request.root}{place.prefix}/ims/oneroster/{place.segment}/'


def _filled(dialect: Dialect, body: bytes, place: Place) -> bytes:
    """Records with null, or with an empty text, where others leave a field out."""
    said = msgspec.json.decode(body)
    held = said.get(place.endpoint.key)
    empty = {**dict.fromkeys(dialect.nulls), **dict.fromkeys(dialect.blanks, "")}
    for record in held if isinstance(held, list) else [held]:
        for name, nothing in empty.items():
            if _has(place.endpoint.kind, name, place.version):
                record.setdefault(name, nothing)
    return msgspec.json.encode(said)


def _has(kind: str, name: str, version: str) -> bool:
    return name in TOP[version][kind]
