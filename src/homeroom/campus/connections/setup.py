"""Keeping what an owner typed on the set-up page, or a script on the command line: the same for both."""

from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from homeroom.campus.connections.models import Connection, Method, RosterLink
from homeroom.campus.schools.models import School
from homeroom.oneroster.address import host_of


@dataclass(frozen=True, slots=True)
class Typed:
    """Address and credentials as typed. An empty secret means: keep the one that is stored. `plain_http_host` is the host for
    which the owner consented to plain http."""

    url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    school_id: str
    sis: str = "other"
    token_url: str = ""
    ca_certificates: str = ""
    plain_http_host: str = ""


def save(school: School, typed: Typed) -> RosterLink:
    """Keeps it, whether or not it works. Schools of a district that use the same address and key share a connection,
    so that one run reads for all of them; who joins one changes in it only what they typed."""
    with transaction.atomic():
        link = RosterLink.objects.select_related("connection").filter(school=school).first()
        connection, joins = _connection(school, link, typed)
        _fill(connection, typed, joins=joins)
        if link is None:
            link = RosterLink(district_id=school.district_id, school=school)
        if link.school_id_typed != typed.school_id.strip()[:255]:
            link.org, link.org_name = "", ""
        link.connection, link.school_id_typed = connection, typed.school_id.strip()[:255]
        link.save()
    return link


def _connection(school: School, link: RosterLink | None, typed: Typed) -> tuple[Connection, bool]:
    """The connection that is meant, and whether it is one of other schools that this school joins."""
    if link is not None:
        return link.connection, False
    same = Connection.objects.filter(
        district=school.district_id, url=typed.url.strip(), key=typed.key.strip()
    ).first()
    return (same, True) if same else (Connection(district_id=school.district_id), False)


def _fill(connection: Connection, typed: Typed, *, joins: bool) -> None:
    before = _where(connection)
    connection.method = Method.ONEROSTER_API
    connection.url, connection.key, connection.sis = (
        typed.url.strip()[:1000],
        typed.key.strip()[:500],
        typed.sis,
    )
    consent = typed.plain_http_host if typed.plain_http_host == host_of(typed.url) else ""
    more = {
        "token_url": typed.token_url.strip()[:1000],
        "ca_certificates": typed.ca_certificates,
        "plain_http_host": consent,
    }
    for name, value in more.items():
        if value or not joins:
            setattr(connection, name, value)
    if typed.secret:
        connection.secret, connection.secret_set_at = typed.secret.strip(), timezone.now()
    if _where(connection) != before or typed.secret:
        # What was learnt is forgotten, but for the version in which people were read: their ids differ in another.
        connection.profile = {k: v for k, v in connection.profile.items() if k == "version"}
    connection.save()


def _where(connection: Connection) -> tuple[str, ...]:
    return connection.method, connection.url, connection.key, connection.token_url


def asks_for_secret(connection: Connection, typed_url: str, typed_token_url: str) -> bool:
    """Whether a stored secret would go to a host to which nobody has sent it yet: then it must be typed again, or whoever may
    change the address could have it sent to a machine of their own."""
    known = {host_of(connection.url), host_of(connection.token_url)} - {""}
    return not {host for host in (host_of(typed_url), host_of(typed_token_url)) if host} <= known
