"""Rostering by CSV as people set it up: uploads, folders and SFTP, and what an owner may not reach."""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from homeroom.campus.connections.csv_place import upload_path
from homeroom.campus.connections.models import Connection, CsvPlace, Method, RosterLink
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.oneroster.endpoints import V1P1, V1P2
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.sftp import SftpSite, new_key, sftp_site
from tests.sync.sources.ways import district, files_of, lying


@pytest.fixture
def owner(trusting: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("HOMEROOM_HOME", str(tmp_path / "home"))
    grant("owner@lincoln.example", Role.OWNER, school=trusting.lincoln)
    client = Client()
    client.force_login(Account.objects.get(email="owner@lincoln.example"))
    return client


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpSite]:
    lying(files_of(district(), V1P1, tmp_path), tmp_path / "root" / "out")
    with sftp_site(tmp_path / "root") as running:
        yield running


def page(world: World, kind: str = "") -> str:
    return f"/schools/{world.lincoln.pk}/rostering/csv/" + (f"?kind={kind}" if kind else "")


def send(world: World, client: Client, kind: str, **fields: Any) -> str:
    """What the page says after Save and Test Connection."""
    said = {"method": "oneroster_csv", "sis": "other", "enabled": "on", "school_id": "004", **fields}
    return client.post(page(world, kind), said, follow=True).content.decode()


def zipped(tmp_path: Path, version: str = V1P1, **other: bytes) -> SimpleUploadedFile:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files_of(district(), version, tmp_path), **other}.items():
            archive.writestr(name, content)
    return SimpleUploadedFile("roster.zip", made.getvalue())


def place(world: World) -> CsvPlace:
    return CsvPlace.objects.get(connection=world.link().connection_id)


def test_oneroster_csv_can_be_chosen_and_its_fields_follow(trusting: World, owner: Client) -> None:
    api = owner.get(f"/schools/{trusting.lincoln.pk}/rostering/").content.decode()
    assert "OneRoster CSV" in api
    assert "not yet" not in api
    chosen = owner.get(f"/schools/{trusting.lincoln.pk}/rostering/method/?method=oneroster_csv")
    assert chosen["Location"] == page(trusting)
    assert 'name="upload"' in owner.get(page(trusting)).content.decode()
    assert 'name="folder"' in owner.get(page(trusting, "folder")).content.decode()
    assert 'name="host"' in owner.get(page(trusting, "sftp")).content.decode()
    back = owner.get(f"/schools/{trusting.lincoln.pk}/rostering/method/?method=oneroster_api", follow=True)
    assert 'name="url"' in back.content.decode()
    same = owner.get(
        f"/schools/{trusting.lincoln.pk}/rostering/method/?method=oneroster_csv&here=oneroster_csv"
    )
    assert same.status_code == 204  # what was typed stays


@pytest.mark.parametrize("version", [V1P1, V1P2])
def test_an_uploaded_zip_is_tested_and_kept_for_our_eyes_alone(
    trusting: World, owner: Client, tmp_path: Path, version: str
) -> None:
    said = send(trusting, owner, "upload", upload=zipped(tmp_path, version))
    assert "The connection works" in said
    assert "Your School ID is the number of Lincoln High" in said
    assert "The set proves that it is whole" in said
    assert "35 users" in said  # of the checker
    link = trusting.link()
    assert (link.org, link.connection.method) == ("org-lincoln", Method.ONEROSTER_CSV)
    kept = upload_path(link.connection_id)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert list(kept.parent.iterdir()) == [kept]
    assert owner.get(f"/schools/{trusting.lincoln.pk}/rostering/")["Location"] == page(trusting)


def test_csv_files_are_uploaded_together_and_an_empty_field_keeps_them(
    trusting: World, owner: Client, tmp_path: Path
) -> None:
    files = [
        SimpleUploadedFile(name, content) for name, content in files_of(district(), V1P1, tmp_path).items()
    ]
    assert "The connection works" in send(trusting, owner, "upload", upload=files)
    before = upload_path(trusting.link().connection_id).read_bytes()
    assert "The connection works" in send(trusting, owner, "upload")
    assert upload_path(trusting.link().connection_id).read_bytes() == before


