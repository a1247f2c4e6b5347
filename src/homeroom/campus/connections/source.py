"""From a stored connection to a source that can be read, and Test Connection with its answer kept."""

from dataclasses import asdict
from datetime import datetime

from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.oneroster.profile import Profile
from homeroom.sync.reading import ConnectionTest, Source
from homeroom.sync.sources.rest import RestSettings, RestSource
from homeroom.sync.sources.testing import test


def open_source(connection: Connection) -> Source:
    """The source of a connection, speaking as its profile says."""
    return _rest(connection, Profile.from_json(connection.profile or {}))


def test_connection(link: RosterLink, now: datetime) -> ConnectionTest:
    """Tries the connection on the real path, finding the server anew, and keeps what was learnt and the answer.

    A School ID that was resolved is kept with the link; one that was not leaves the earlier one in place.
    """
    connection = link.connection
    answer = test(_rest(connection, None), link.school_id_typed)
    connection.test = {
        "ok": answer.ok,
        "checks": [asdict(check) for check in answer.checks],
        "schools": [asdict(org) for org in answer.schools],
        "counts": answer.counts,
    }
    connection.tested_at = now
    if answer.profile:
        connection.profile = answer.profile
    connection.save(update_fields=["test", "tested_at", "profile"])
    if answer.school is not None:
        link.org, link.org_name = answer.school.sourced_id, answer.school.name[:255]
        link.save(update_fields=["org", "org_name"])
    return answer


test_connection.__test__ = False  # type: ignore[attr-defined] # pytest must not take it for a test


def _rest(connection: Connection, profile: Profile | None) -> RestSource:
    settings = RestSettings(
        url=connection.url,
        key=connection.key,
        secret=connection.secret,
        token_url=connection.token_url,
        ca_certificates=connection.ca_certificates,
    )
    return RestSource(settings, profile)
