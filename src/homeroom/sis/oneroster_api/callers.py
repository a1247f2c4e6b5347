"""Who calls: by a bearer token, or by an OAuth 1.0a signature, and what that caller is given."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models.signals import post_save

from homeroom.oneroster.endpoints import ALL_SCOPES
from homeroom.sis.oneroster_api.known import Known
from homeroom.sis.oneroster_api.oauth1 import is_signed, signed_by
from homeroom.sis.secured_users.keys import hash_of
from homeroom.sis.secured_users.models import SecuredUser
from homeroom.sis.wire import Request


@dataclass(frozen=True, slots=True)
class Caller:
    """A secured user in one call: with which key, for what scopes, which share of the data it is given and that share's revision.

    `rehearses` tells whether its answers are bent for a rehearsal.
    """

    user: int
    key: int
    scopes: frozenset[str]
    share: int
    revision: int
    rehearses: bool


def caller_of(request: Request, now: datetime) -> Caller | None:
    """The caller, or None when the token or signature is not good, has ended, or its secured user is not active."""
    header = request.headers.get("authorization", "")
    scheme, _, token = header.strip().partition(" ")
    if is_signed(request):
        key = signed_by(request, now)
        return None if key is None else _caller(_BY_KEY, [key])
    if scheme.lower() != "bearer" or not token:
        return None
    hashed = hash_of(token.strip())
    return known.get(hashed, now) or _looked_up(hashed, now)


def _looked_up(token: bytes, now: datetime) -> Caller | None:
    since = known.changes
    found = _asked(_BY_TOKEN, [token, now, now])
    if found is None:
        return None
    caller, until = found
    known.keep(token, caller, until, since)
    return caller


def caller_for(user: int) -> Caller | None:
    """A secured user as if it called with every scope, for trying a call; None when it has no key or is not active."""
    return _caller(_BY_USER, [user])


def _caller(query: str, values: list[Any]) -> Caller | None:
    found = _asked(query, values)
    return None if found is None else found[0]


def _asked(query: str, values: list[Any]) -> tuple[Caller, datetime] | None:
    """A caller, and until when it is one."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
    if row is None:
        return None
    user, key, share, revision, rehearses, scopes, until = row
    granted = frozenset(ALL_SCOPES if scopes is None else scopes.split())
    return Caller(user, key, granted, share, revision, rehearses), until


_SELECT = (
    "SELECT held_by.id, held.id, held_by.share, share.revision, rehearsal.id IS NOT NULL, {found} "
    "FROM secured_users_key held JOIN secured_users_secureduser held_by ON held_by.id = held.secured_user_id AND held_by.active "
    "JOIN records_share share ON share.id = held_by.share "
    "LEFT JOIN rehearsal_rehearsal rehearsal ON rehearsal.secured_user_id = held_by.id {rest}"
)
_BY_TOKEN = _SELECT.format(
    found="token.scopes, least(token.expires_at, held.ends_at)",
    rest="JOIN secured_users_token token ON token.key_id = held.id "
    "WHERE token.hash = %s AND token.expires_at > %s AND (held.ends_at IS NULL OR held.ends_at > %s)",
)
_BY_KEY = _SELECT.format(found="NULL::text, held.ends_at", rest="WHERE held.id = %s")
_BY_USER = _SELECT.format(
    found="NULL::text, held.ends_at", rest="WHERE held_by.id = %s ORDER BY held.id DESC LIMIT 1"
)
known: Known[Caller] = Known()


def _forget(**_: object) -> None:
    """What this process itself changes counts at once, before the database's notice is back."""
    known.forget()


post_save.connect(_forget, sender=SecuredUser)
