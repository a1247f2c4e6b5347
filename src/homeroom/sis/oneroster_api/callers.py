"""Who calls: by a bearer token, or by an OAuth 1.0a signature, and what that caller is given.

Asked of the database with every call, so that a secured user who is no longer active is refused at once, tokens included.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg import Cursor

from homeroom.oneroster.endpoints import ALL_SCOPES
from homeroom.sis.oneroster_api.oauth1 import signed_by
from homeroom.sis.wire import Request


@dataclass(frozen=True, slots=True)
class Caller:
    """A secured user in one call: with which key, for what scopes, which share of the data it is given and that share's revision.

    `token` is the id of the bearer token, None for a signed call; `rehearses` whether its answers are bent for a rehearsal.
    """

    user: int
    key: int
    scopes: frozenset[str]
    share: int
    revision: int
    rehearses: bool
    token: int | None = None


def caller_of(request: Request, now: datetime) -> Caller | None:
    """The caller, or None when the token or signature is not good, has ended, or its secured user is not active."""
    header = request.headers.get("authorization", "")
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() == "oauth":
        key = signed_by(request, now)
        return None if key is None else _caller(_BY_KEY, [key])
    if scheme.lower() != "bearer" or not token:
        return None
    return _caller(_BY_TOKEN, [hash_of(token.strip()), now, now])


def caller_for(user: int) -> Caller | None:
    """A secured user as if it called with every scope, for trying and previewing; None when it has no key that lives."""
    return _caller(_BY_USER, [user])


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def _caller(query: str, values: list[Any]) -> Caller | None:
    # A cursor of psycopg's own, since it prepares what it sees often; Django's writes the values into the text.
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        row = cursor.execute(query, values, prepare=True).fetchone()
    if row is None:
        return None
    user, key, share, revision, rehearses, scopes, token = row
    granted = frozenset(ALL_SCOPES if scopes is None else scopes.split())
    return Caller(user, key, granted, share, revision, rehearses, token)


_SELECT = (
    "SELECT held_by.id, held.id, held_by.share, share.revision, rehearsal.id IS NOT NULL, {scopes} "
    "FROM secured_users_key held JOIN secured_users_secureduser held_by ON held_by.id = held.secured_user_id AND held_by.active "
    "JOIN records_share share ON share.id = held_by.share "
    "LEFT JOIN rehearsal_rehearsal rehearsal ON rehearsal.secured_user_id = held_by.id {rest}"
)
_BY_TOKEN = _SELECT.format(
    scopes="token.scopes, token.id",
    rest="JOIN secured_users_token token ON token.key_id = held.id "
    "WHERE token.hash = %s AND token.expires_at > %s AND (held.ends_at IS NULL OR held.ends_at > %s)",
)
_BY_KEY = _SELECT.format(scopes="NULL::text, NULL::bigint", rest="WHERE held.id = %s")
_BY_USER = _SELECT.format(
    scopes="NULL::text, NULL::bigint", rest="WHERE held_by.id = %s ORDER BY held.id DESC LIMIT 1"
)
