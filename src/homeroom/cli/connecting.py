"""Connecting a school to its SIS, and testing the connection."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from homeroom.cli import finding, show
from homeroom.cli.arguments import Json, School
from homeroom.cli.boot import boot
from homeroom.cli.csv_connect import read_older, save_csv
from homeroom.cli.trouble import FAILED, WRONG_USE, Trouble


def add_to(app: typer.Typer) -> None:
    """Hangs these commands into the program."""
    for command in (connect, test):
        app.command()(command)


def connect(
    school: School,
    school_id: Annotated[str, typer.Option(help="Which school of the SIS: its id, number or name.")],
    url: Annotated[str, typer.Option(help="The OneRoster API URL, as the SIS shows it.")] = "",
    key: Annotated[str, typer.Option(help="The API Key.")] = "",
    secret_file: Annotated[
        str | None,
        typer.Option(
            help="A file with the Client Secret, or the password of --csv sftp://; - is standard input."
        ),
    ] = None,
    sis: Annotated[str, typer.Option(help="skyward, infinite_campus, powerschool, ..., other")] = "other",
    token_url: Annotated[str, typer.Option(help="Only where it cannot be found: the token address.")] = "",
    ca_file: Annotated[
        str | None, typer.Option(help="The certificate of the school's own authority, a PEM file.")
    ] = None,
    plain_http: Annotated[
        bool,
        typer.Option(
            "--plain-http",
            help="I know that anybody on the way can read key, secret and people's data, and allow http:// to this host.",
        ),
    ] = False,
    csv: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="In place of --url and --key: a OneRoster CSV folder or zip of this machine, or sftp://USER@HOST:PORT/FOLDER.",
        ),
    ] = None,
    key_file: Annotated[
        str | None, typer.Option(help="With --csv sftp://: a private key in place of a password.")
    ] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="With --csv: every export holds everybody, though its manifest does not say bulk."
        ),
    ] = False,
    older: Annotated[
        bool, typer.Option("--older", help="With --csv: read a set that is older than the last one.")
    ] = False,
    json: Json = False,
) -> int:
    """Creates or changes a school's connection to a OneRoster API (--url, --key) or CSV set (--csv), then tests it."""
    boot("campus")
    from homeroom.campus.connections.setup import Typed, save
    from homeroom.oneroster.address import host_of

    chosen = finding.school(school)
    if csv is not None:
        link = save_csv(chosen, csv, school_id, _known_sis(sis), secret_file, key_file, whole=whole)
        if older:
            read_older(link)
        return _tested(link, json)
    if not (url and key):
        raise Trouble(
            "Neither a OneRoster API nor a CSV set was named",
            "Give --url and --key, or --csv WHERE.",
            WRONG_USE,
        )
    typed = Typed(
        url=url,
        key=key,
        secret=finding.secret(secret_file, "Client Secret"),
        school_id=school_id,
        sis=_known_sis(sis),
        token_url=token_url,
        ca_certificates=_certificates(ca_file),
        plain_http_host=host_of(url) if plain_http else "",
    )
    return _tested(save(chosen, typed), json)


def _known_sis(name: str) -> str:
    from homeroom.campus.connections.models import Sis

    wanted = name.lower().replace(" ", "_").replace("-", "_")
    if wanted not in Sis.values:
        raise Trouble(
            f"There is no SIS “{name}” in the list", f"Choose one of {', '.join(Sis.values)}.", WRONG_USE
        )
    return wanted


def _certificates(file: str | None) -> str:
    from pathlib import Path

    from django.utils import timezone

    from homeroom.campus.connections.certificates import NoCertificates, check_pem

    if file is None:
        return ""
    try:
        return check_pem(Path(file).read_text(), timezone.now())
    except NoCertificates as wrong:
        raise Trouble(str(wrong), "Nothing was changed.", WRONG_USE) from wrong
    except (OSError, UnicodeDecodeError) as wrong:
        raise Trouble(
            "The CA file cannot be read", "Name a file with certificates in PEM form.", WRONG_USE
        ) from wrong


def test(school: School, json: Json = False) -> int:
    """Test Connection: the real path, point by point. Changes nothing at the SIS."""
    boot("campus")
    return _tested(finding.link(school), json)


def _tested(link: Any, json: bool) -> int:
    from homeroom.campus.connections.trying import try_now

    with show.err.status("Testing the connection …"):
        answer = try_now(link)
    if json:
        show.document(
            {
                "ok": answer.ok,
                "checks": [asdict(check) for check in answer.checks],
                "profile": answer.profile,
                "schools": [
                    {"sourcedId": s.sourced_id, "identifier": s.identifier, "name": s.name}
                    for s in answer.schools
                ],
                "counts": answer.counts,
                "sample": list(answer.sample),
            }
        )
    else:
        show.checks(answer.checks)
        show.say(
            "The connection works."
            if answer.ok
            else "The connection does not work yet. What was typed is kept."
        )
    return 0 if answer.ok else FAILED
