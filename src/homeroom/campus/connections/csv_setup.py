"""Keeping where a school's CSV set lies, as an owner typed it or a script named it: the same for both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from homeroom.campus.connections import csv_upload
from homeroom.campus.connections.models import Connection, CsvPlace, Method, RosterLink
from homeroom.campus.schools.models import School

Kind = CsvPlace.Kind
WHERE = ("kind", "folder", "by_administrator", "host", "port", "username", "path")


@dataclass(frozen=True, slots=True)
class TypedCsv:
    """Where the set lies. Empty secrets mean: keep those that are stored, unless the server or account is another one."""

    school_id: str
    kind: str
    sis: str = "other"
    whole: bool = False
    folder: str = ""
    by_administrator: bool = False
    host: str = ""
    port: int = 22
    username: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    path: str = ""
    uploaded: Path | None = None  # by `csv_upload.packed`
    uploaded_as: str = ""


def save_csv(school: School, typed: TypedCsv) -> RosterLink:
    """Keeps it, whether or not it works. Schools of a district whose set lies in the same place share a connection; a place
    that other schools use too is never changed under them: this school gets a connection of its own."""
    with transaction.atomic():
        link = RosterLink.objects.select_related("connection").filter(school=school).first()
        connection = _connection(school, link, typed)
        _fill(connection, typed)
        if link is None:
            link = RosterLink(district_id=school.district_id, school=school)
        school_id = typed.school_id.strip()[:255]
        if link.school_id_typed != school_id:
            link.org, link.org_name = "", ""
        link.connection, link.school_id_typed = connection, school_id
        link.save()
    return link


def _connection(school: School, link: RosterLink | None, typed: TypedCsv) -> Connection:
    if link is not None and (_is_there(link.connection, typed) or not _is_shared(link)):
        return link.connection
    if typed.kind != Kind.UPLOAD:
        for place in CsvPlace.objects.select_related("connection").filter(
            connection__district=school.district_id
        ):
            if _where(place) == _wanted(typed):
                return place.connection
    return Connection(district_id=school.district_id)


def _is_shared(link: RosterLink) -> bool:
    return RosterLink.objects.filter(connection=link.connection_id).exclude(pk=link.pk).exists()


def _is_there(connection: Connection, typed: TypedCsv) -> bool:
    place = CsvPlace.objects.filter(connection=connection).first()
    return place is not None and typed.kind != Kind.UPLOAD and _where(place) == _wanted(typed)


def _where(place: CsvPlace) -> tuple[object, ...]:
    return tuple(getattr(place, name) for name in WHERE)


def _wanted(typed: TypedCsv) -> tuple[object, ...]:
    return tuple(_tidy(getattr(typed, name)) for name in WHERE)


def _tidy(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _fill(connection: Connection, typed: TypedCsv) -> None:
    if connection.method != Method.ONEROSTER_CSV or connection.pk is None:
        connection.profile = {}
    connection.method, connection.sis = Method.ONEROSTER_CSV, typed.sis
    connection.save()
    place, made = CsvPlace.objects.get_or_create(connection=connection)
    if not made and _where(place) != _wanted(typed):
        place.read_made = None  # another place has other times
    if (place.host, place.port, place.username) != (typed.host.strip(), typed.port, typed.username.strip()):
        place.password = place.private_key = ""  # never sent to whom they were not given for
    if (place.host, place.port) != (typed.host.strip(), typed.port):
        place.host_key = ""
    for name, value in zip(WHERE, _wanted(typed), strict=True):
        setattr(place, name, value)
    place.whole = typed.whole
    if typed.password or typed.private_key:
        place.password, place.private_key = typed.password, typed.private_key.strip()
    if typed.uploaded is not None:
        _take_upload(place, typed)
    place.save()


def _take_upload(place: CsvPlace, typed: TypedCsv) -> None:
    if typed.uploaded is None:
        return
    place.checked = csv_upload.checked(typed.uploaded)
    csv_upload.keep(typed.uploaded, place.connection_id)
    place.uploaded_as, place.uploaded_at = typed.uploaded_as[:255], timezone.now()


def names_of(files: Sequence[object]) -> str:
    """What an upload is called on the page: the file's own name, or how many there were."""
    return str(getattr(files[0], "name", "")) if len(files) == 1 else f"{len(files)} CSV files"
