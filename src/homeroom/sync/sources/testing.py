"""Test Connection: the real path, asked point by point, each failing point with its cause and its cure.

It changes nothing, and no detail holds a secret or a person.
"""

import re
import socket
import ssl
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from homeroom.oneroster import lenient
from homeroom.oneroster.client import Credentials, Session, split
from homeroom.oneroster.exchange import ExchangeFailed, is_loopback
from homeroom.oneroster.probe import Address, learn, probe, tidy
from homeroom.sync.reading import Check, ConnectionTest, SourceFailed
from homeroom.sync.roster import SourceOrg
from homeroom.sync.rules import GROUP_OF_ROLE, GUARDIAN_ROLES
from homeroom.sync.sources.people import person_of
from homeroom.sync.sources.rest import RestSource

# Which point a failure belongs to: everything before it went well.
_POINT = {
    "address": "address",
    "plain_http": "address",
    "dns": "dns",
    "tls": "tls",
    "connect": "reach",
    "dropped": "reach",
    "redirect": "reach",
    "credentials": "token",
    "token": "token",
    "unauthorized": "token",
    "forbidden": "schools",
}
_ORDER = ("address", "dns", "tls", "reach", "token", "version", "schools", "school_id", "people")
SAMPLE = 1000


def test(source: RestSource, school_id: str) -> ConnectionTest:
    """The whole answer for a typed School ID."""
    checks: list[Check] = []
    try:
        address = tidy(source.settings.url)
        checks.append(
            Check(
                "address",
                ok=True,
                detail=f"{address.url}" + (f" ({address.tidied})" if address.tidied else ""),
            )
        )
        checks += _network(address)
        known = Credentials(source.settings.key, source.settings.secret)
        found = probe(source.settings.url, known, source.exchange, source.settings.token_url, source.now)
        profile = source.profile = found.profile
        source.use(found.session)
        checks += _server(found.profile.auth, profile.version, urlsplit(profile.base_url).path)
        orgs = source.orgs()
        school, said = resolve(school_id, orgs)
        schools = tuple(org for org in orgs if is_school(org, orgs))
        checks += [_schools(schools), said]
        profile = learn(found, school.sourced_id if school else "")
        source.profile = profile
        people, counts = _people(found.session, school)
        checks += [*people, *_manners(found.session)]
        return ConnectionTest(tuple(checks), profile.to_json(), schools, school, counts)
    except SourceFailed as failed:
        checks.append(Check("schools", ok=False, detail=str(failed), cure=failed.cure))
    except ExchangeFailed as failed:
        name = _POINT.get(failed.kind, "version")
        checks = [check for check in checks if _ORDER.index(check.name) < _ORDER.index(name)]
        checks.append(Check(name, ok=False, detail=str(failed), cure=failed.cure))
    return ConnectionTest(tuple(checks))


def _network(address: Address) -> list[Check]:
    parts = urlsplit(address.root)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.getaddrinfo(host, port)
    except OSError as wrong:
        raise ExchangeFailed(
            "dns",
            f"No server has the name {host}",
            "Check the URL for a typing error, or ask the SIS's administrator.",
        ) from wrong
    checks = [Check("dns", ok=True, detail=f"{host} is known")]
    if parts.scheme == "https":
        checks.append(_certificate(host, port))
    elif not is_loopback(host):
        checks.append(
            Check("tls", None, "The address is plain http: anybody on the way can read", "Use https.")
        )
    return checks


