"""A OneRoster server as a source: reading its orgs and users, and testing the connection point by point."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from homeroom.oneroster import lenient
from homeroom.oneroster.client import Credentials, RawRecord, Session, Walk, pages
from homeroom.oneroster.exchange import Exchange, ExchangeFailed
from homeroom.oneroster.probe import learn, probe
from homeroom.oneroster.profile import Profile
from homeroom.problems import Problem
from homeroom.sync.reading import Evidence, Slice, SourceFailed
from homeroom.sync.roster import SourceOrg, SourcePerson
from homeroom.sync.sources.people import org_of, person_of

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class RestSettings:
    """What an owner typed: address and credentials of one SIS."""

    url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    token_url: str = ""
    ca_certificates: str = ""
    allow_plain_http: bool = False


def utc_now() -> datetime:
    """The clock, where nobody gives another."""
    return datetime.now(UTC)


class RestSource:
    """Reads one SIS. With a profile it goes straight to work; without one it finds the server first."""

    def __init__(
        self,
        settings: RestSettings,
        profile: Profile | None = None,
        exchange: Exchange | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings, self.profile, self.now = settings, profile, now
        self.exchange = exchange or Exchange(settings.ca_certificates, settings.allow_plain_http)
        self.evidence: dict[str, Evidence] = {}
        self._session: Session | None = None
        self._attempts = 0

    def orgs(self) -> Sequence[SourceOrg]:
        """Every org the source lists. Raises `SourceFailed`."""
        pages = self._pull("/orgs", "orgs")
        return [org for page in pages for org in map(self._org, page) if org is not None]

    def _org(self, record: RawRecord) -> SourceOrg | None:
        org, _ = lenient.read_org(record.raw)
        return org_of(org) if org is not None else None

    def people(self) -> Iterator[list[Slice]]:
        """The users, a page of raw records at a time. Called again for another attempt, it reads by offset."""
        self._attempts += 1
        for page in self._pull("/users", "users", keyset=self._attempts == 1):
            yield [Slice("users", record.sourced_id, record.raw) for record in page]

    def parse(self, record: Slice) -> tuple[SourcePerson | None, tuple[Problem, ...]]:
        """What a raw user says, leniently."""
        user, problems = lenient.read_user(record.raw)
        return (person_of(user) if user is not None else None), problems

    def _pull(self, path: str, word: str, *, keyset: bool = True) -> Iterator[list[RawRecord]]:
        meter = self.exchange.meter
        before = (meter.requests, meter.retries)
        proof = self.evidence[word] = Evidence(word)
        try:
            session = self.session()
            profile = session.profile if keyset else replace(session.profile, keyset=False)
            walk = Walk(profile, {})
            try:
                yield from pages(session, path, (word,), walk)
            finally:
                _copy(walk, proof)
                proof.requests, proof.retries = meter.requests - before[0], meter.retries - before[1]
        except ExchangeFailed as failed:
            raise SourceFailed(str(failed), failed.cure, retry=failed.retry) from failed

    def use(self, session: Session) -> None:
        """Goes on with a session that was found elsewhere."""
        self._session = session

    def session(self) -> Session:
        """The session with the server, found anew when no profile is known. Raises `ExchangeFailed`."""
        if self._session is None:
            known = Credentials(self.settings.key, self.settings.secret)
            if self.profile is None:
                found = probe(self.settings.url, known, self.exchange, self.settings.token_url, self.now)
                self.profile = learn(found)
                self._session = found.session
            else:
                self._session = Session(self.profile, known, self.exchange, self.now)
        return self._session


def _copy(walk: Walk, proof: Evidence) -> None:
    pull = walk.pull
    proof.claimed, proof.received, proof.pages = pull.claimed, pull.received, pull.pages
    proof.bytes, proof.revision, proof.checksum = pull.bytes, pull.revision, pull.checksum
    proof.trouble, proof.finished, proof.again = pull.trouble, pull.finished, pull.again
