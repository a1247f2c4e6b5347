"""OAuth 2 client credentials without I/O: what to send for a token, and what the reply says.

Source: RFC 6749 sections 2.3.1 and 4.4. Styles are tried in the order in which servers were found to want them.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote_plus, urlencode

from homeroom.oneroster.auth.credentials import Credentials
from homeroom.oneroster.endpoints import CORE_SCOPES, SCOPE_PREFIX, V1P1, V1P2


@dataclass(frozen=True, slots=True)
class Style:
    """Where key and secret stand, which scopes are named, and where the form stands."""

    place: str  # basic, plain_basic (not percent-encoded) or body
    scopes: tuple[str, ...] = CORE_SCOPES
    form: str = "body"  # body, query or none


STYLES: Mapping[str, Style] = {
    "basic": Style("basic"),
    "body": Style("body"),
    "basic_unencoded": Style("plain_basic"),
    "basic_without_scope": Style("basic", ()),
    "body_without_scope": Style("body", ()),
    "basic_core": Style("basic", CORE_SCOPES[:1]),
    "body_core": Style("body", CORE_SCOPES[:1]),
    "basic_empty_body": Style("basic", (), "none"),
    "basic_query": Style("basic", CORE_SCOPES, "query"),
}
MOST_STYLES = 5  # at one address
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
    """No token. `credentials` = key or secret are refused; `plainly` = in a word that only token services have, where any
    other 401 may come from what guards a whole API; `scope` = it wants other scopes; `place` = where they stood is not where
    it looks for them; `served` = there is a token service at all."""

    credentials: bool
    description: str
    scope: bool = False
    place: bool = False
    served: bool = True
    plainly: bool = False


def next_style(tried: Sequence[tuple[str, TokenRefused]], known: Credentials, first: str = "") -> str:
    """The style to try after those that were refused; "" when there is no sense in another.

    A place that was refused is not tried with other scopes, so a wrong secret is sent twice at most: as Basic, and in the body.
    """
    names = {name for name, _ in tried}
    places = {STYLES[name].place for name, refused in tried if refused.credentials or refused.place}
    right = next((STYLES[name].place for name, refused in tried if refused.scope), "")
    broken = sum(refused.description.startswith("HTTP 5") for _, refused in tried)
    if len(tried) >= MOST_STYLES or broken > 1 or any(not refused.served for _, refused in tried):
        return ""
    order: list[str] = [*([first] if first else []), *STYLES]
    for name in order:
        place = STYLES[name].place
        other = place in places or (right != "" and place != right)
        if name not in names and not other and (place != "plain_basic" or _is_encoded(known)):
            return name
    return ""


def _is_encoded(known: Credentials) -> bool:
    """Whether percent-encoding, which the RFC asks for and some servers do not undo, makes a difference."""
    return (quote_plus(known.key), quote_plus(known.secret)) != (known.key, known.secret)


def scope_for(version: str, scopes: Sequence[str] = CORE_SCOPES) -> str:
    """The scopes asked for, in the words of the version."""
    prefix = SCOPE_PREFIX[V1P1 if version == V1P1 else V1P2]
    return " ".join(prefix + scope for scope in scopes)


def token_request(
    url: str, known: Credentials, style: str, version: str, scopes: Sequence[str] = ()
) -> TokenRequest:
    """The request for a token in one style; one that is not known is asked as Basic. `scopes` stand in place of the style's
    own, where it names any."""
    said = STYLES.get(style, STYLES["basic"])
    form = {"grant_type": "client_credentials"}
    if said.scopes:
        form["scope"] = scope_for(version, scopes or said.scopes)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if said.place == "body":
        form |= {"client_id": known.key, "client_secret": known.secret}
    else:
        quoted = quote_plus if said.place == "basic" else str
        pair = f"{quoted(known.key)}:{quoted(known.secret)}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    if said.form == "query":
        url += ("&" if "?" in url else "?") + urlencode(form)
    return TokenRequest(url, headers, urlencode(form).encode() if said.form == "body" else b"")


def knock_request(url: str) -> TokenRequest:
    """A request that shows whether there is a token service at an address, without key or secret."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return TokenRequest(url, headers, b"grant_type=client_credentials")


def read_token(status: int, body: bytes, cookies: str, now: datetime) -> Token | TokenRefused:
    """What a reply to a token request says. Never raises, and never repeats what was sent."""
    said = _json(body)
    value = said.get("access_token")
    if status in (200, 201) and isinstance(value, str) and value:
        return Token(value, now + _life(said.get("expires_in")) - EARLY, cookies)
    error = str(said.get("error", ""))[:60]
    error = error if error.replace("_", "").isalnum() else ""  # a code is a word; nothing else is repeated
    served = status not in _NOT_SERVED and not _is_page(status, body)
    plainly = error in ("invalid_client", "unauthorized_client", "access_denied")
    return TokenRefused(
        served and (plainly or (status == 401 and bool(said))),
        f"HTTP {status}" + (f", {error}" if error else ""),
        scope=error == "invalid_scope",
        place=status == 401,
        served=served,
        plainly=served and plainly,
    )


_NOT_SERVED = frozenset({301, 302, 303, 307, 308, 404, 405, 410})


def _is_page(status: int, body: bytes) -> bool:
    return status not in (400, 401, 403) and b"<html" in body[:2000].lower()


def likelihood(status: int, body: bytes) -> int:
    """How like a token service an answer to `knock_request` looks: 2 it speaks as one, 1 it may be one, 0 it is none."""
    refused = read_token(status, body, "", datetime.min)
    if isinstance(refused, Token):
        return 2
    if not refused.served:
        return 0
    return 2 if "error" in _json(body) else int(status >= 400)


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