def _certificate(host: str, port: int) -> Check:
    """How long the certificate is still good; whether it is trusted, the calls that follow decide."""
    try:
        with (
            socket.create_connection((host, port), 10) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            ends = ssl.cert_time_to_seconds(str((wrapped.getpeercert() or {}).get("notAfter", "")))
    except (OSError, ValueError):
        return Check("tls", None, "The certificate could not be looked at with the system's trust store")
    days = int((datetime.fromtimestamp(ends, UTC) - datetime.now(UTC)).total_seconds() // 86400)
    if days < 21:
        return Check(
            "tls", None, f"The certificate ends in {days} days", "The SIS's administrator renews it."
        )
    return Check("tls", ok=True, detail=f"The certificate is good for {days} days")


def _server(auth: str, version: str, path: str) -> list[Check]:
    manner = {"oauth2": "OAuth 2.0 token granted", "bearer": "fixed bearer token accepted"}
    return [
        Check("reach", ok=True, detail="The server answers"),
        Check("token", ok=True, detail=manner.get(auth, "signed requests accepted (OAuth 1.0a)")),
        Check("version", ok=True, detail=f"OneRoster {version} at {path}"),
    ]


def is_school(org: SourceOrg, orgs: Sequence[SourceOrg]) -> bool:
    """Whether an org serves as a school: by type, or as a department where no org is called a school."""
    kinds = {other.type for other in orgs}
    return org.type == "school" or ("school" not in kinds and org.type in ("department", ""))


def _schools(schools: Sequence[SourceOrg]) -> Check:
    if schools:
        return Check("schools", ok=True, detail=f"{len(schools)} schools are shared with this key")
    cure = (
        "Send this to the SIS's administrator: our key sees no schools; please share at least ours with it."
    )
    return Check("schools", ok=False, detail="The server lists no school", cure=cure)


def resolve(typed: str, orgs: Sequence[SourceOrg]) -> tuple[SourceOrg | None, Check]:
    """Which school a typed School ID means: by sourcedId, else by number, else by a name only one school has."""
    schools = [org for org in orgs if is_school(org, orgs)]
    wanted = typed.strip()
    exact = next((org for org in orgs if org.sourced_id == wanted), None)
    if exact is not None and exact in schools:
        return exact, Check("school_id", ok=True, detail=f"Your School ID is {exact.name}")
    if exact is not None:
        return None, Check(
            "school_id", ok=False, detail=f"{exact.name} is a {exact.type}, not a school", cure=_pick(schools)
        )
    if not wanted:
        return None, Check("school_id", ok=False, detail="No School ID was entered", cure=_pick(schools))
    for means, of in (("number", _number), ("name", lambda org: org.name.casefold())):
        like = wanted.lstrip("0") or "0" if means == "number" else wanted.casefold()
        fits = [org for org in schools if of(org) == (like.casefold())]
        if len(fits) == 1:
            return fits[0], Check(
                "school_id",
                ok=True,
                detail=f"Your School ID is the {means} of {fits[0].name} (its id is {fits[0].sourced_id})",
            )
    return None, Check(
        "school_id",
        ok=False,
        detail=f"No school has the id, number or name “{wanted[:60]}”",
        cure=_pick(schools),
    )


def _number(org: SourceOrg) -> str:
    return (re.sub(r"^0+(?=.)", "", org.identifier.strip())).casefold()


def _pick(schools: Sequence[SourceOrg]) -> str:
    listed = "; ".join(f"{org.name}: {org.identifier or '–'}, id {org.sourced_id}" for org in schools[:20])
    return (
        f"Choose one of these: {listed}" + (" …" if len(schools) > 20 else "")
        if schools
        else "Ask the SIS's administrator."
    )


def _people(session: Session, school: SourceOrg | None) -> tuple[list[Check], dict[str, int]]:
    """Roles at the school in a bounded sample of users, or the server's own totals where it gives them."""
    if school is None:
        return [], {}
    page = split(session.get("/users", {"limit": str(SAMPLE)}), ("users",))
    counts, unknown = Counter[str](), set[str]()
    for record in page.records:
        user, _ = lenient.read_user(record.raw)
        if user is None:
            continue
        for role in person_of(user).roles:
            if role.org == school.sourced_id:
                counts[role.word] += 1
                if role.word.lower() not in GROUP_OF_ROLE and role.word.lower() not in GUARDIAN_ROLES:
                    unknown.add(role.word[:40])
    whole = page.total is not None and page.total <= len(page.records)
    counts |= Counter(_totals(session, school)) if not whole else Counter()
    checks = [_people_check(counts, whole=whole)]
    if unknown:
        said = f"Roles the standard does not know: {', '.join(sorted(unknown)[:5])}"
        checks.append(Check("people", None, said, "They grant nothing here; nothing to do if that is right."))
    return checks, dict(counts)


def _totals(session: Session, school: SourceOrg) -> dict[str, int]:
    found = {}
    for role, path in (("student", "students"), ("teacher", "teachers")):
        try:
            page = split(session.get(f"/schools/{school.sourced_id}/{path}", {"limit": "1"}), ("users", path))
        except ExchangeFailed:
            continue
        if page.total is not None:
            found[role] = page.total
    return found


def _people_check(counts: Counter[str], *, whole: bool) -> Check:
    if counts:
        words = ", ".join(f"{count} {role}" for role, count in sorted(counts.items()))
        return Check(
            "people",
            ok=True,
            detail=words + ("" if whole else " (students and teachers in all, others in a sample)"),
        )
    cure = "Send this to the SIS's administrator: our key sees our school but none of its people; please share them."
    return Check("people", None, "No people of this school were seen in the sample", cure)


def _manners(session: Session) -> list[Check]:
    profile = session.profile
    limit = f"pages of {profile.max_limit:,} people"
    return [
        Check("limit", ok=True, detail=limit),
        Check(
            "total",
            ok=True if profile.total_count else None,
            detail="totals are given"
            if profile.total_count
            else "no totals: the end is told by an empty page",
        ),
        Check(
            "link",
            ok=True,
            detail="next-page links are given" if profile.link else "no links: pages are counted",
        ),
        Check(
            "keyset", ok=True, detail="read by id, which is fastest" if profile.keyset else "read by position"
        ),
        Check(
            "school_endpoint",
            ok=True,
            detail="school-scoped lists are served"
            if profile.school_endpoint
            else "no school-scoped lists: people are narrowed here",
        ),
    ]
