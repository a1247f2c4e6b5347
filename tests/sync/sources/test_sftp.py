"""Sets on an SFTP server: its key is met once and kept, nothing is said to another, and what it sends has an end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeroom.oneroster.bounds import USUAL
from homeroom.oneroster.endpoints import V1P1
from homeroom.sync.reading import SourceFailed
from homeroom.sync.sources.sftp import BadKey, Sftp, SftpSettings, fingerprint, private_key
from tests.sftp import SftpSite, loaded, new_key, sftp_site
from tests.sync.sources.ways import district, files_of, lying


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SftpSite]:
    lying(files_of(district(), V1P1, tmp_path), tmp_path / "root" / "out")
    with sftp_site(tmp_path / "root", user_key=new_key()) as running:
        yield running


def settings(site: SftpSite, **more: object) -> SftpSettings:
    said = SftpSettings("127.0.0.1", site.username, "/out", site.port, site.password)
    return replace(said, **more)  # type: ignore[arg-type]


def names(place: Sftp) -> list[str]:
    try:
        return [seen.name for seen in place.look()]
    finally:
        place.close()


@pytest.mark.parametrize("by", ["password", "key"])
def test_a_folder_is_looked_at_and_its_files_are_fetched(site: SftpSite, by: str) -> None:
    place = Sftp(
        settings(site) if by == "password" else settings(site, password="", private_key=site.user_key)
    )
    assert "users.csv" in [seen.name for seen in place.look()]
    assert place.open("users.csv").read() == (site.root / "out" / "users.csv").read_bytes()
    assert place.open("users.csv").read() == (site.root / "out" / "users.csv").read_bytes()
    assert site.opened == ["/out/users.csv"]  # fetched once
    place.close()
    assert place.host_key.startswith("ssh-ed25519 ")
    assert fingerprint(place.host_key) == loaded(site.host_key).fingerprint


def test_a_server_with_another_key_is_told_nothing(site: SftpSite) -> None:
    place = Sftp(settings(site))
    place.look()
    place.close()
    site.passwords.clear()
    met = place.host_key
    assert names(Sftp(settings(site, host_key=met)))
    site.passwords.clear()
    site.host_key = new_key()
    with pytest.raises(SourceFailed, match="another key") as failed:
        names(Sftp(settings(site, host_key=met)))
    assert fingerprint(met) in str(failed.value)
    assert "forget the old key" in failed.value.cure
    assert site.passwords == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"password": "wrong"}, "does not accept"),
        ({"password": "", "private_key": new_key()}, "does not accept"),
        ({"password": "", "private_key": "not a key"}, "no private key"),
        ({"path": "/nowhere"}, "no /nowhere"),
        ({"port": 1}, "does not answer"),
        ({"host": "no-such-host.invalid"}, "No server has the name"),
        ({"host": "metadata.google.internal"}, "we do not call it|No server has the name"),
        ({"host": "169.254.169.254"}, "we do not call it"),
    ],
    ids=["password", "key", "no key", "folder", "port", "name", "metadata name", "metadata address"],
)
def test_what_goes_wrong_is_said_with_its_cure(site: SftpSite, more: dict[str, object], says: str) -> None:
    with pytest.raises(SourceFailed, match=says) as failed:
        names(Sftp(settings(site, **more)))
    assert failed.value.cure
    assert site.password not in f"{failed.value} {failed.value.cure}"


def test_on_a_hosted_server_no_address_of_its_own_network_is_called(site: SftpSite) -> None:
    with pytest.raises(SourceFailed, match="not an address of the public internet"):
        names(Sftp(settings(site), hosted=True))
    assert site.passwords == []


def test_a_file_without_end_comes_to_an_end(site: SftpSite) -> None:
    site.endless = True
    place = Sftp(settings(site), bounds=replace(USUAL, collection_bytes=2_000_000))
    with pytest.raises(SourceFailed, match="larger than"):
        place.open("users.csv")
    place.close()


def test_a_fetch_that_takes_too_long_ends(site: SftpSite) -> None:
    ticks = iter(range(0, 100_000, 1000))
    place = Sftp(settings(site), clock=lambda: next(ticks))
    with pytest.raises(SourceFailed, match="took more than"):
        place.open("users.csv")
    place.close()


def test_links_are_not_looked_at(site: SftpSite) -> None:
    (site.root / "out" / "results.csv").symlink_to("/etc/hostname")
    assert "results.csv" not in names(Sftp(settings(site)))


def test_a_server_that_speaks_something_else_fails_with_a_cure(site: SftpSite) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as door:
        bounds = replace(USUAL, connect_seconds=1)
        with pytest.raises(SourceFailed, match="broke off"):
            names(Sftp(settings(site, port=door.getsockname()[1]), bounds=bounds))


def test_a_key_with_a_passphrase_is_refused_in_words() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    locked = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"passphrase")
    )
    with pytest.raises(BadKey, match="passphrase"):
        private_key(locked.decode())


def test_secrets_are_in_no_text(site: SftpSite) -> None:
    assert site.password not in repr(settings(site, private_key=site.user_key))
    assert "PRIVATE" not in repr(settings(site, private_key=site.user_key))
