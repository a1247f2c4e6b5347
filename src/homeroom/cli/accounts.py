"""Who may sign in to the school app, and letting an account in: by a one-time link, or with a password from a file."""

from typing import TYPE_CHECKING, Annotated

import typer

from homeroom.cli import finding, show
from homeroom.cli.arguments import Json
from homeroom.cli.boot import boot
from homeroom.cli.trouble import WRONG_USE, Trouble
from homeroom.web.address import address_of

if TYPE_CHECKING:
    from homeroom.web.accounts.models import Account

ROLES = ("owner", "manager", "district_manager")
PasswordFile = Annotated[
    str | None,
    typer.Option(help="Set the password to what this file holds (- is standard input) in place of a link."),
]
account_app = typer.Typer(no_args_is_help=True, help="Who may sign in.")


def add_to(app: typer.Typer) -> None:
    """Hangs these commands into the program."""
    app.add_typer(account_app, name="account")


@account_app.callback()
def _group() -> None:
    """Who may sign in."""


@account_app.command("add")
def account_add(
    email: str,
    role: Annotated[str, typer.Option(help="owner, manager or district_manager")],
    school: Annotated[str, typer.Option(help="For an owner or manager: of which school.")] = "",
    district: Annotated[str, typer.Option(help="For a district_manager: of which district.")] = "",
    password_file: PasswordFile = None,
    json: Json = False,
) -> int:
    """Lets somebody in and prints a one-time link with which they choose a password."""
    boot("campus")
    from homeroom.campus.schools.grants import grant

    address = valid_address(email)
    _check_place(role, school, district)
    account = grant(address, role, school=finding.school(school) if school else None, district=district)
    return let_in(account, address_of("campus"), password_file, json)


def _check_place(role: str, school: str, district: str) -> None:
    if role not in ROLES:
        raise Trouble(f"There is no role {role}", f"Choose one of {', '.join(ROLES)}.", WRONG_USE)
    if role != "district_manager" and not school:
        raise Trouble(f"Of which school is this person {role}?", "Add --school SCHOOL.", WRONG_USE)
    if role == "district_manager" and not district:
        raise Trouble("Of which district is this person manager?", "Add --district DISTRICT.", WRONG_USE)


def valid_address(email: str) -> str:
    """One e-mail address in lower case. Raises `Trouble`."""
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    try:
        validate_email(email.strip())
    except ValidationError as wrong:
        raise Trouble(
            f"“{email}” is not an e-mail address", "Write it as r.diaz@school.example.", WRONG_USE
        ) from wrong
    return email.strip().lower()


def let_in(account: "Account", site_url: str, password_file: str | None, json: bool) -> int:
    """Prints the account's one-time link, or sets the password that a file gives."""
    from homeroom.web.accounts.links import sign_in_link

    link = "" if password_file else sign_in_link(account, site_url)
    if password_file:
        account.set_password(finding.secret(password_file, "Password"))
        account.save(update_fields=["password"])
    if json:
        show.document({"email": account.email, "sign_in_link": link})
    elif link:
        show.say(f"{account.email} may come in once by this link and choose a password:\n{link}")
    else:
        show.say(f"{account.email} may sign in at {site_url}/sign-in/login/ with that password.")
    return 0
