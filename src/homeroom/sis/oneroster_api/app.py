"""The OneRoster service as a lean WSGI application: /ims/... and /oauth/..., past Django's middleware.

Kind to weak clients: doubled and trailing slashes, both spellings of the 1.2 base, a body with GET, HEAD and OPTIONS.
"""

import logging
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db import close_old_connections
from django.utils import timezone

from homeroom.oneroster import errors
from homeroom.oneroster.endpoints import ALL_SCOPES, SCOPES_FOR, V1P1, V1P2, match
from homeroom.oneroster.errors import Refusal
from homeroom.sis.oneroster_api.collections import collection, single
from homeroom.sis.oneroster_api.discovery import discovery
from homeroom.sis.oneroster_api.oauth1 import signed_by
from homeroom.sis.oneroster_api.request import Answer, Environ, Request, read_request, send
from homeroom.sis.oneroster_api.tokens import scopes_of, token_answer
from homeroom.sis.secured_users.usage import usage

log = logging.getLogger(__name__)
_BASE = re.compile(r"/ims/oneroster/(rostering/v1p2|v1p2/rostering/v1p2|v1p2|v1p1)(?=/|$)")
_TOKEN = re.compile(
    r"(?:/ims/oneroster(?:/(?:rostering/)?v1p[12])?|/oauth2?)/(?:access_)?token", re.IGNORECASE
)
_METHODS = "GET, HEAD, OPTIONS"


def serves(path: str) -> bool:
    """Whether a path belongs to the API."""
    return re.match(r"/+(ims|oauth2?)(/|$)", path) is not None


def api(
    environ: Environ, start_response: Any, clock: Callable[[], datetime] = timezone.now
) -> Iterable[bytes]:
    """Answers one request. Nothing it logs holds a token, a query or a person."""
    close_old_connections()
    request = read_request(environ)
    path = re.sub(r"/{2,}", "/", request.path).rstrip("/")
    if _TOKEN.fullmatch(path):
        return send(token_answer(request, clock()), request, start_response)
    base = _BASE.match(path)
    version = V1P1 if base and base[1] == "v1p1" else V1P2
    try:
        answer = _answer(request, path[base.end() :] if base else None, version, clock())
    except Refusal as refusal:
        body = errors.body(version, refusal.code, refusal.description)
        answer = Answer(refusal.status, body, refusal.headers)
    except Exception:
        log.exception("a OneRoster request failed")
        answer = Answer(
            500, errors.body(version, "internal_server_error", "The server failed; its log says why")
        )
    return send(answer, request, start_response)


def _answer(request: Request, below: str | None, version: str, now: datetime) -> Answer:
    found = match(below) if below is not None else None
    if "\0" in request.path or any("\0" in value for _, value in request.query):
        raise Refusal(400, "invaliddata", "An address or parameter holds a character that no record can hold")
    if request.method == "OPTIONS":
        return Answer(204, headers={"Allow": _METHODS})
    if found is None:
        described = discovery(below, request.root, version) if below is not None else None
        if described is not None:
            return described
        raise Refusal(
            404,
            "unknownobject",
            "There is no such OneRoster address; /orgs and /users are among those there are",
        )
    if request.method not in ("GET", "HEAD"):
        raise Refusal(405, "invaliddata", "This server is read-only", {"Allow": _METHODS})
    endpoint, ids = found
    granted = _granted(request, now)
    if granted is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="OneRoster"'}
        raise Refusal(401, "unauthorisedrequest", "There is no valid token with this request", challenge)
    usage.note(granted[1], now)
    if not granted[0].intersection(SCOPES_FOR[endpoint.scope]):
        raise Refusal(403, "forbidden", f"The token lacks the scope {SCOPES_FOR[endpoint.scope][0]}")
    return (single if endpoint.single else collection)(request, endpoint, ids, version)


def _granted(request: Request, now: datetime) -> tuple[set[str], int] | None:
    """The scopes and the key of a request: by its token, or by its signature, which stands for all of them."""
    header = request.headers.get("authorization", "")
    if not header.lstrip().lower().startswith("oauth "):
        return scopes_of(header, now)
    key = signed_by(request, now)
    return None if key is None else (set(ALL_SCOPES), key)
