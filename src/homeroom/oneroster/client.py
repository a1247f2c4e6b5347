"""The client's half of the standard: a signed session with one server, and an answer split into raw records."""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

import msgspec
import xxhash

from homeroom.oneroster import errors
from homeroom.oneroster.auth.client_credentials import Token, TokenRefused, read_token, token_request
from homeroom.oneroster.auth.credentials import Credentials
from homeroom.oneroster.auth.oauth1 import METHODS, signed
from homeroom.oneroster.bounds import USUAL, Bounds
from homeroom.oneroster.exchange import PORTS, Exchange, Reply
from homeroom.oneroster.failing import LATER, ExchangeFailed, Redirected
from homeroom.oneroster.mend import as_utf8, mended
from homeroom.oneroster.paging import read_links
from homeroom.oneroster.profile import Profile
from homeroom.oneroster.said import id_text

MOST_REDIRECTS = 3
MOST_LINK = 16_384
ASK = "Send this to the SIS's administrator: "


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record's sourcedId ("" when it has none) and its very bytes."""

    sourced_id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its records, and what the headers claim. `links` are the relations of `Link`."""

    records: list[RawRecord]
    total: int | None
    links: dict[str, str]
    revision: str
    size: int
    checksum: int


class Session:
    """Calls on one server, with a token that renews itself; of other `scopes` than usual, where such are named."""

    def __init__(
        self,
        profile: Profile,
        credentials: Credentials,
        exchange: Exchange,
        now: Callable[[], datetime] = _utc_now,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
        token: Token | None = None,
        scopes: Sequence[str] = (),
    ) -> None:
        self.profile, self.credentials, self.exchange = profile, credentials, exchange
        self.now, self._nonce = now, nonce
        self._token, self._scopes = token, tuple(scopes)
        self._lock = Lock()

    def get(self, path: str, query: dict[str, str] | None = None) -> Reply:
        """A 200 answer. A 401 is met once with a new token, a redirect on the same host followed. Raises `ExchangeFailed`."""
        url = path if path.startswith(("http://", "https://")) else self.profile.base_url + path
        self._same_host(url)
        url += ("&" if "?" in url else "?") + urlencode(query) if query else ""
        for _ in range(MOST_REDIRECTS):
            try:
                reply = self._signed(url)
            except Redirected as sent:
                url = _onward(url, sent)
                continue
            if reply.status != 200:
                raise refused(reply)
            return reply
        raise ExchangeFailed(
            "redirect",
            "The server sends us from one address to the next without end",
            "Look up the OneRoster API URL at the SIS once more; it may have moved.",
        )

    def _same_host(self, url: str) -> None:
        ours, theirs = urlsplit(self.profile.base_url), urlsplit(url)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            said = "The server names a next page on another host; we do not send key or token there"
            raise ExchangeFailed(
                "other_host", said, ASK + "the Link header names another host than the API's own."
            )

    def _signed(self, url: str) -> Reply:
        if self.profile.auth != "oauth2":
            return self.exchange.send("GET", url, lambda: self._headers(url))
        token = self.token()
        reply = self.exchange.send("GET", url, self._bearer(token))
        if reply.status != 401:
            return reply
        reply = self.exchange.send("GET", url, self._bearer(self._renewed(token)))
        if reply.status == 401:
            raise ExchangeFailed(
                "unauthorized",
                "The server gives us a token and then refuses it",
                ASK + "our key gets tokens that are not accepted; please allow the rostering scopes for it.",
                status=401,
            )
        return reply

    def _headers(self, url: str) -> dict[str, str]:
        """What proves who we are, made anew for each try: a signature is good once."""
        auth, known = self.profile.auth, self.credentials
        if auth in METHODS:
            return signed(url, known.key, known.secret, auth, self._nonce(), int(self.now().timestamp()))
        return {"Authorization": f"Bearer {known.secret}"}

    def _bearer(self, token: Token) -> dict[str, str]:
        # Cookies of the token reply keep us on its node; those of another host are none of the API's business.
        ours = urlsplit(self.profile.token_url).hostname == urlsplit(self.profile.base_url).hostname
        cookies = {"Cookie": token.cookies} if token.cookies and ours else {}
        return {"Authorization": f"Bearer {token.value}", **cookies}

    def token(self) -> Token:
        """A token that is still good, asking for a new one when needed. Raises `ExchangeFailed`."""
        with self._lock:
            if self._token is None or self._token.ends_at <= self.now():
                self._token = self._new_token()
            return self._token

    def _renewed(self, refused_: Token) -> Token:
        """A token after one was refused: the one that another page in flight has already asked for, or a new one."""
        with self._lock:
            if self._token is None or self._token is refused_:
                self._token = self._new_token()
            return self._token

    def _new_token(self) -> Token:
        profile, known = self.profile, self.credentials
        asked = token_request(profile.token_url, known, profile.token_style, profile.version, self._scopes)
        reply = self.exchange.send("POST", asked.url, asked.headers, asked.body)
        found = read_token(reply.status, reply.body, reply.cookies, self.now())
        if isinstance(found, TokenRefused):
            raise token_refused(found)
        return found


def _onward(url: str, sent: Redirected) -> str:
    """Where a redirect leads, when it stays on the host, or goes from http to https there. Raises `Redirected`."""
    try:
        here, there = urlsplit(url), urlsplit(urljoin(url, sent.location))
        same = sent.location != "" and here.hostname == there.hostname and _port(here) == _port(there)
        upgrade = (here.scheme, there.scheme) == ("http", "https") and here.hostname == there.hostname
    except ValueError:
        raise sent from None
    if not (same and here.scheme == there.scheme) and not upgrade:
        raise sent
    return there._replace(fragment="").geturl()


def _port(parts: SplitResult) -> int:
    return parts.port or PORTS.get(parts.scheme, 0)


def token_refused(found: TokenRefused) -> ExchangeFailed:
    """What a refused token means."""
    if found.credentials:
        return ExchangeFailed(
            "credentials",
            f"The server does not accept the API Key and Client Secret ({found.description})",
            "Copy both again from the SIS, as text. If a new secret was generated there, the old one ended. "
            "The secured user must be active.",
        )
    return ExchangeFailed(
        "token",
        f"The token address did not give a token ({found.description})",
        "Ask the SIS's administrator for the token URL and enter it too.",
        retry=found.description.startswith("HTTP 5"),
    )


def refused(reply: Reply) -> ExchangeFailed:
    """What a status other than 200 means."""
    said = errors.read(reply.body)
    more = f" ({said.code})" if said.code and len(said.code) < 60 else ""
    words = {
        401: (
            "unauthorized",
            f"The server refused our token{more}",
            "Generate a new secret at the SIS and enter it here.",
        ),
        403: (
            "forbidden",
            f"The server does not allow this call{more}",
            ASK + "please allow the rostering scopes for our key.",
        ),
        404: (
            "not_found",
            "There is nothing at this address",
            "Check the URL: it must be the OneRoster API URL of the SIS.",
        ),
        429: ("rate", "The server asks us to slow down", "Nothing to do: the next sync tries again."),
    }
    usual = ("server", f"The server answered with HTTP {reply.status}{more}", LATER)
    kind, message, cure = words.get(reply.status, usual)
    return ExchangeFailed(
        kind, message, cure, retry=reply.status in (429, 500, 502, 503, 504), status=reply.status
    )


class _Named(msgspec.Struct):
    sourcedId: Any = None  # noqa: N815 # the standard's own word


_name = msgspec.json.Decoder(_Named)
_slices = msgspec.json.Decoder(list[msgspec.Raw])
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])


# Words under which a collection was seen to come, beside its own. A list under any other word is no answer to what was asked.
_OTHER_WORDS = {
    "users": ("user", "students", "student", "teachers", "teacher"),
    "orgs": ("org", "schools", "school"),
    "demographics": ("demographic",),
}
_TOTALS = ("totalcount", "total_count", "total")


def split(reply: Reply, words: tuple[str, ...], bounds: Bounds = USUAL) -> Page:
    """A page split into its records, each as raw bytes. `words` are the keys it may be under. Raises `ExchangeFailed`."""
    body = as_utf8(reply.body, _charset(reply.headers.get("content-type", "")))
    if len(body) > bounds.page_values and body.count(b",") > bounds.page_values:
        said = f"The server sent a page of more than {bounds.page_values:,} values"
        raise ExchangeFailed("too_large", said, "Ask the SIS's administrator what it sends at this address.")
    slices, in_body = _raw_records(body, reply, words)
    claimed = reply.headers.get("x-total-count") or reply.headers.get("x-count") or in_body
    return Page(
        records=[_record(raw) for raw in slices],
        total=_total(claimed),
        links=read_links(reply.headers.get("link", "")[:MOST_LINK]),
        revision=reply.headers.get("x-perm-rev", "")[:200],
        size=len(reply.body),
        checksum=xxhash.xxh3_64_intdigest(reply.body),
    )


def _charset(content_type: str) -> str:
    found = re.search(r"charset\s*=\s*\"?([\w.:-]{1,40})", content_type, re.IGNORECASE)
    return found[1] if found else ""


def _total(claimed: str) -> int | None:
    text = claimed.strip().strip('"')
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _raw_records(body: bytes, reply: Reply, words: tuple[str, ...]) -> tuple[list[msgspec.Raw], str]:
    """The records, and the total that the body claims ("" when none)."""
    try:
        return _taken_apart(body, words)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _taken_apart(mended(body), words)
    except (msgspec.MsgspecError, ValueError, RecursionError) as wrong:
        raise _unreadable(reply) from wrong


def _taken_apart(body: bytes, words: tuple[str, ...]) -> tuple[list[msgspec.Raw], str]:
    if body.startswith(b"["):
        return _slices.decode(body), ""
    found = _keys.decode(body)
    if any(name.startswith(("imsx_", "statusInfo")) and b"failure" in bytes(found[name]) for name in found):
        said = errors.read(body)
        more = f" ({said.code})" if said.code and len(said.code) < 60 else ""
        raise ExchangeFailed("server", f"The server reports a failure{more}", LATER)
    by_case = {name.lower(): raw for name, raw in found.items()}
    wanted = (*words, *(other for word in words for other in _OTHER_WORDS.get(word, ())), "value", "data")
    raw = next((by_case[word.lower()] for word in wanted if word.lower() in by_case), None)
    text = bytes(raw) if raw is not None else b"null"
    total = next((bytes(by_case[name]).decode() for name in _TOTALS if name in by_case), "")
    if text.startswith(b"["):
        return _slices.decode(text), total
    if text.startswith(b"{"):
        return [msgspec.Raw(text)], total
    # Neither a missing key nor null says that there are no records.
    raise ExchangeFailed(
        "no_key",
        f"The answer has no “{words[0]}”",
        ASK + f"the answer to /{words[0]} has no list under this word.",
    )


def _unreadable(reply: Reply) -> ExchangeFailed:
    if b"<html" in reply.body[:2000].lower() or "html" in reply.headers.get("content-type", ""):
        said = "The server answered with a web page, not with OneRoster data"
        return ExchangeFailed(
            "html", said, "Check the URL: it must be the OneRoster API URL, not the page you sign in to."
        )
    said = "The server's answer is not JSON, or was cut off"
    return ExchangeFailed("not_json", said, LATER, retry=True)


def _record(raw: msgspec.Raw) -> RawRecord:
    text = bytes(raw)
    try:
        said = _name.decode(text).sourcedId
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        said = None
    return RawRecord(id_text(said) or _id_otherwise(text), text)


def _id_otherwise(text: bytes) -> str:
    """The sourcedId of a record that spells the word in its own way, or is a list of one; a cure for few records."""
    try:
        said = msgspec.json.decode(mended(text))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    said = said[0] if isinstance(said, list) and len(said) == 1 else said
    if not isinstance(said, dict):
        return ""
    spelled = (value for name, value in said.items() if name.lower().replace("_", "") == "sourcedid")
    also = (value for name, value in said.items() if name.lower().replace("_", "") == "sourceid")
    return next((found for value in (*spelled, *also) if (found := id_text(value))), "")
