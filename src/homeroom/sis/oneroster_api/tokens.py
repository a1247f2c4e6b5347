"""The token service: OAuth 2 client credentials, however clients send them.

Source: RFC 6749 sections 2.3.1, 4.4 and 5.2; 1EdTech Security Framework 1.1; scopes of OneRoster 1.1 and 1.2.
"""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.policy import HTTP
from typing import TypeGuard
from urllib.parse import parse_qsl, unquote_plus

from homeroom.oneroster.endpoints import ALL_SCOPES, SCOPE_PREFIX, V1P2
from homeroom.sis.rehearsal.door import instead_of_token, token_life, with_token
from homeroom.sis.secured_users.keys import hash_of, valid_key
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
    if request.method == "OPTIONS":
        return Answer(204, headers={"Allow": "POST, OPTIONS"})
    if request.method != "POST":
        return _error(405, "invalid_request", "Ask for a token with POST", {"Allow": "POST, OPTIONS"})
    asked = _read(request)
    if asked.grant_type not in ("client_credentials", ""):
        return _error(400, "unsupported_grant_type", "This server knows grant_type=client_credentials only")
    key = valid_key(asked.key, asked.secret, now)
    if key is None:
        described = "The key or the secret is not right, has ended, or its secured user is not active"
        return _error(401, "invalid_client", described, {"WWW-Authenticate": 'Basic realm="OneRoster"'})
    instead = instead_of_token(key.secured_user_id, request, asked.scope)
    if instead is not None:
        return instead
    scopes = _scopes(asked.scope)
    if not scopes:
        return _error(400, "invalid_scope", "None of the scopes asked for is known here")
    return with_token(key.secured_user_id, _granted(key, scopes, asked.scope, now))


def _granted(key: Key, scopes: list[str], asked: str, now: datetime) -> Answer:
    token, life = secrets.token_urlsafe(32), token_life(key.secured_user_id, LIFE)
    Token.objects.filter(expires_at__lt=now - LIFE).delete()
    Token.objects.create(hash=hash_of(token), key=key, scopes=" ".join(scopes), expires_at=now + life)
    Key.objects.filter(pk=key.pk).update(last_used_at=now)
    body = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(life.total_seconds()),
        "scope": " ".join(word for word in _said(asked) if _short(word) in scopes)
        or " ".join(SCOPE_PREFIX[V1P2] + name for name in scopes),
    }
    return Answer(200, json.dumps(body).encode(), {"Pragma": "no-cache"})


def _read(request: Request) -> Asked:
    given = _one_each(request.query) | _body(request)
    key, secret = _basic(request.headers.get("authorization", ""))
    return Asked(
        grant_type=given.get("grant_type", ""),
        key=key or given.get("client_id", ""),
        secret=secret or given.get("client_secret", ""),
        scope=given.get("scope", ""),
    )


def _body(request: Request) -> dict[str, str]:
    content_type = request.headers["content-type"]
    if content_type.lower().startswith("multipart/"):
        return _parts(content_type, request.body)
    text = request.body.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        try:
            said = json.loads(text)
        except ValueError:
            return {}
        words = {str(name): " ".join(v) if _are_texts(v) else v for name, v in said.items()}
        return {name: word for name, word in words.items() if isinstance(word, str)}
    return _one_each(parse_qsl(text, keep_blank_values=True))


def _parts(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a multipart form (RFC 7578): not what RFC 6749 asks for, but what `curl -F` and Postman's form-data send."""
    form: EmailMessage = BytesParser(EmailMessage, policy=HTTP).parsebytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + body
    )
    pairs = [(part.get_param("name", "", "content-disposition"), part) for part in form.iter_parts()]
    return _one_each([(name, _text(part)) for name, part in pairs if isinstance(name, str)])


def _text(part: MIMEPart) -> str:
    said = part.get_payload(decode=True)
    return said.decode("utf-8", "replace").strip() if isinstance(said, bytes) else ""


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _one_each(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """One value for each name; of a name said several times, as some do with scopes, all of them."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]} {value}" if name == "scope" and name in found else value
    return found


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        key, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(key), unquote_plus(secret)


def _scopes(asked: str) -> list[str]:
    """Short names of the scopes asked for, whatever their prefix; none asked means all."""
    words = {_short(word) for word in _said(asked)}
    return [name for name in ALL_SCOPES if name in words] if words else list(ALL_SCOPES)


def _said(asked: str) -> list[str]:
    """The scopes of a text: separated by spaces (RFC 6749, 3.3), or by commas."""
    return asked.replace(",", " ").split()


def _short(word: str) -> str:
    """A scope without its prefix: https://purl.imsglobal.org/spec/or/v1p1/scope/, http for https, a gateway's own, or none."""
    return word.rstrip("/").rsplit("/", 1)[-1]


def _error(status: int, code: str, description: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(
        status, json.dumps({"error": code, "error_description": description}).encode(), headers or {}
    )
