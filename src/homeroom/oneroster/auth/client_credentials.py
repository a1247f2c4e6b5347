"""OAuth 2 client credentials without I/O: what to send for a token, and what the reply says.

Source: RFC 6749 sections 2.3.1 and 4.4. Styles are tried in the order in which servers were found to want them.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote_plus, urlencode

from homeroom.oneroster.endpoints import SCOPE_PREFIX, V1P1, V1P2

STYLES = ("basic", "body", "basic_without_scope", "basic_empty_body")
# A token is renewed this much before its end, so that none ends on the way.
EARLY = timedelta(seconds=30)
USUAL_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A POST that asks for a token."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, when it ends, and the cookies that came with it and must go back (load balancers)."""

    value: str
    ends_at: datetime
    cookies: str = ""


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """No token. `credentials` = the server understood and says key or secret are wrong."""

    credentials: bool
    description: str


def scope_for(version: str) -> str:
    """The scopes asked for: core and full rostering, in the words of the version."""
    prefix = SCOPE_PREFIX[V1P1 if version == V1P1 else V1P2]
    return f"{prefix}roster-core.readonly {prefix}roster.readonly"


def token_request(url: str, key: str, secret: str, style: str, version: str) -> TokenRequest:
    """The request for a token in one style."""
    form = {"grant_type": "client_credentials"}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if style in ("basic", "body"):
        form["scope"] = scope_for(version)
    if style == "body":
        form |= {"client_id": key, "client_secret": secret}
    else:
        pair = f"{quote_plus(key)}:{quote_plus(secret)}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    body = b"" if style == "basic_empty_body" else urlencode(form).encode()
    return TokenRequest(url, headers, body)


def read_token(status: int, body: bytes, cookies: str, now: datetime) -> Token | TokenRefused:
    """What a reply to a token request says. Never raises, and never repeats what was sent."""
    said = _json(body)
    value = said.get("access_token")
    if status in (200, 201) and isinstance(value, str) and value:
        return Token(value, now + _life(said.get("expires_in")) - EARLY, cookies)
    error = str(said.get("error", ""))[:60]
    wrong = error in ("invalid_client", "unauthorized_client", "access_denied") or (
        status == 401 and bool(said)
    )
    return TokenRefused(wrong, f"HTTP {status}" + (f", {error}" if error else ""))


def _json(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body[:100_000])
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _life(seconds: object) -> timedelta:
    try:
        life = timedelta(seconds=float(str(seconds)))
    except (ValueError, OverflowError):
        return USUAL_LIFE
    return min(max(life, EARLY * 2), timedelta(days=1))
