"""Finds out what a server really is, from whatever address was pasted: base, version, token address, manner of signing.

Where something might be is asked without key or secret first ("knocking"): that cannot trip a lock-out. Key and secret go
only to what answered, in a fixed order, and `MOST_WITH_CREDENTIALS` requests carry them at most. A secret that is refused in
so many words ends the guessing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from homeroom.oneroster.address import Address, Base, base_groups, tidy
from homeroom.oneroster.auth.client_credentials import Token
from homeroom.oneroster.auth.credentials import Credentials
from homeroom.oneroster.client import Session, split
from homeroom.oneroster.exchange import Exchange, Reply
from homeroom.oneroster.failing import ExchangeFailed, Redirected
from homeroom.oneroster.findings import BUSY, Findings, busy
from homeroom.oneroster.presets import preset_of
from homeroom.oneroster.profile import Profile
from homeroom.oneroster.token_search import ABSENT, GUARDED, UNSURE, TokenSearch

MOST_WITH_CREDENTIALS = 12
SIGNED = ("oauth1-sha256", "oauth1-sha1")


@dataclass(slots=True)
class Budget:
    """Counts the requests that carry key, secret or token, and lets no more than `most` leave."""

    most: int = MOST_WITH_CREDENTIALS
    spent: int = 0

    def __call__(self) -> None:
        """Asked before each request. Raises `ExchangeFailed` when there were enough."""
        if self.spent >= self.most:
            raise ExchangeFailed(
                "guesses",
                f"The API was not found within {self.most} tries, and we stopped so that the SIS does not lock the key",
                "Enter the full OneRoster API URL and the token URL as the SIS's administrator gives them.",
            )
        self.spent += 1


@dataclass(frozen=True, slots=True)
class Known:
    """What is typed or known beforehand. With a `version`, no other is looked for: ids differ between versions."""

    token_url: str = ""
    sis: str = ""
    version: str = ""


@dataclass(slots=True)
class Found:
    """What a probe found, and the log of what it tried."""

    profile: Profile
    session: Session
    tried: list[str] = field(default_factory=list)


class _Upgraded(Exception):
    """The server is found under https://."""


