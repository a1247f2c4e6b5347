"""Where tokens are given, and how a token is asked for there: the part of a search that OAuth 2 needs (RFC 6749, 4.4).

An address is knocked at first, without key or secret; these go only to what answered as a token service would.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from homeroom.oneroster.address import Address, Base, given_token_url, token_candidates
from homeroom.oneroster.auth.client_credentials import (
    Token,
    TokenRefused,
    knock_request,
    likelihood,
    next_style,
    read_token,
    token_request,
)
from homeroom.oneroster.auth.credentials import Credentials
from homeroom.oneroster.client import token_refused
from homeroom.oneroster.exchange import Exchange, Reply
from homeroom.oneroster.failing import ExchangeFailed, Redirected
from homeroom.oneroster.findings import Findings
from homeroom.oneroster.presets import preset_of

MOST_TOKEN_SERVICES = 4
GUARDED, UNSURE, ABSENT = (
    2,
    1,
    0,
)  # what an answer to a knock means: somebody guards this address, perhaps, no

_NOT_CALLED = frozenset({"address", "dns", "tls", "connect", "plain_http", "refused_address"})


@dataclass(frozen=True, slots=True)
class Given:
    """A token, with the service that gave it and the manner in which it was asked."""

    url: str
    style: str
    token: Token


@dataclass(frozen=True, slots=True)
class TokenSearch:
    """The token services near one base. `knocking` sends what carries no credentials, `guessing` what does, within its budget.
    `signed` says that the API asks for signatures, so that a secret refused here may yet be one that signs."""

    address: Address
    credentials: Credentials
    typed: str
    sis: str
    knocking: Exchange
    guessing: Exchange
    findings: Findings
    now: Callable[[], datetime]
    signed: bool = False

    def tokens(self, base: Base) -> Iterator[Given]:
        """Every token that can be had, likeliest service first. Raises `ExchangeFailed` when key or secret are refused in so
        many words, and at the end when the token URL that was typed gave none."""
        given = given_token_url(self.typed, self.address)
        for url in islice([given] if given else self._services(base), MOST_TOKEN_SERVICES):
            found = self._token_at(url, base.version)
            if found is not None:
                yield found
        if given:
            raise self._none_at_the_one_typed()

    def _none_at_the_one_typed(self) -> ExchangeFailed:
        told = self.findings.told
        if told is not None and told.kind == "token" and told.retry:
            return told  # it is there, and failed
        return ExchangeFailed(
            "token",
            "There is no token service at the token URL given",
            "Check the token URL, or leave it empty so that it is looked for.",
        )

    def _services(self, base: Base) -> Iterator[str]:
        """Addresses that answer a knock as a token service would; those that only might be one come last."""
        unsure: list[str] = []
        for url in token_candidates(self.address, base.url, self.sis):
            how = self._knock(url)
            if how == GUARDED:
                yield url
            elif how == UNSURE:
                unsure.append(url)
        yield from unsure

    def _knock(self, url: str) -> int:
        asked = knock_request(url)
        try:
            reply = self.knocking.send("POST", asked.url, asked.headers, asked.body, tries=2)
        except ExchangeFailed as failed:
            self.findings.note("knock", url, failed.kind)
            return ABSENT
        self.findings.note("knock", url, f"HTTP {reply.status}")
        return likelihood(reply.status, reply.body)

    def _token_at(self, url: str, version: str) -> Given | None:
        refusals: list[tuple[str, TokenRefused]] = []
        while style := next_style(refusals, self.credentials, preset_of(self.sis).style):
            asked = token_request(url, self.credentials, style, version)
            reply = self._post(asked.url, asked.headers, asked.body)
            said = read_token(reply.status, reply.body, reply.cookies, self.now())
            self.findings.note(style, url, f"HTTP {reply.status}")
            if isinstance(said, Token):
                return Given(url, style, said)
            refusals.append((style, said))
        self._refused([said for _, said in refusals])
        return None

    def _refused(self, refusals: list[TokenRefused]) -> None:
        """Ends the search where key and secret were refused for certain; else keeps what was said, and others are asked."""
        of_credentials = sorted(
            (said for said in refusals if said.credentials), key=lambda said: not said.plainly
        )
        wrong = of_credentials[0] if of_credentials else None
        if wrong is not None and (self.typed or (wrong.plainly and not self.signed)):
            raise token_refused(wrong)
        if wrong is not None and not wrong.plainly:
            self.findings.tell(_not_certain(wrong))
        elif refusals:
            self.findings.tell(token_refused(wrong or refusals[0]))

    def _post(self, url: str, headers: dict[str, str], body: bytes) -> Reply:
        try:
            return self.guessing.send("POST", url, headers, body)
        except Redirected:
            return Reply(302, {}, b"")  # no token service sends key and secret elsewhere
        except ExchangeFailed as failed:
            if self.typed and failed.kind in _NOT_CALLED:
                raise ExchangeFailed(
                    "token", f"The token URL cannot be used: {failed}", failed.cure
                ) from failed
            raise


def _not_certain(found: TokenRefused) -> ExchangeFailed:
    """What guards an API answers so everywhere below it, so this may be no token service at all."""
    return ExchangeFailed(
        "token",
        f"No address near this one gave a token; where one might be, the answer was {found.description}",
        "Ask the SIS's administrator for the token URL and enter it too. If it is the right one already, "
        "copy API Key and Client Secret again from the SIS.",
    )
