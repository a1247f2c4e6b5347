"""From where a CSV set is kept to a source that can be read. Owners reach no path but those the administrator gave."""

from pathlib import Path

from django.conf import settings

from homeroom.campus.connections.models import Connection, CsvPlace
from homeroom.campus.schools.models import District
from homeroom.sync.reading import Check, ConnectionTest, Source, SourceFailed
from homeroom.sync.sources.csv_set import CsvSource
from homeroom.sync.sources.places import Folder, Patience, Place
from homeroom.web.home import home


class NoSuchFolder(ValueError):
    """A folder that an owner may not name. The message says which they may."""


SHORT = Patience(quiet=5, look_every=1, most=20)  # while somebody waits for an answer
NONE = Patience(settled=0)  # an upload is whole when it is kept


def source_of(connection: Connection, patience: Patience | None = None) -> CsvSource:
    """The source of a connection by CSV. Raises `SourceFailed` when it has no place yet."""
    kept = CsvPlace.objects.filter(connection=connection).first()
    if kept is None:
        raise SourceFailed(
            "Nobody has said yet where the CSV set lies",
            "On People > Rostering, upload a set or name where the export is put.",
            retry=False,
        )
    if kept.kind == CsvPlace.Kind.UPLOAD:
        patience = NONE
    return CsvSource(_place(kept), newer_than=kept.read_made, vouched=kept.whole, patience=patience)


def check(connection: Connection, school_id: str) -> ConnectionTest:
    """Test Connection of a connection by CSV."""
    try:
        source = source_of(connection, SHORT)
    except SourceFailed as failed:
        return ConnectionTest((Check("set", ok=False, detail=str(failed), cure=failed.cure),))
    answer = source.check(school_id)
    _keep_key(connection, source.place)
    return answer


def _keep_key(connection: Connection, place: Place) -> None:
    """A server's key, the first time that it is met; later it is compared and never changed."""
    met = getattr(place, "host_key", "")  # a folder has none
    if met:
        CsvPlace.objects.filter(connection=connection, host_key="").update(host_key=met)


def _place(kept: CsvPlace) -> Place:
    if kept.kind == CsvPlace.Kind.UPLOAD:
        return Folder(upload_path(kept.connection_id))
    if kept.kind == CsvPlace.Kind.SFTP:
        from homeroom.sync.sources.sftp import Sftp, SftpSettings  # slow to import: every command would pay

        names = ("host", "username", "path", "port", "password", "private_key", "host_key")
        return Sftp(SftpSettings(**{name: getattr(kept, name) for name in names}), hosted=settings.HOSTED)
    return Folder(folder_path(kept))


def upload_path(connection_id: int) -> Path:
    """Where the set that was uploaded for a connection is kept: in the data directory, for Homeroom's own eyes."""
    kept = home() / "csv"
    kept.mkdir(mode=0o700, exist_ok=True)
    return kept / f"{connection_id}.zip"


def folder_path(kept: CsvPlace) -> Path:
    """The folder of this machine that a place means, looked at anew each time: a link may have been put there since."""
    if kept.by_administrator:
        return Path(kept.folder)
    try:
        return allowed_folder(kept.connection.district, kept.folder)
    except NoSuchFolder as wrong:
        raise SourceFailed(
            str(wrong), "Choose the folder again on People > Rostering.", retry=False
        ) from wrong


def folders_of(district: District) -> Path | None:
    """The directory below which a district's owners may name folders; None when the administrator set none.

    Where many districts share a server each has one of its own in it.
    """
    if not settings.CSV_FOLDERS:
        return None
    root = Path(settings.CSV_FOLDERS)
    return root / f"district-{district.pk}" if settings.HOSTED else root


def allowed_folder(district: District, typed: str) -> Path:
    """The folder that an owner names, below the district's directory and nowhere else. Raises `NoSuchFolder`."""
    root = folders_of(district)
    if root is None:
        raise NoSuchFolder(
            "No folder of the server may be named yet: whoever runs Homeroom sets HOMEROOM_CSV_FOLDERS to the directory they may lie in."
        )
    root = root.resolve()
    path = (root / typed.strip().lstrip("/\\")).resolve()
    if not path.is_relative_to(root):
        raise NoSuchFolder("Only folders below the one that whoever runs Homeroom chose may be named.")
    if not path.is_dir():
        raise NoSuchFolder(
            f"There is no folder “{typed[:100]}” there yet. Let the export make it, or ask whoever runs Homeroom."
        )
    return path


def remember(connection: Connection, source: Source) -> None:
    """Keeps when the set was made that was just read: an older one is not read after it."""
    if isinstance(source, CsvSource) and source.taken is not None:
        CsvPlace.objects.filter(connection=connection).update(read_made=source.taken.made)
        _keep_key(connection, source.place)
