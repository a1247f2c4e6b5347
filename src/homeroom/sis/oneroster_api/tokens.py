"""The token service: OAuth 2 client credentials, however clients send them.

Source: RFC 6749 sections 2.3.1, 4.4 and 5.2; 1EdTech Security Framework 1.1; scopes of OneRoster 1.1 and 1.2.
"""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, unquote_plus

from homeroom.oneroster.endpoints import ALL_SCOPES, SCOPE_PREFIX, V1P2
from homeroom.sis.oneroster_api.callers import hash_of
from homeroom.sis.rehearsal.acting import may_have_token, with_token
from homeroom.sis.secured_users.keys import valid_key
from homeroom.sis.secured_users.models import Key, Token
from homeroom.sis.wire import Answer, Request

LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a token request said."""

    grant_type: str
    key: str
    secret: str
    scope: str


def token_answer(request: Request, now: datetime) -> Answer:
    """A new token, or the standard's error. Tokens given earlier live on."""
    if request.method != "POST":
        return _error(405, "invalid_request", "Ask for a token with POST", {"Allow": "POST"})
    asked = _read(request)
    if asked.grant_type not in ("client_credentials", ""):
        return _error(400, "unsupported_grant_type", "This server knows grant_type=client_credentials only")
    key = valid_key(asked.key, asked.secret, now)
    if key is None:
        described = "The key or the secret is not right, has ended, or its secured user is not active"
        return _error(401, "invalid_client", described, {"WWW-Authenticate": 'Basic realm="OneRoster"'})
    instead = may_have_token(key.secured_user_id, request.path, asked.scope)
    if instead is not None:
        return instead
    scopes = _scopes(asked.scope)
    if not scopes:
        return _error(400, "invalid_scope", "None of the scopes asked for is known here")
    return with_token(key.secured_user_id, _granted(key, scopes, asked.scope, now))


def _granted(key: Key, scopes: list[str], asked: str, now: datetime) -> Answer:
    token = secrets.token_urlsafe(32)
    Token.objects.filter(expires_at__lt=now - LIFE).delete()
    Token.objects.create(hash=hash_of(token), key=key, scopes=" ".join(scopes), expires_at=now + LIFE)
    Key.objects.filter(pk=key.pk).update(last_used_at=now)
    body = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(LIFE.total_seconds()),
        "scope": " ".join(word for word in asked.split() if _short(word) in scopes)
        or " ".join(SCOPE_PREFIX[V1P2] + name for name in scopes),
    }
    return Answer(200, json.dumps(body).encode(), {"Pragma": "no-cache"})


def _read(request: Request) -> Asked:
    given = dict(request.query) | _body(request)
    key, secret = _basic(request.headers.get("authorization", ""))
    return Asked(
        grant_type=given.get("grant_type", ""),
        key=key or given.get("client_id", ""),
        secret=secret or given.get("client_secret", ""),
        scope=given.get("scope", ""),
    )


def _body(request: Request) -> dict[str, str]:
    text = request.body.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        try:
            said = json.loads(text)
        except ValueError:
            return {}
        return {str(name): value for name, value in said.items() if isinstance(value, str)}
    return dict(parse_qsl(text, keep_blank_values=True))


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        key, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(key), unquote_plus(secret)


def _scopes(asked: str) -> list[str]:
    """Short names of the scopes asked for, whatever their prefix; none asked means all."""
    words = {_short(word) for word in asked.split()}
    return [name for name in ALL_SCOPES if name in words] if words else list(ALL_SCOPES)


def _short(word: str) -> str:
    return word.rstrip("/").rsplit("/", 1)[-1]


def _error(status: int, code: str, description: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(
        status, json.dumps({"error": code, "error_description": description}).encode(), headers or {}
    )
