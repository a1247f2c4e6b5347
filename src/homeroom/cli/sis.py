"""The SIS side: its server, its data, its secured users and their keys."""

from pathlib import Path
from typing import Annotated

import typer

from homeroom.cli import secured_users, show
from homeroom.cli.accounts import PasswordFile, let_in, valid_address
from homeroom.cli.arguments import Json
from homeroom.cli.boot import boot
from homeroom.cli.csv_sets import problems, tell
from homeroom.cli.rehearsal import rehearse
from homeroom.cli.trouble import WRONG_USE, Trouble
from homeroom.web.address import address_of, listens

app = typer.Typer(
    no_args_is_help=True, help="The SIS side: a OneRoster server in front of a district's data."
)
app.add_typer(secured_users.user_app, name="user")
app.add_typer(secured_users.key_app, name="key")
app.command("rehearse")(rehearse)
account_app = typer.Typer(no_args_is_help=True, help="Who may sign in to the SIS side.")
app.add_typer(account_app, name="account")


@app.command("serve")
def sis_serve(
    host: str = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="8010, or the next free one.")] = None,
) -> int:
    """Serves the SIS side until Ctrl-C."""
    from homeroom.cli.serving import choose_port, serve_site

    chosen = choose_port(host, port, 8010)
    address = listens("sis", host, chosen)
    boot("sis")
    show.note(f"The SIS side is at {address}\nOneRoster 1.1: {address}/ims/oneroster/v1p1")
    return serve_site("sis", host, chosen)


@app.command("load")
def sis_load(
    path: Path,
    replace: Annotated[bool, typer.Option("--replace", help="Nothing of what was there stays.")] = False,
    json: Json = False,
) -> int:
    """Loads a OneRoster CSV folder, zip or file: good rows are served, faults are named."""
    boot("sis")
    from django.utils import timezone

    from homeroom.oneroster.bulk.files import BulkError
    from homeroom.sis.records.load import load

    try:
        with show.progress() as watch:
            report = load(
                path, replace=replace, now=timezone.now(), progress=lambda d, t: watch("loading", d, t)
            )
    except BulkError as wrong:
        raise Trouble(str(wrong), "Nothing was changed.") from wrong
    if json:
        show.document({"counts": report.counts, "problems": problems(report.problems)})
        return 0
    show.say(f"Loaded {show.counts(report.counts)}.")
    tell(report.problems, done=True)
    return 0


@app.command("generate")
def sis_generate(
    students: Annotated[int, typer.Option(min=1, help="How many students.")] = 1200,
    schools: Annotated[int, typer.Option(min=1, max=500, help="How many schools.")] = 4,
    seed: Annotated[int, typer.Option(help="The same seed makes the same district.")] = 1,
    evolve: Annotated[int, typer.Option(min=0, help="Instead, move what is there on by so many days.")] = 0,
    json: Json = False,
) -> int:
    """A lifelike invented district in place of what was there."""
    boot("sis")
    from django.utils import timezone

    from homeroom.sis.records import generate

    if evolve:
        counts = generate.evolve(evolve, seed, timezone.now())
    else:
        with show.progress() as watch:
            counts = generate.generate_district(
                students, schools, seed, timezone.now(), progress=lambda d, t: watch("generating", d, t)
            )
    show.document({"counts": counts}) if json else show.say(
        show.counts(counts) or "Nothing changed in that time."
    )
    return 0


@app.command("status")
def sis_status(json: Json = False) -> int:
    """What is served: how many of each role, whether it is a sample district, its schools."""
    boot("sis")
    from homeroom.sis.records.status import status

    said = status()
    if json:
        show.document(said)
        return 0
    show.say(show.counts(said["counts"]) or "No data yet: homeroom sis load PATH, or homeroom sis generate.")
    show.table(
        ("School", "Number", "sourcedId"),
        [(s["name"], s["identifier"], s["sourcedId"]) for s in said["schools"]],
    )
    return 0


@app.command("export")
def sis_export(path: Path, version: str = "1.1", json: Json = False) -> int:
    """The data as a OneRoster CSV zip."""
    if version not in ("1.1", "1.2"):
        raise Trouble(f"There is no OneRoster CSV {version}", "Choose 1.1 or 1.2.", WRONG_USE)
    boot("sis")
    from homeroom.sis.records.export import export

    try:
        counts = export(path, version)
    except OSError as wrong:
        raise Trouble(
            f"{path} cannot be written: {wrong.strerror}", "Name a file in a folder that is there."
        ) from wrong
    show.document({"counts": counts}) if json else show.say(f"{path}: {show.counts(counts)}")
    return 0


@account_app.callback()
def _accounts() -> None:
    """Who may sign in to the SIS side."""


@account_app.command("add")
def account_add(email: str, password_file: PasswordFile = None, json: Json = False) -> int:
    """Lets an administrator of the SIS in: a sign-in link, or the password that a file gives."""
    boot("sis")
    from homeroom.web.accounts.models import Account

    address = valid_address(email)
    account = Account.objects.filter(email=address).first() or Account.objects.create_user(address)
    return let_in(account, address_of("sis"), password_file, json)
