"""Finds out what a server really is, from whatever address was pasted: base, version, token address, manner of signing.

Candidates come in a fixed, short order, so that no lock-out is tripped. What worked is the dialect profile.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from homeroom.oneroster.auth.client_credentials import STYLES, Token, read_token, token_request
from homeroom.oneroster.client import Credentials, Page, Session, split, token_refused
from homeroom.oneroster.endpoints import V1P1, V1P2, match
from homeroom.oneroster.exchange import Exchange, ExchangeFailed
from homeroom.oneroster.profile import Profile

_VERSIONED = re.compile(r"^(?P<base>.*/(?:rostering/)?v1p(?P<version>[12]))(?:/.*)?$", re.IGNORECASE)
BASES = (
    ("/ims/oneroster/rostering/v1p2", V1P2),
    ("/ims/oneroster/v1p2", V1P2),
    ("/ims/oneroster/v1p1", V1P1),
)
LARGE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Address:
    """A pasted address, tidied: its root (scheme, host, port), its path, and what was tidied away."""

    root: str
    path: str
    tidied: str = ""

    @property
    def url(self) -> str:
        """The tidied address."""
        return self.root + self.path


def tidy(pasted: str) -> Address:
    """The address that was meant. Raises `ExchangeFailed` when it is none."""
    text = pasted.strip().strip("<>\"'")
    text = text if re.match(r"^[a-z][a-z0-9+.-]*://", text, re.IGNORECASE) else f"https://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if (
        parts.scheme.lower() not in ("http", "https")
        or not parts.hostname
        or " " in parts.netloc
        or "@" in parts.netloc
    ):
        raise ExchangeFailed(
            "address",
            "The URL is not a web address",
            "It looks like https://sis.school.example/ims/oneroster/v1p1.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    root = f"{parts.scheme.lower()}://{host}" + (f":{port}" if port else "")
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    kept = _without_collection(path)
    dropped = [word for word in (path[len(kept) :], f"?{parts.query}" if parts.query else "") if word]
    return Address(
        root, kept, "removed " + " and ".join(f"“{word[:40]}”" for word in dropped) if dropped else ""
    )


def _without_collection(path: str) -> str:
    versioned = _VERSIONED.match(path)
    if versioned:
        return versioned["base"]
    last = path.rsplit("/", 1)[-1]
    return path[: -len(last) - 1] if last and match(f"/{last}") else path


def base_candidates(address: Address) -> list[tuple[str, str]]:
    """Bases to try with their version, likeliest first."""
    versioned = _VERSIONED.match(address.path)
    if versioned:
        return [(address.url, V1P1 if versioned["version"] == "1" else V1P2)]
    path = re.sub(r"/ims(/oneroster)?$", "", address.path)
    found = [(f"{address.root}{path}{base}", version) for base, version in BASES]
    if not path:
        found += [(f"{address.root}/api{base}", version) for base, version in (BASES[0], BASES[2])]
    return found


def token_candidates(address: Address, given: str) -> list[str]:
    """Token addresses to try; a given one is the only one."""
    if given.strip():
        return [given.strip()]
    prefix = re.sub(r"/ims/oneroster.*$", "", address.path, flags=re.IGNORECASE)
    paths = (
        f"{prefix}/oauth/token",
        "/oauth/token",
        f"{prefix}/token",
        f"{address.path}/token",
        f"{prefix}/ims/oneroster/token",
        "/oauth/access_token",
    )
    return list(dict.fromkeys(address.root + path for path in (*paths, "/oauth2/token")))


@dataclass(slots=True)
class Found:
    """What a probe found, and the log of what it tried."""

    profile: Profile
    session: Session
    tried: list[str] = field(default_factory=list)


def probe(
    pasted: str,
    credentials: Credentials,
    exchange: Exchange,
    token_url: str = "",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Found:
    """The profile of the server behind an address. Raises `ExchangeFailed` with the likeliest cause."""
    address = tidy(pasted)
    tried: list[str] = []
    version = base_candidates(address)[0][1]
    found = _token(address, credentials, exchange, token_url, version, now(), tried)
    if found is not None:
        url, style, _ = found
        draft = Profile(version=version, base_url=address.url, token_url=url, token_style=style)
        return _base(address, draft, credentials, exchange, now, tried)
    for auth in ("oauth1-sha256", "oauth1-sha1", "bearer"):
        draft = Profile(version=version, base_url=address.url, auth=auth)
        try:
            return _base(address, draft, credentials, exchange, now, tried)
        except ExchangeFailed as failed:
            last = failed
    if last.kind == "unauthorized":
        raise ExchangeFailed(
            "token",
            "No token address was found, and the server accepts key and secret in no other way",
            "Check API Key and Client Secret; if they are right, ask the SIS's administrator for the token URL.",
        )
    raise last


def _token(
    address: Address,
    known: Credentials,
    exchange: Exchange,
    given: str,
    version: str,
    now: datetime,
    tried: list[str],
) -> tuple[str, str, Token] | None:
    for url in token_candidates(address, given):
        for style in STYLES:
            asked = token_request(url, known.key, known.secret, style, version)
            reply = exchange.send("POST", asked.url, asked.headers, asked.body, tries=2)
            found = read_token(reply.status, reply.body, reply.cookies, now)
            tried.append(f"POST {urlsplit(url).path} ({style}): HTTP {reply.status}")
            if isinstance(found, Token):
                return url, style, found
            if found.credentials and style != "basic":
                raise token_refused(found)
            if (not found.credentials and reply.status in (404, 405, 301, 302)) or b"<html" in reply.body[
                :2000
            ].lower():
                break  # no token is given at this address, whatever the style
    if given:
        raise ExchangeFailed(
            "token",
            "There is no token service at the token URL given",
            "Check the token URL, or leave it empty.",
        )
    return None


def _base(
    address: Address,
    draft: Profile,
    credentials: Credentials,
    exchange: Exchange,
    now: Callable[[], datetime],
    tried: list[str],
) -> Found:
    first: ExchangeFailed | None = None
    for base_url, version in base_candidates(address):
        profile = replace(draft, base_url=base_url, version=version)
        session = Session(profile, credentials, exchange, now)
        try:
            split(session.get("/orgs", {"limit": "1"}), ("orgs",))
        except ExchangeFailed as failed:
            tried.append(f"GET {urlsplit(base_url).path}/orgs: {failed.kind}")
            first = _telling(first, failed)
            if failed.kind not in ("not_found", "html", "not_json", "no_key", "redirect", "server"):
                break
            continue
        tried.append(f"GET {urlsplit(base_url).path}/orgs: 200")
        return Found(profile, session, tried)
    assert first is not None  # noqa: S101 # there is always a candidate
    raise first


def _telling(first: ExchangeFailed | None, next_: ExchangeFailed) -> ExchangeFailed:
    """Of two failures the one that tells more: a plain 404 tells least."""
    return next_ if first is None or first.kind == "not_found" else first


def learn(found: Found, school: str = "") -> Profile:
    """The profile completed by asking: page limit, totals, links, keyset, school-scoped paths. Changes nothing there."""
    session, profile = found.session, found.profile
    large = split(session.get("/users", {"limit": str(LARGE_LIMIT), "fields": "sourcedId"}), ("users",))
    profile = replace(
        profile,
        max_limit=_limit(large),
        total_count=large.total is not None,
        link=bool(large.links),
        keyset=_keyset_works(session),
    )
    if school:
        profile = replace(profile, school_endpoint=_answers(session, f"/schools/{school}/students"))
    session.profile = profile
    return profile


def _limit(large: Page) -> int:
    """The largest page to ask for: all came, or as many as it gave when it gave fewer than there are."""
    clamped = large.total is not None and len(large.records) < min(large.total, LARGE_LIMIT)
    if clamped or ("next" in large.links and large.records):
        return max(len(large.records), 1) if len(large.records) < LARGE_LIMIT else LARGE_LIMIT
    return LARGE_LIMIT


def _keyset_works(session: Session) -> bool:
    """Whether sorting by sourcedId and asking for what lies beyond one gives just that."""
    try:
        two = split(session.get("/users", {"limit": "2", "sort": "sourcedId"}), ("users",)).records
        if len(two) < 2 or not two[0].sourced_id < two[1].sourced_id:
            return False
        quoted = two[0].sourced_id.replace("'", "''")
        beyond = {"limit": "1", "sort": "sourcedId", "filter": f"sourcedId>'{quoted}'"}
        after = split(session.get("/users", beyond), ("users",)).records
    except ExchangeFailed:
        return False
    return len(after) == 1 and after[0].sourced_id == two[1].sourced_id


def _answers(session: Session, path: str) -> bool:
    try:
        split(session.get(path, {"limit": "1"}), ("users", "students"))
    except ExchangeFailed:
        return False
    return True
