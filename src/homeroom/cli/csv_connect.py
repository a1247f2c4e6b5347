"""`homeroom connect SCHOOL --csv WHERE`: a connection by CSV, as the set-up page makes it."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from homeroom.cli import finding
from homeroom.cli.trouble import WRONG_USE, Trouble

FORM = "Write it as sftp://USER@HOST:PORT/FOLDER."


def save_csv(
    school: Any,
    where: str,
    school_id: str,
    sis: str,
    secret_file: str | None,
    key_file: str | None,
    *,
    whole: bool,
) -> Any:
    """The roster link of a school whose set lies in a folder or zip of this machine, or at an sftp:// address."""
    from homeroom.campus.connections.csv_setup import Kind, TypedCsv, save_csv

    if where.lower().startswith("sftp://"):
        account = _account(where)
        key = _private_key(key_file) if key_file else ""
        password = "" if key else finding.secret(secret_file, f"Password of {account['username']}")
        return save_csv(
            school, TypedCsv(school_id, Kind.SFTP, sis, whole, password=password, private_key=key, **account)
        )
    path = Path(where).expanduser().resolve()
    if not path.exists():
        raise Trouble(
            f"There is nothing at {where}",
            "Name a folder with a OneRoster CSV set, a zip, or an sftp:// address.",
            WRONG_USE,
        )
    return save_csv(
        school, TypedCsv(school_id, Kind.FOLDER, sis, whole, folder=str(path), by_administrator=True)
    )


def read_older(link: Any) -> None:
    """Lets the next sync read the set that is there, though it may be older than the last one."""
    from homeroom.campus.connections.models import CsvPlace

    CsvPlace.objects.filter(connection=link.connection_id).update(read_made=None)


def _account(address: str) -> dict[str, Any]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or 22
    except ValueError as wrong:
        raise Trouble(f"{address[:80]} is not an SFTP address", FORM, WRONG_USE) from wrong
    if parts.password:
        raise Trouble(
            "A password does not belong in the address",
            "Give it by --secret-file FILE (- is standard input).",
            WRONG_USE,
        )
    if not host or not parts.username:
        raise Trouble("The SFTP address names no host or no user", FORM, WRONG_USE)
    return {"host": host, "port": port, "username": unquote(parts.username), "path": unquote(parts.path)}


def _private_key(file: str) -> str:
    from homeroom.sync.sources.sftp import BadKey, private_key

    try:
        text = Path(file).read_text()
        private_key(text)
    except (OSError, UnicodeDecodeError) as wrong:
        raise Trouble("The key file cannot be read", "Name the file of a private key.", WRONG_USE) from wrong
    except BadKey as wrong:
        raise Trouble(str(wrong), "Nothing was changed.", WRONG_USE) from wrong
    return text
