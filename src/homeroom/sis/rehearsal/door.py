"""The token service in a rehearsal: what is answered in place of a token, and with it."""

import re
from dataclasses import replace
from datetime import timedelta

import msgspec

from homeroom.sis.rehearsal.acting import COOKIE
from homeroom.sis.rehearsal.dialects import DIALECTS, Dialect
from homeroom.sis.rehearsal.models import Rehearsal
from homeroom.sis.wire import Answer, Request


def instead_of_token(user: int, request: Request, scope: str) -> Answer | None:
    """What a request for a token is answered in place of one, if anything. Counts the token that will be given."""
    rehearsal = Rehearsal.objects.filter(secured_user_id=user).first()
    dialect = DIALECTS.get(rehearsal.dialect) if rehearsal is not None else None
    refused = _refused(dialect, request, scope)
    if rehearsal is None or refused is not None:
        return refused
    if "expired_secret" in rehearsal.faults:
        return _no_token(401, "invalid_client", "The secret has expired")
    rehearsal.give_token()
    return None


def _refused(dialect: Dialect | None, request: Request, scope: str) -> Answer | None:
    if dialect is None:
        return None if re.match(r"/(ims|oauth2?)/", request.path) else _no_such_address()
    if not dialect.token or not re.fullmatch(dialect.token_path, request.path):
        return _no_such_address()
    if dialect.token_parameter and not request.value(dialect.token_parameter):
        return _no_token(400, "invalid_request", f"The address has lost its ?{dialect.token_parameter}=")
    if dialect.basic and not _is_basic(request):
        return _no_token(401, "invalid_client", "Send key and secret in a Basic header")
    if dialect.needs_scope and not scope:
        return _no_token(400, "invalid_scope", "Ask for at least one scope")
    return None


def _is_basic(request: Request) -> bool:
    return request.headers.get("authorization", "").lower().startswith("basic ")


def _no_such_address() -> Answer:
    return _no_token(404, "invalid_request", "There is no token at this address")


def _no_token(status: int, code: str, said: str) -> Answer:
    return Answer(status, msgspec.json.encode({"error": code, "error_description": said}))


def token_life(user: int, usual: timedelta) -> timedelta:
    """How long a token of a secured user lives."""
    dialect = _dialect(user)
    return usual if dialect is None else timedelta(seconds=dialect.seconds)


def with_token(user: int, answer: Answer) -> Answer:
    """The answer that carries a token, with the cookie of a dialect that wants it back."""
    dialect = _dialect(user)
    if dialect is None or not dialect.cookie:
        return answer
    return replace(answer, headers={**answer.headers, "Set-Cookie": f"{COOKIE}=node-2; Path=/; HttpOnly"})


def _dialect(user: int) -> Dialect | None:
    rehearsal = Rehearsal.objects.filter(secured_user_id=user).first()
    return DIALECTS.get(rehearsal.dialect) if rehearsal is not None else None
