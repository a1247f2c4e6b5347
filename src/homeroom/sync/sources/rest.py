"""A OneRoster server as a source: reading its orgs and users, and testing the connection point by point."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote

import xxhash

from homeroom.oneroster import lenient
from homeroom.oneroster.address import tidy
from homeroom.oneroster.auth.credentials import Credentials
from homeroom.oneroster.client import RawRecord, Session
from homeroom.oneroster.endpoints import SCOPES_FOR
from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.flight import pages
from homeroom.oneroster.learn import learn
from homeroom.oneroster.probe import Known, probe
from homeroom.oneroster.profile import Profile
from homeroom.oneroster.walk import Walk
from homeroom.problems import Problem
from homeroom.sync.reading import Birth, Check, ConnectionTest, Evidence, Slice, SourceFailed
from homeroom.sync.roster import SourceOrg, SourcePerson
from homeroom.sync.sources.births import OverRest
from homeroom.sync.sources.people import cut_short, org_of, person_of

ATTEMPTS = 3
NOT_SERVED = frozenset({400, 403, 404, 405, 501})
# What a server says when it is no longer as the profile has it. A refused secret is none of these: nothing is guessed then.
STALE = frozenset({"not_found", "unauthorized", "token", "html", "redirect"})


@dataclass(frozen=True, slots=True)
class RestSettings:
    """What an owner typed: address and credentials of one SIS. `plain_http_host` is the host for which an owner consented, in
    so many words, to plain http. `sis` orders the guesses; `version` is the one in which people were read before, and the only
    one looked for where the URL names none."""

    url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    token_url: str = ""
    ca_certificates: str = ""
    plain_http_host: str = ""
    sis: str = "other"
    version: str = ""

    def known(self, version: str = "") -> Known:
        """What a search starts from. A version that the URL names goes before the one of the people."""
        named = tidy(self.url, self.plain_http_host).version
        return Known(self.token_url, self.sis, version or ("" if named else self.version))


def forget(_: Profile) -> None:
    """What becomes of a new profile, where nobody keeps it."""


def utc_now() -> datetime:
    """The clock, where nobody gives another."""
    return datetime.now(UTC)


class RestSource:
    """Reads one SIS. With a profile it goes straight to work; without one, and once more when the profile no longer holds, it
    finds the server first, and tells `learnt` what it found. The version of a profile is kept: ids differ between versions.

    `schools` are the sourcedIds of the only schools whose students and teachers, and nobody else, are wanted: where the
    server has lists by school, only these are read. Staff, administrators and guardians stand in no such list, so whoever
    wants them leaves `schools` empty and reads all users.
    """

    def __init__(
        self,
        settings: RestSettings,
        profile: Profile | None = None,
        exchange: Exchange | None = None,
        now: Callable[[], datetime] = utc_now,
        schools: Sequence[str] = (),
        learnt: Callable[[Profile], None] = forget,
    ) -> None:
        self.settings, self.profile, self.now, self.learnt = settings, profile, now, learnt
        self.exchange = exchange or Exchange(settings.ca_certificates, settings.plain_http_host)
        self._may_look_again = profile is not None
        self.evidence: dict[str, Evidence] = {}
        self.problems: list[Problem] = []
        self._schools = tuple(schools)
        self._session: Session | None = None
        self._attempts = 0

    def check(self, school_id: str, told: Callable[[Check], None] = lambda _: None) -> ConnectionTest:
        """Test Connection, finding the server anew. `told` hears each point as it is answered."""
        from homeroom.sync.sources.testing import test  # it stands on this module

        return test(self, school_id, told)

    def some_people(self, org: str) -> list[dict[str, str]]:
        """A few people of a school, of as many roles as there are. Raises `SourceFailed`."""
        from homeroom.sync.sources.points.people import five_of, look  # they stand on this module

        try:
            return five_of(look(self.session(), org, most_pages=1).people, org)
        except ExchangeFailed as failed:
            raise SourceFailed(str(failed), failed.cure, retry=failed.retry) from failed

    def orgs(self) -> Sequence[SourceOrg]:
        """Every org the source lists and does not mark as deleted, read again when it came in disorder. Raises `SourceFailed`."""
        found: list[SourceOrg] = []
        for attempt in range(1, ATTEMPTS + 1):
            try:
                found = self._orgs(attempt)
            except SourceFailed as failed:
                if not self._look_again(failed.__cause__):
                    raise
                found = self._orgs(attempt)
            if not self.evidence["orgs"].again:
                break
        return found

    def _orgs(self, attempt: int) -> list[SourceOrg]:
        pulled = self._pull("/orgs", "orgs", ("orgs",), attempt, "")
        found = [org for page in pulled for org in map(_org, page) if org is not None]
        return list({org.sourced_id: org for org in found}.values())

    def _look_again(self, failed: BaseException | None) -> bool:
        """Finds the server anew, once in the life of a source, when it is no longer as the profile has it."""
        stale = isinstance(failed, ExchangeFailed) and failed.kind in STALE
        if self.profile is None or not stale or not self._may_look_again:
            return False
        self._may_look_again = False
        try:
            self.find(f"the API no longer answered as before ({failed})", self.profile.version)
        except ExchangeFailed as other:
            raise SourceFailed(str(other), other.cure, retry=other.retry) from other
        return True

    def people(self) -> Iterator[list[Slice]]:
        """The users, a page of raw records at a time. Called again for another attempt, it reads by offset."""
        self._attempts += 1
        for name in [name for name in self.evidence if name != "orgs"]:
            del self.evidence[name]
        try:
            lists = self._lists()
        except ExchangeFailed as failed:
            raise SourceFailed(str(failed), failed.cure, retry=failed.retry) from failed
        seen: set[int] | None = set() if len(lists) > 1 else None
        revision = ""
        for path, name in lists:
            try:
                for page in self._pull(path, name, ("users",), self._attempts, revision):
                    yield [Slice("users", r.sourced_id, r.raw) for r in page if _is_new(r, seen)]
            except SourceFailed as failed:
                if not self._give_up_lists(name, failed):
                    raise
                return
            revision = self.evidence[name].revision
            if self.evidence[name].trouble:
                return

    def parse(self, record: Slice) -> tuple[SourcePerson | None, tuple[Problem, ...]]:
        """What a raw user says, leniently."""
        user, problems = lenient.read_user(record.raw)
        if user is None:
            return None, problems
        return person_of(user, problems), (*problems, *cut_short(user))

    def births(self, of: Collection[str]) -> Iterator[list[Birth]]:
        """The birth dates of these people, with a token of their own: the one for people need not reach so far."""
        profile = self.session().profile
        session = Session(profile, self._credentials, self.exchange, self.now, scopes=SCOPES_FOR["demo"])
        yield from OverRest(session, of, self.problems).read()

    def _lists(self) -> list[tuple[str, str]]:
        """The collections that hold the people wanted: path and name."""
        if not self._schools or not self.session().profile.school_endpoint:
            return [("/users", "users")]
        paths = [f"schools/{quote(school, safe='')}/{word}" for school in self._schools for word in _IN_LISTS]
        return [(f"/{path}", path) for path in paths]

    def _give_up_lists(self, name: str, failed: SourceFailed) -> bool:
        """Whether a list by school that failed is no reason to fail: the next attempt reads all users."""
        if name == "users" or not isinstance(failed.__cause__, ExchangeFailed):
            return False
        if failed.__cause__.status not in NOT_SERVED and failed.__cause__.kind != "no_key":
            return False
        self._schools = ()
        proof = self.evidence[name]
        proof.trouble, proof.again = f"the server does not serve this list: {failed}", True
        return True

    def _pull(
        self, path: str, name: str, words: tuple[str, ...], attempt: int, revision: str
    ) -> Iterator[list[RawRecord]]:
        meter = self.exchange.meter
        before = (meter.requests, meter.retries)
        proof = self.evidence[name] = Evidence(name, attempts=attempt)
        try:
            session = self.session()
            by_id = session.profile.keyset and attempt == 1
            profile = replace(session.profile, keyset=by_id)
            walk = Walk(profile, path, revision, self.exchange.bounds)
            try:
                for page in pages(session, walk, words):
                    _copy(walk, proof)
                    yield page
            finally:
                _copy(walk, proof)
                proof.requests, proof.retries = meter.requests - before[0], meter.retries - before[1]
        except ExchangeFailed as failed:
            proof.trouble = str(failed)
            raise SourceFailed(str(failed), failed.cure, retry=failed.retry) from failed

    def use(self, session: Session) -> None:
        """Goes on with a session that was found elsewhere."""
        self._session = session

    def session(self) -> Session:
        """The session with the server, found anew when no profile is known. Raises `ExchangeFailed`."""
        if self._session is None and self.profile is not None:
            self._session = Session(self.profile, self._credentials, self.exchange, self.now)
        return self._session or self.find("nothing was known of the server")

    def find(self, by: str, version: str = "") -> Session:
        """Finds the server and learns how to speak to it. Raises `ExchangeFailed`."""
        known = self.settings.known(version)
        session = probe(self.settings.url, self._credentials, self.exchange, known, self.now).session
        self.profile = learn(session, self._schools[0] if self._schools else "", by)
        self._session = session
        self.learnt(self.profile)
        return session

    @property
    def _credentials(self) -> Credentials:
        return Credentials(self.settings.key, self.settings.secret)


_IN_LISTS = ("students", "teachers")


def _org(record: RawRecord) -> SourceOrg | None:
    org, _ = lenient.read_org(record.raw)
    return org_of(org) if org is not None and org.status != "tobedeleted" else None


def _is_new(record: RawRecord, seen: set[int] | None) -> bool:
    """Whether no other list has given this record: somebody may be at two schools, or student and teacher."""
    if seen is None or not record.sourced_id:
        return True
    mark = xxhash.xxh3_64_intdigest(record.sourced_id.encode())
    new = mark not in seen
    seen.add(mark)
    return new


def _copy(walk: Walk, proof: Evidence) -> None:
    pull = walk.pull
    proof.claimed, proof.received, proof.pages = pull.claimed, pull.received, pull.pages
    proof.bytes, proof.revision, proof.checksum = pull.bytes, pull.revision, pull.checksum
    proof.trouble, proof.finished, proof.again = pull.trouble, pull.finished, pull.again
