"""The OneRoster service as a lean WSGI application: /ims/... and /oauth/..., past Django's middleware.

Kind to weak clients: doubled and trailing slashes, every spelling of the 1.2 base, a body with GET, HEAD and OPTIONS.
"""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import close_old_connections
from django.utils import timezone

from homeroom.oneroster import errors
from homeroom.oneroster.endpoints import SCOPES_FOR, V1P1, V1P2, match
from homeroom.oneroster.errors import Refusal
from homeroom.oneroster.fields import TOP, find
from homeroom.sis.oneroster_api.callers import Caller, caller_of
from homeroom.sis.oneroster_api.collections import collection, single
from homeroom.sis.oneroster_api.discovery import discovery, is_discovery
from homeroom.sis.oneroster_api.tokens import token_answer
from homeroom.sis.rehearsal.acting import PREFIXES, TOKENS, Place, play
from homeroom.sis.secured_users.usage import Call, usage
from homeroom.sis.wire import Answer, Environ, Request, read_request, send

log = logging.getLogger(__name__)
SEGMENTS = "rostering/v1p2|v1p2/rostering/v1p2|v1p2|v1p1"
# Some clients add a base to whatever address they were given, one that has it already too: the last one counts.
_BASE = re.compile(
    rf"(?P<prefix>(?:{PREFIXES})?)(?:/ims/oneroster/(?:{SEGMENTS}))*/ims/oneroster/(?P<segment>{SEGMENTS})(?=/|$)"
)
_TOKEN = re.compile(
    rf"(?:/ims/oneroster(?:/(?:{SEGMENTS}|rostering/v1p1))?(?:/oauth2?)?|/oauth2?)/(?:access_)?token|{TOKENS}",
    re.IGNORECASE,
)
_SERVED = re.compile(rf"/+(?:ims|oauth2?)(?:/|$)|/*(?:(?:{PREFIXES})/+ims/|(?:{TOKENS})/*$)", re.IGNORECASE)
LONGEST_QUERY = 16_384  # it stands in the next link too, and a header has an end
_METHODS = "GET, HEAD, OPTIONS"


def serves(path: str) -> bool:
    """Whether a path belongs to the API."""
    return _SERVED.match(path) is not None


@dataclass(frozen=True, slots=True)
class Desk:
    """What stands around a call: who tells the caller of a request, and where it is written down what that caller fetched."""

    who: Callable[[Request, datetime], Caller | None] = caller_of
    note: Callable[[Call, int, int, datetime], None] = usage.note


DESK = Desk()


def api(
    environ: Environ, start_response: Any, clock: Callable[[], datetime] = timezone.now, desk: Desk = DESK
) -> Iterable[bytes]:
    """Answers one request. Nothing it logs holds a token, a query or a person."""
    close_old_connections()
    request = read_request(environ)
    return send(respond(request, clock(), desk), request, start_response)


def respond(request: Request, now: datetime, desk: Desk) -> Answer:
    """The answer to a request. Never raises."""
    path = re.sub(r"/{2,}", "/", request.path).rstrip("/")
    base = _BASE.match(path)
    version = V1P1 if base and base["segment"] == "v1p1" else V1P2
    try:
        if _TOKEN.fullmatch(path):
            return token_answer(replace(request, path=path), now)
        return _answer(request, base, path[base.end() :] if base else None, version, now, desk)
    except Refusal as refusal:
        return Answer(
            refusal.status, errors.body(version, refusal.code, refusal.description), refusal.headers
        )
    except Exception:
        log.exception("a OneRoster request failed")
        said = "The server failed; its log says why"
        return Answer(500, errors.body(version, "internal_server_error", said))


def _answer(
    request: Request,
    base: re.Match[str] | None,
    below: str | None,
    version: str,
    now: datetime,
    desk: Desk,
) -> Answer:
    found = match(below) if below is not None else None
    if "\0" in request.path or any("\0" in value for _, value in request.query):
        raise Refusal(400, "invaliddata", "An address or parameter holds a character that no record can hold")
    if len(request.raw_query) > LONGEST_QUERY:
        raise Refusal(414, "invaliddata", f"The query is longer than {LONGEST_QUERY} characters")
    if request.method == "OPTIONS":
        return Answer(204, headers={"Allow": _METHODS})
    if found is None or base is None:
        if below is not None and is_discovery(below, version) and request.method in ("GET", "HEAD"):
            return discovery(request.root, version)
        said = "There is no such OneRoster address; /orgs and /users are among those there are"
        raise Refusal(404, "unknownobject", said)
    if request.method not in ("GET", "HEAD"):
        raise Refusal(405, "invaliddata", "This server is read-only", {"Allow": _METHODS})
    caller = desk.who(request, now)
    if caller is None:
        brought = ', error="invalid_token"' if "authorization" in request.headers else ""  # RFC 6750, 3
        challenge = {"WWW-Authenticate": f'Bearer realm="OneRoster"{brought}'}
        raise Refusal(401, "unauthorisedrequest", "There is no valid token with this request", challenge)
    endpoint, ids = found
    place = Place(base["prefix"], base["segment"], version, endpoint)
    return _noted(request, caller, place, ids, now, desk)


def _noted(
    request: Request, caller: Caller, place: Place, ids: tuple[str, ...], now: datetime, desk: Desk
) -> Answer:
    """The answer to a caller, with a line in the log of what it fetched."""
    try:
        answer = _for(request, caller, place, ids, now)
    except Refusal as refusal:
        desk.note(_call(request, caller, place, refusal.status), 0, 0, now)
        raise
    desk.note(_call(request, caller, place, answer.status), answer.records, answer.size, now)
    return answer


def _call(request: Request, caller: Caller, place: Place, status: int) -> Call:
    """What was asked for, without a value that could name a person."""
    asked = [f"{name}={_fields(value, place)}" for name, value in request.query if name in _BY_FIELD]
    return Call(caller.user, caller.key, " ".join([f"{place.version} {place.endpoint.path}", *asked]), status)


_BY_FIELD = ("filter", "sort", "fields")


def _fields(value: str, place: Place) -> str:
    """The fields of the standard that a filter, sort or selection names."""
    return _named(_QUOTED.sub("", value), place.version, place.endpoint.kind)


_QUOTED = re.compile(r"'[^']*'")


@lru_cache(1000)
def _named(text: str, version: str, kind: str) -> str:
    words = dict.fromkeys(re.findall(r"[A-Za-z][\w.]*", text))
    return ",".join(word for word in words if word in TOP[version][kind] or find(version, kind, word))[:60]


def _for(request: Request, caller: Caller, place: Place, ids: tuple[str, ...], now: datetime) -> Answer:
    endpoint = place.endpoint

    def ask(asked: Request) -> Answer:
        if not caller.scopes.intersection(SCOPES_FOR[endpoint.scope]):
            raise Refusal(403, "forbidden", f"The token lacks the scope {SCOPES_FOR[endpoint.scope][0]}")
        return (single if endpoint.single else collection)(asked, caller, endpoint, ids, place.version)

    if caller.rehearses:
        return play(caller.user, request, place, lambda asked: ask(asked).read(), now)
    if place.prefix:
        raise Refusal(404, "unknownobject", "There is no such OneRoster address")
    return ask(request)
