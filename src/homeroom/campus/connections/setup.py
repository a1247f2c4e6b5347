"""Keeping what an owner typed on the set-up page, or a script on the command line: the same for both."""

from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.campus.schools.models import School


@dataclass(frozen=True, slots=True)
class Typed:
    """Address and credentials as typed. An empty secret means: keep the one that is stored."""

    url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    school_id: str
    sis: str = "other"
    token_url: str = ""
    ca_certificates: str = ""


def save(school: School, typed: Typed) -> RosterLink:
    """Keeps it, whether or not it works. Schools of a district that use the same address and key share a connection,
    so that one run reads for all of them."""
    with transaction.atomic():
        link = RosterLink.objects.select_related("connection").filter(school=school).first()
        connection = _connection(school, link, typed)
        _fill(connection, typed)
        if link is None:
            link = RosterLink(district_id=school.district_id, school=school)
        if link.school_id_typed != typed.school_id.strip()[:255]:
            link.org, link.org_name = "", ""
        link.connection, link.school_id_typed = connection, typed.school_id.strip()[:255]
        link.save()
    return link


def _connection(school: School, link: RosterLink | None, typed: Typed) -> Connection:
    if link is not None:
        return link.connection
    same = Connection.objects.filter(
        district=school.district_id, url=typed.url.strip(), key=typed.key.strip()
    ).first()
    return same or Connection(district_id=school.district_id)


def _fill(connection: Connection, typed: Typed) -> None:
    moved = (connection.url, connection.key) != (typed.url.strip(), typed.key.strip())
    connection.url, connection.key, connection.sis = (
        typed.url.strip()[:1000],
        typed.key.strip()[:500],
        typed.sis,
    )
    connection.token_url, connection.ca_certificates = typed.token_url.strip()[:1000], typed.ca_certificates
    if typed.secret:
        connection.secret, connection.secret_set_at = typed.secret.strip(), timezone.now()
    if moved or typed.secret:
        connection.profile = {}
    connection.save()