@dataclass(slots=True)
class Probe:
    """One search for one server."""

    address: Address
    credentials: Credentials
    exchange: Exchange
    known: Known
    now: Callable[[], datetime]
    findings: Findings = field(default_factory=Findings)
    budget: Budget = field(default_factory=Budget)
    _heard: dict[Base, int] = field(default_factory=dict)
    _busy: set[Base] = field(default_factory=set)
    _tokens: dict[str, Token] = field(default_factory=dict)
    _way: Profile | None = None
    _empty: Found | None = None
    _challenge: str = ""

    def run(self) -> Found:
        """The server. Raises `ExchangeFailed` with the likeliest cause."""
        try:
            found = self._search()
        except ExchangeFailed as failed:
            raise self.findings.instead_of(failed) from None
        found.session.exchange, found.tried = self.exchange, self.findings.tried
        return found

    def _search(self) -> Found:
        for group in base_groups(self.address, self.known.sis, self.known.version):
            likely = [base for base in group if self._knock(base) != ABSENT]
            if self._busy >= set(group):
                continue  # it says nothing yet of what is there; another place may answer
            found = self._enter(sorted(likely, key=lambda base: -self._heard[base])) or self._empty
            if found is not None:
                return found
        if self.findings.heard and self.findings.heard <= BUSY:
            raise busy(min(self.findings.heard))
        found = self._last_resort()
        if found is None:
            raise self.findings.told or _nothing_there()
        return found

    def _last_resort(self) -> Found | None:
        """The likeliest addresses with credentials after all: some servers deny that they are there until they know who asks."""
        if self.budget.spent:
            return None
        return self._enter(list(self._heard)[:2]) or self._empty

    def _knock(self, base: Base) -> int:
        """How likely it is that the API is at a base, asked without credentials. Raises `ExchangeFailed` when nobody answers."""
        first = not self._heard
        self._heard[base] = ABSENT
        try:
            reply = self.exchange.send("GET", f"{base.url}/orgs?limit=1", {}, tries=2)
        except Redirected as sent:
            self._heard[base] = self._sent_on(base, sent)
        except ExchangeFailed as failed:
            self.findings.note("knock", base.url, failed.kind)
            if first:
                raise
        else:
            self.findings.note("knock", base.url, f"HTTP {reply.status}")
            self._heard[base] = self._meaning(reply)
            self._busy |= {base} if f"HTTP {reply.status}" in BUSY else set()
        return self._heard[base]

    def _meaning(self, reply: Reply) -> int:
        if reply.status in (401, 403):
            self._challenge = self._challenge or reply.headers.get("www-authenticate", "").lower()[:200]
            return GUARDED
        if reply.status == 200:
            return GUARDED if _has_orgs(reply) else ABSENT
        return ABSENT if reply.status in (404, 405, 410) or _is_page(reply) else UNSURE

    def _sent_on(self, base: Base, sent: Redirected) -> int:
        """What a redirect means: the host itself may have a page to sign in at; another host is never followed."""
        self.findings.note("knock", base.url, "redirect")
        here, there = urlsplit(base.url), urlsplit(urljoin(base.url, sent.location))
        if (here.scheme, there.scheme, there.hostname) == ("http", "https", here.hostname):
            self.address = replace(self.address, root=f"https://{there.netloc}")
            raise _Upgraded
        self.findings.tell(sent)
        return UNSURE if there.netloc == here.netloc else ABSENT

    def _enter(self, bases: list[Base]) -> Found | None:
        """The first of these bases that has schools; None when none of them has."""
        for way in self._ways(bases[0]) if bases else ():
            found = self._try(way, bases)
            if found is not None:
                self._way = way
                return found
            if self._way is not None:
                return None
        return None

    def _try(self, way: Profile, bases: list[Base]) -> Found | None:
        """The first of these bases that has schools, asked in one way; sets `_way` when that is seen to be the right one."""
        accepted = False
        for base in bases:
            outcome = self._ask(way, base)
            if isinstance(outcome, Found):
                return outcome
            if outcome is None or self._accepts(way, base, outcome):
                accepted = True
            elif way.auth != "oauth2":
                # Whoever refuses this signature refuses it everywhere, and a 404 before it proved nothing: something is here.
                bases.remove(base)
                bases.insert(0, base)
                return None
        self._way = way if accepted else self._way
        return None

    def _accepts(self, way: Profile, base: Base, outcome: ExchangeFailed) -> bool:
        """Whether a failure shows that we are known, though what we want is not there."""
        if way.auth == "oauth2":
            return outcome.kind != "unauthorized"
        return self._heard[base] == GUARDED and outcome.kind not in ("unauthorized", "server")

    def _ask(self, way: Profile, base: Base) -> Found | ExchangeFailed | None:
        """What is at a base, asked in one way; None = a OneRoster API that lists no orgs, which is kept for want of a better."""
        profile = replace(way, base_url=base.url, version=base.version)
        token = self._tokens.get(base.version) if way.auth == "oauth2" else None
        session = Session(profile, self.credentials, self._guessing(), self.now, token=token)
        try:
            orgs = split(session.get("/orgs", {"limit": "10"}), ("orgs",)).records
            if way.auth == "oauth2":
                session.profile = replace(profile, cookies=bool(session.token().cookies))
        except ExchangeFailed as failed:
            self.findings.note(way.auth, base.url, failed.kind)
            if failed.kind in _FINAL:
                raise
            self.findings.tell(failed)
            return failed
        self.findings.note(way.auth, base.url, "200")
        found = Found(session.profile, session)
        if not orgs:
            self._empty = self._empty or found
            return None
        return found

    def _guessing(self) -> Exchange:
        """The exchange for what carries credentials: one budget for all of it, and few retries, which a lock-out counts as well."""
        return replace(self.exchange, budget=self.budget, tries=2)

    def _ways(self, base: Base) -> Iterator[Profile]:
        """How to show who we are, likeliest first; only one once it is known."""
        if self._way is not None:
            yield self._way
            return
        ways = [self._by_token, self._by_signing, self._by_bearer]
        signed = base.version in preset_of(self.known.sis).signed and not self.known.token_url
        if signed or self._challenge.startswith("oauth"):
            ways = [self._by_signing, self._by_token, self._by_bearer]
        for way in ways:
            yield from way(base)

    def _by_signing(self, base: Base) -> Iterator[Profile]:
        for auth in SIGNED:
            yield Profile(base.version, base.url, auth=auth)

    def _by_bearer(self, base: Base) -> Iterator[Profile]:
        yield Profile(base.version, base.url, auth="bearer")

    def _by_token(self, base: Base) -> Iterator[Profile]:
        for given in self._token_search().tokens(base):
            self._tokens[base.version] = given.token
            yield Profile(base.version, base.url, token_url=given.url, token_style=given.style)
            raise self.findings.told or _not_accepted()

    def _token_search(self) -> TokenSearch:
        return TokenSearch(
            self.address, self.credentials, self.known.token_url, self.known.sis, self.exchange, self._guessing(),
            self.findings, self.now, signed=self._challenge.startswith("oauth"),
        )  # fmt: skip


_FINAL = frozenset(
    {"guesses", "credentials", "dns", "tls", "connect", "plain_http", "refused_address", "rate"}
)


def probe(
    pasted: str,
    credentials: Credentials,
    exchange: Exchange,
    known: Known,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Found:
    """The server behind a pasted address. Raises `ExchangeFailed` with the likeliest cause."""
    search = Probe(tidy(pasted, exchange.plain_http_host), credentials, exchange, known, now)
    try:
        return search.run()
    except _Upgraded:
        return replace(search, _heard={}, _busy=set()).run()


def _nothing_there() -> ExchangeFailed:
    return ExchangeFailed(
        "not_found",
        "There is no OneRoster API at this address or near it",
        "Check the URL: it must be the OneRoster API URL of the SIS.",
        status=404,
    )


def _not_accepted() -> ExchangeFailed:
    return ExchangeFailed(
        "unauthorized",
        "The server gives us a token and then refuses it",
        "Send this to the SIS's administrator: our key gets tokens that are not accepted; please allow the rostering scopes for it.",
        status=401,
    )


def _has_orgs(reply: Reply) -> bool:
    try:
        split(reply, ("orgs",))
    except ExchangeFailed:
        return False
    return True


def _is_page(reply: Reply) -> bool:
    return "html" in reply.headers.get("content-type", "") or b"<html" in reply.body[:2000].lower()
