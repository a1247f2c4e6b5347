"""From a stored connection to a source that can be read, and Test Connection with its answer kept."""

from collections.abc import Callable, Sequence
from functools import partial

from django.conf import settings

from homeroom.campus.connections import csv_place
from homeroom.campus.connections.models import Connection, Method, RosterLink
from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.pace import Pace
from homeroom.oneroster.profile import Profile
from homeroom.sync.reading import Check, ConnectionTest, Source
from homeroom.sync.rules import SchoolRule, schools_that_suffice
from homeroom.sync.sources.rest import RestSettings, RestSource

Told = Callable[[Check], None]
PACE = Pace(settings.REQUESTS_PER_SECOND)  # one for the process: a SIS counts its callers together


def hear_nothing(_: Check) -> None:
    """Where nobody watches the test."""


def open_source(connection: Connection, rules: Sequence[SchoolRule] = ()) -> Source:
    """The source of a connection: its CSV set, or its server, spoken to as the profile says and left out whom no rule wants."""
    if connection.method == Method.ONEROSTER_CSV:
        return csv_place.source_of(connection)
    return _rest(connection, Profile.from_json(connection.profile or {}), schools_that_suffice(rules))


def test_connection(link: RosterLink, told: Told = hear_nothing) -> ConnectionTest:
    """Tries the connection on the real path, finding the server anew. Keeps nothing: `trying` does. `told` hears each point."""
    connection = link.connection
    if connection.method == Method.ONEROSTER_CSV:
        return csv_place.check(connection, link.school_id_typed)
    return _rest(connection, None).check(link.school_id_typed, told)


test_connection.__test__ = False  # type: ignore[attr-defined] # pytest must not take it for a test


def keep_profile(connection: Connection, profile: Profile) -> None:
    """What was learnt of a server, kept with its connection at once, so that the next run goes straight to work."""
    connection.profile = profile.to_json()
    connection.save(update_fields=["profile"])


def sample(link: RosterLink) -> list[dict[str, str]]:
    """A few people of the school as the SIS says them now, for those who may see its people; none of it is kept.
    Raises `SourceFailed`."""
    if not link.org:
        return []
    if link.connection.method == Method.ONEROSTER_CSV:
        return csv_place.source_of(link.connection, csv_place.SHORT).some_people(link.org)
    profile = Profile.from_json(link.connection.profile or {})
    if profile is None:
        return []
    return _rest(link.connection, profile).some_people(link.org)


def _rest(connection: Connection, profile: Profile | None, schools: Sequence[str] = ()) -> RestSource:
    typed = RestSettings(
        url=connection.url,
        key=connection.key,
        secret=connection.secret,
        token_url=connection.token_url,
        ca_certificates=connection.ca_certificates,
        plain_http_host=connection.plain_http_host,
        sis=connection.sis,
        version=_version_of_people(connection),
    )
    exchange = Exchange(typed.ca_certificates, typed.plain_http_host, hosted=settings.HOSTED, pace=PACE)
    return RestSource(typed, profile, exchange, schools=schools, learnt=partial(keep_profile, connection))


def _version_of_people(connection: Connection) -> str:
    """The version in which this connection's people were read; "" while there are none. Ids differ between versions."""
    version = str((connection.profile or {}).get("version", ""))
    return version if version and connection.records.exists() else ""
