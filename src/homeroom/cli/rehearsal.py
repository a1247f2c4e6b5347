"""Rehearsals on the command line: a secured user's calls answered like another SIS, or as on a bad day."""

import os
from typing import Annotated, Any

import typer

from homeroom.cli import show
from homeroom.cli.rostering import Json
from homeroom.cli.secured_users import found
from homeroom.cli.trouble import WRONG_USE, Trouble


def rehearse(
    name: str,
    dialect: Annotated[str, typer.Option(help="Answer like this SIS, such as skyward_sms.")] = "",
    fault: Annotated[list[str] | None, typer.Option(help="Have this fault; may be repeated.")] = None,
    school: Annotated[str, typer.Option(help="The school that vanishes; the first when none is named.")] = "",
    seconds: Annotated[int, typer.Option(min=1, max=600, help="How long a time-out takes.")] = 90,
    stop: Annotated[bool, typer.Option("--stop", help="Ends it.")] = False,
    json: Json = False,
) -> int:
    """Has one secured user's calls answered like another SIS, or with faults. Without an option: what is on, and what there is."""
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
    show.document(said) if json else _say(said, choices=not (stop or dialect or fault))
    return 0


def _said(user: Any) -> dict[str, Any]:
    from homeroom.oneroster.endpoints import BASE_PATHS, V1P1
    from homeroom.sis.rehearsal.dialects import DIALECTS
    from homeroom.sis.rehearsal.models import Rehearsal

    root = os.environ.get("HOMEROOM_SIS_URL", "http://127.0.0.1:8010").rstrip("/")
    on = Rehearsal.objects.filter(secured_user=user).first()
    addresses = {"OneRoster API URL": root + BASE_PATHS[V1P1], "Token URL": f"{root}/oauth/token"}
    if on is not None and on.dialect:
        addresses = DIALECTS[on.dialect].addresses(root)
    return {
        "name": user.name,
        "on": on is not None,
        "dialect": on.dialect if on else "",
        "faults": list(on.faults) if on else [],
        "oneroster_url": addresses["OneRoster API URL"],
        "token_url": addresses.get("Token URL"),
    }


def _say(said: dict[str, Any], *, choices: bool) -> None:
    from homeroom.sis.rehearsal.dialects import DIALECTS
    from homeroom.sis.rehearsal.faults import FAULTS

    if said["on"]:
        show.say(
            f"{said['name']} rehearses {', '.join([said['dialect'] or 'the standard', *said['faults']])}."
        )
    else:
        show.say(f"{said['name']} rehearses nothing: it is answered as everybody is.")
    show.say(f"OneRoster API URL  {said['oneroster_url']}")
    show.say(f"Token URL          {said['token_url'] or 'none: each call is signed with OAuth 1.0a'}")
    if choices:
        show.table(
            ("Dialect", "How it differs"),
            [(name, f"{one.label}. {one.says}") for name, one in DIALECTS.items()],
        )
        show.table(("Fault", "What happens"), [(name, one.label) for name, one in FAULTS.items()])
