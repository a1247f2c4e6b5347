"""Secured users and their keys on the command line: who may call the SIS side, with what, and what they may see."""

import os
from typing import Annotated, Any

import typer

from homeroom.cli import show
from homeroom.cli.boot import boot
from homeroom.cli.rostering import Json
from homeroom.cli.trouble import WRONG_USE, Trouble

user_app = typer.Typer(no_args_is_help=True, help="Secured users: who may call.")
key_app = typer.Typer(no_args_is_help=True, help="Keys and secrets.")


def found(name: str) -> Any:
    """The secured user of a name. Raises `Trouble`."""
    boot("sis")
    from homeroom.sis.secured_users.models import SecuredUser

    user = SecuredUser.objects.filter(name__iexact=name.strip()).first()
    if user is None:
        raise Trouble(
            f"There is no secured user {name}", f'homeroom sis user add "{name}" adds it.', WRONG_USE
        )
    return user


@user_app.command("add")
def user_add(name: str, person: Annotated[bool, typer.Option("--person")] = False, json: Json = False) -> int:
    """Adds a secured user, an organization unless --person; an entry of that name is used as it is."""
    boot("sis")
    from homeroom.sis.secured_users.models import SecuredUser

    if not name.strip():
        raise Trouble("A secured user needs a name", 'homeroom sis user add "Minga"', WRONG_USE)
    kind = SecuredUser.Kind.PERSON if person else SecuredUser.Kind.ORGANIZATION
    user = SecuredUser.objects.filter(name__iexact=name.strip()).first()
    made = user is None
    user = user or SecuredUser.objects.create(name=name.strip(), kind=kind)
    said = {"name": user.name, "kind": user.kind, "active": user.active}
    show.document(said) if json else show.say(
        f"{user.name} is {'now' if made else 'already'} a secured user."
    )
    return 0


@user_app.command("list")
def user_list(json: Json = False) -> int:
    """All secured users."""
    boot("sis")
    from homeroom.sis.secured_users.models import SecuredUser

    users = [_user(user) for user in SecuredUser.objects.prefetch_related("keys")]
    if json:
        show.document({"users": users})
    else:
        show.table(
            ("Name", "Kind", "Active", "Last used"),
            [(u["name"], u["kind"], u["active"], u["last_used_at"] or "never") for u in users],
        )
    return 0


def _user(user: Any) -> dict[str, Any]:
    used = [key.last_used_at for key in user.keys.all() if key.last_used_at]
    return {
        "name": user.name,
        "kind": user.kind,
        "active": user.active,
        "keys": len(user.keys.all()),
        "last_used_at": max(used, default=None),
    }


@user_app.command("deactivate")
def user_deactivate(name: str, json: Json = False) -> int:
    """Refuses a secured user at once, tokens included."""
    return _set_active(name, json, active=False)


@user_app.command("activate")
def user_activate(name: str, json: Json = False) -> int:
    """Lets a secured user in again."""
    return _set_active(name, json, active=True)


def _set_active(name: str, json: bool, *, active: bool) -> int:
    user = found(name)
    user.active = active
    user.save(update_fields=["active"])
    said = {"name": user.name, "active": active}
    show.document(said) if json else show.say(f"{user.name} is {'active' if active else 'no longer active'}.")
    return 0


@user_app.command("share")
def user_share(
    name: str,
    school: Annotated[
        list[str] | None, typer.Option(help="A school's sourcedId; all others are left out.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="A role group; all others are left out.")] = None,
    hide: Annotated[list[str] | None, typer.Option(help="A field to leave out, such as users.email.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Takes back every limit.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Counts what it would receive; saves nothing.")
    ] = False,
    json: Json = False,
) -> int:
    """What a secured user may see: shows it, or with options sets it anew. --school, --group and --hide may be repeated."""
    user = found(name)
    from django.utils import timezone

    from homeroom.sis.records.sharing import GROUPS
    from homeroom.sis.sharing.change import narrow, ruled, share_of
    from homeroom.sis.sharing.preview import preview as previewed

    _known(group, hide, school)
    rules = (school or (), group or GROUPS, hide or ())
    changes = bool(school or group or hide or everything)
    share = ruled(share_of(user), *rules) if changes else share_of(user)
    seen = previewed(share, timezone.now())
    if changes and not preview:
        narrow(user, *rules, timezone.now())
    said = {"name": user.name, "schools": share.schools, "groups": share.groups, "hidden": share.hidden,
            "counts": dict(seen.kinds), "roles": dict(seen.roles), "saved": changes and not preview}  # fmt: skip
    show.document(said) if json else _say_share(said)
    return 0


def _known(groups: list[str] | None, fields: list[str] | None, schools: list[str] | None) -> None:
    from homeroom.sis.records.sharing import GROUPS, HIDEABLE
    from homeroom.sis.records.status import schools as all_schools

    ids = [school["sourcedId"] for school in all_schools()]
    for what, given, known in (
        ("group", groups, GROUPS),
        ("field", fields, HIDEABLE),
        ("school", schools, ids),
    ):
        for word in given or ():
            if word not in known:
                raise Trouble(
                    f"There is no {what} {word}", f"There are {', '.join(known) or 'none'}.", WRONG_USE
                )


def _say_share(said: dict[str, Any]) -> None:
    show.say(
        f"{said['name']} {'now receives' if said['saved'] else 'would receive'} {show.counts(said['counts']) or 'nothing'}."
    )
    show.say(f"Schools: {', '.join(said['schools']) or 'all'}. People: {', '.join(said['groups'])}.")
    show.say(f"Left out: {', '.join(said['hidden']) or 'no field'}.")


@key_app.callback()
def _keys() -> None:
    """Keys and secrets."""


@key_app.command("new")
def key_new(
    name: str,
    overlap: Annotated[
        str, typer.Option(help="How long the old secret still works: none, 1 hour, 1 day or 7 days.")
    ] = "none",
    json: Json = False,
) -> int:
    """Generate a New Secret: key and secret are shown this once; the old ones end, at once or after an overlap."""
    user = found(name)
    from django.utils import timezone

    from homeroom.oneroster.endpoints import BASE_PATHS, V1P1
    from homeroom.sis.secured_users.keys import OVERLAPS, generate

    if overlap not in OVERLAPS:
        raise Trouble(f"There is no overlap {overlap}", f"Choose {', '.join(OVERLAPS)}.", WRONG_USE)
    new = generate(user, timezone.now(), OVERLAPS[overlap])
    root = os.environ.get("HOMEROOM_SIS_URL", "http://127.0.0.1:8010").rstrip("/")
    said = {
        "key": new.key,
        "secret": new.secret,
        "oneroster_url": root + BASE_PATHS[V1P1],
        "token_url": f"{root}/oauth/token",
    }
    if json:
        show.document(said)
    else:
        for field, value in said.items():
            show.say(f"{field:14} {value}")
        show.note("The secret is shown this once. Keep it where only the app finds it.")
    return 0