def test_faults_are_shown_by_file_with_their_cure(trusting: World, owner: Client, tmp_path: Path) -> None:
    users = files_of(district(), V1P1, tmp_path)["users.csv"].replace(b"s07,", b",", 1)
    said = send(trusting, owner, "upload", upload=zipped(tmp_path, **{"users.csv": users}))
    assert "What the checker found in the set" in said
    assert "users.csv, sourcedId" in said
    assert "A record has no sourcedId" in said
    assert "nobody would be archived" in said
    assert "Lopez" not in said


@pytest.mark.parametrize(
    ("upload", "says"),
    [
        (SimpleUploadedFile("roster.zip", b"no zip at all"), "not a zip file"),
        (SimpleUploadedFile("roster.exe", b"MZ"), "Choose one zip"),
        (SimpleUploadedFile("users.csv", b"a,b\r\n1,2\r\n"), "has not the header"),
        (SimpleUploadedFile("notes.csv", b"a,b\r\n1,2\r\n"), "No OneRoster file"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_is_no_set_is_refused_and_the_last_one_stays(
    trusting: World, owner: Client, tmp_path: Path, upload: SimpleUploadedFile, says: str
) -> None:
    send(trusting, owner, "upload", upload=zipped(tmp_path))
    kept = upload_path(trusting.link().connection_id)
    before = kept.read_bytes()
    said = send(trusting, owner, "upload", upload=upload)
    assert says in said
    assert "Nothing was kept of it" in said
    assert kept.read_bytes() == before
    assert list(kept.parent.iterdir()) == [kept]


def test_a_zip_that_would_fill_the_disk_is_refused(trusting: World, owner: Client, tmp_path: Path) -> None:
    bomb = zipped(tmp_path, **{"users.csv": b"0" * 50_000_000})
    assert "times its size" in send(trusting, owner, "upload", upload=bomb)


def test_an_upload_that_is_too_large_ends(
    trusting: World, owner: Client, tmp_path: Path, settings: Any
) -> None:
    settings.MOST_UPLOADED = 1000
    said = send(trusting, owner, "upload", upload=zipped(tmp_path))
    assert not CsvPlace.objects.exists()
    assert "at most 512 MB" in said


def test_a_folder_below_the_administrators_directory_is_read_and_no_other(
    trusting: World, owner: Client, tmp_path: Path, settings: Any
) -> None:
    lying(files_of(district(), V1P1, tmp_path), tmp_path / "exports" / "lincoln")
    lying(files_of(district(), V1P1, tmp_path), tmp_path / "secret")
    (tmp_path / "exports" / "link").symlink_to(tmp_path / "secret")
    assert "No folder of the server may be named yet" in send(trusting, owner, "folder", folder="lincoln")
    settings.CSV_FOLDERS = str(tmp_path / "exports")
    for outside in ("../secret", "link", "lincoln/../../secret", str(tmp_path / "secret"), "/etc"):
        said = send(trusting, owner, "folder", folder=outside)
        assert "Only folders below" in said or "There is no folder" in said, outside
    assert not CsvPlace.objects.exists()
    _let_settle(tmp_path / "exports" / "lincoln")
    assert "The connection works" in send(trusting, owner, "folder", folder="lincoln")


def test_a_folder_that_became_a_link_leads_nowhere(
    trusting: World, owner: Client, tmp_path: Path, settings: Any
) -> None:
    settings.CSV_FOLDERS = str(tmp_path / "exports")
    _let_settle(lying(files_of(district(), V1P1, tmp_path), tmp_path / "exports" / "lincoln"))
    send(trusting, owner, "folder", folder="lincoln")
    (tmp_path / "exports" / "lincoln").rename(tmp_path / "secret")
    (tmp_path / "exports" / "lincoln").symlink_to(tmp_path / "secret")
    assert "There is no folder" in send(trusting, owner, "folder", folder="nothing")
    link = trusting.link()
    from homeroom.campus.connections.source import test_connection

    answer = test_connection(link, trusting.now)
    assert not answer.ok
    assert "Only folders below" in answer.checks[0].detail


def test_where_many_districts_share_a_server_each_has_its_own_directory(
    trusting: World, owner: Client, tmp_path: Path, settings: Any
) -> None:
    settings.CSV_FOLDERS, settings.HOSTED = str(tmp_path / "exports"), True
    lying(files_of(district(), V1P1, tmp_path), tmp_path / "exports" / "district-999" / "theirs")
    (tmp_path / "exports" / f"district-{trusting.district.pk}").mkdir()
    assert "Only folders below" in send(trusting, owner, "folder", folder="../district-999/theirs")


def test_a_folder_named_on_the_command_line_stays_until_another_is_typed(
    trusting: World, owner: Client, tmp_path: Path
) -> None:
    at = _let_settle(lying(files_of(district(), V1P1, tmp_path), tmp_path / "anywhere"))
    Connection.objects.update(method=Method.ONEROSTER_CSV)
    CsvPlace.objects.create(
        connection=trusting.connection, kind="folder", folder=str(at), by_administrator=True
    )
    trusting.link(trusting.oakwood).delete()
    assert "The connection works" in send(trusting, owner, "folder", folder=str(at))
    assert place(trusting).by_administrator
    assert "may be named yet" in send(trusting, owner, "folder", folder=str(tmp_path))


def test_an_sftp_server_is_met_once_and_its_key_is_shown(
    trusting: World, owner: Client, server: SftpSite
) -> None:
    _let_settle(server.root / "out")
    account = {"host": "127.0.0.1", "port": server.port, "path": "/out", "username": server.username}
    assert "Enter the password" in send(trusting, owner, "sftp", **account)
    said = send(trusting, owner, "sftp", **account, password=server.password)
    assert "The connection works" in said
    assert "SHA256:" in said
    assert server.password not in said
    assert "The connection works" in send(trusting, owner, "sftp", **account)  # the stored one
    server.host_key = new_key()
    assert "another key" in send(trusting, owner, "sftp", **account)
    owner.post(f"{page(trusting)}forget/", {"what": "host_key"})
    assert "The connection works" in send(trusting, owner, "sftp", **account)


def test_a_stored_password_is_never_sent_to_another_server_or_account(
    trusting: World, owner: Client, server: SftpSite
) -> None:
    _let_settle(server.root / "out")
    account = {"host": "127.0.0.1", "port": server.port, "path": "/out", "username": server.username}
    send(trusting, owner, "sftp", **account, password=server.password)
    with sftp_site(server.root) as other:
        assert "Enter the password" in send(trusting, owner, "sftp", **{**account, "port": other.port})
        assert other.passwords == []
    assert place(trusting).port == server.port


def test_secrets_are_sealed_where_they_are_kept(trusting: World, owner: Client, server: SftpSite) -> None:
    from django.db import connection

    _let_settle(server.root / "out")
    account = {"host": "127.0.0.1", "port": server.port, "path": "/out", "username": server.username}
    send(trusting, owner, "sftp", **account, password=server.password, private_key=server.user_key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT password || private_key FROM connections_csvplace")
        assert server.password not in cursor.fetchone()[0]
    assert place(trusting).password == server.password


def test_an_older_set_is_read_once_the_owner_says_so(trusting: World, owner: Client, tmp_path: Path) -> None:
    send(trusting, owner, "upload", upload=zipped(tmp_path))
    CsvPlace.objects.update(read_made=datetime(2099, 1, 1, tzinfo=UTC))
    assert "older export" in send(trusting, owner, "upload")
    assert "Read an older set" in owner.get(page(trusting)).content.decode()
    owner.post(f"{page(trusting)}forget/", {"what": "older"})
    assert "The connection works" in send(trusting, owner, "upload")


def test_a_school_that_shares_a_connection_gets_its_own_when_it_turns_to_csv(
    trusting: World, owner: Client, tmp_path: Path
) -> None:
    send(trusting, owner, "upload", upload=zipped(tmp_path))
    assert RosterLink.objects.get(school=trusting.oakwood).connection.method == Method.ONEROSTER_API
    assert trusting.link().connection_id != trusting.connection.pk


def _let_settle(folder: Path) -> Path:
    """As if the export had ended an hour ago."""
    import os
    import time

    for path in folder.iterdir():
        os.utime(path, (time.time() - 3600,) * 2)
    return folder
