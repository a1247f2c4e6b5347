"""Rehearsals on the command line: a secured user's calls answered like another SIS, or as on a bad day."""

from typing import Annotated, Any

import typer

from homeroom.cli import show
from homeroom.cli.arguments import Json
from homeroom.cli.boot import boot
from homeroom.cli.secured_users import found
from homeroom.cli.trouble import WRONG_USE, Trouble
from homeroom.web.address import address_of


def rehearse(
    name: Annotated[str, typer.Argument(help="A secured user; nobody lists who rehearses.")] = "",
    dialect: Annotated[str, typer.Option(help="Answer like this SIS, such as skyward_sms.")] = "",
    fault: Annotated[list[str] | None, typer.Option(help="Have this fault; may be repeated.")] = None,
    school: Annotated[str, typer.Option(help="The school that vanishes; the first when none is named.")] = "",
    seconds: Annotated[int, typer.Option(min=1, max=600, help="How long a time-out takes.")] = 90,
    stop: Annotated[bool, typer.Option("--stop", help="Ends it.")] = False,
    json: Json = False,
) -> int:
    """Has one secured user's calls answered like another SIS, or with faults. Without an option: what is on, and what there is."""
    if not name:
        return _list(json)
    user = found(name)
    from django.utils import timezone

    from homeroom.sis.rehearsal.switch import Unknown, end, start

    if stop:
        end(user, timezone.now())
    elif dialect or fault:
        try:
            start(user, timezone.now(), dialect, fault or (), school, seconds)
        except Unknown as wrong:
            raise Trouble(str(wrong), "Nothing was changed.", WRONG_USE) from wrong
    said = _said(user)
    show.document(said) if json else _say(said)
    if not (json or stop or dialect or fault):
        _say_choices()
    return 0


def _list(json: bool) -> int:
    """Who rehearses, and what there is to rehearse."""
    boot("sis")
    from homeroom.sis.rehearsal.dialects import DIALECTS
    from homeroom.sis.rehearsal.faults import FAULTS
    from homeroom.sis.rehearsal.models import Rehearsal

    on = [_said(one.secured_user) for one in Rehearsal.objects.select_related("secured_user")]
    if json:
        show.document({"rehearsals": on, "dialects": list(DIALECTS), "faults": list(FAULTS)})
        return 0
    for said in on:
        _say(said)
    if not on:
        show.say("Nobody rehearses.")
    _say_choices()
    return 0


def _said(user: Any) -> dict[str, Any]:
    from homeroom.oneroster.endpoints import BASE_PATHS, V1P1
    from homeroom.sis.rehearsal.dialects import DIALECTS
    from homeroom.sis.rehearsal.models import Rehearsal

    root = address_of("sis")
    on = Rehearsal.objects.filter(secured_user=user).first()
    shown = full = root + BASE_PATHS[V1P1]
    token: str | None = f"{root}/oauth/token"
    if on is not None and on.dialect:
        addresses = DIALECTS[on.dialect].addresses(root)
        shown, full = addresses["OneRoster API URL"], addresses["OneRoster API URL, in full"]
        token = addresses.get("Token URL")
    return {
        "name": user.name,
        "on": on is not None,
        "dialect": on.dialect if on else "",
        "faults": list(on.faults) if on else [],
        "oneroster_url": full,
        "shown_url": shown,
        "token_url": token,
    }


def _say(said: dict[str, Any]) -> None:
    if said["on"]:
        show.say(
            f"{said['name']} rehearses {', '.join([said['dialect'] or 'the standard', *said['faults']])}."
        )
    else:
        show.say(f"{said['name']} rehearses nothing: it is answered as the data says.")
    show.say(f"OneRoster API URL  {said['shown_url']}")
    if said["shown_url"] != said["oneroster_url"]:
        show.say(f"          in full  {said['oneroster_url']}")
    show.say(f"Token URL          {said['token_url'] or 'none'}")


def _say_choices() -> None:
    from homeroom.sis.rehearsal.dialects import DIALECTS
    from homeroom.sis.rehearsal.faults import FAULTS

    for name, dialect in DIALECTS.items():
        show.say(f"\n--dialect {name}: {dialect.label}\n    {dialect.says}")
    for name, fault in FAULTS.items():
        show.say(f"\n--fault {name}: {fault.label}\n    {fault.says}")
