"""Secured users and their keys on the command line: who may call the SIS side, with what, and what they may see."""

from typing import Annotated, Any

import typer

from homeroom.cli import show
from homeroom.cli.arguments import Json
from homeroom.cli.boot import boot
from homeroom.cli.trouble import WRONG_USE, Trouble
from homeroom.web.address import address_of

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
    """All secured users: their state, the age of their secret, their last use and how often they called."""
    boot("sis")
    from homeroom.sis.rehearsal.models import Rehearsal
    from homeroom.sis.secured_users.models import SecuredUser

    rehearsing = set(Rehearsal.objects.values_list("secured_user_id", flat=True))
    users = [
        _user(user) | {"rehearsing": user.pk in rehearsing}
        for user in SecuredUser.objects.prefetch_related("keys")
    ]
    if json:
        show.document({"users": users})
    else:
        show.table(
            ("Name", "Kind", "State", "Secret made", "Last used", "Calls"),
            [
                (
                    u["name"],
                    u["kind"],
                    _state(u),
                    _day(u["secret_made_at"]),
                    _day(u["last_used_at"]),
                    f"{u['calls']:,}",
                )
                for u in users
            ],
        )
    return 0


def _state(user: dict[str, Any]) -> str:
    words = ["active" if user["active"] else "not active"]
    words += ["narrowed"] * user["narrowed"] + ["rehearsing"] * user["rehearsing"]
    return ", ".join(words)


def _day(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"


def _user(user: Any) -> dict[str, Any]:
    keys = user.keys.all()
    return {
        "name": user.name,
        "kind": user.kind,
        "active": user.active,
        "narrowed": bool(user.share),
        "keys": len(keys),
        "secret_made_at": max((key.created_at for key in keys), default=None),
        "last_used_at": max((key.last_used_at for key in keys if key.last_used_at), default=None),
        "calls": sum(key.calls for key in keys),
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
    show.document(said) if json else _say_share(said, "would receive" if preview else "receives")
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


def _say_share(said: dict[str, Any], receives: str) -> None:
    receives = "now receives" if said["saved"] else receives
    show.say(f"{said['name']} {receives} {show.counts(said['counts']) or 'nothing'}.")
    show.say(f"Schools: {', '.join(said['schools']) or 'all'}. People: {', '.join(said['groups'])}.")
    show.say(f"Left out: {', '.join(said['hidden']) or 'no field'}.")


@user_app.command("log")
def user_log(name: str, json: Json = False) -> int:
    """What a secured user fetched in the last 90 days, by hour and kind of call, newest first. It names no person."""
    user = found(name)
    rows = [
        {"hour": f.hour, "call": f.call, "status": f.status, "calls": f.calls, "records": f.records, "bytes": f.bytes,
         "last_at": f.last_at} for f in user.fetches.all()
    ]  # fmt: skip
    if json:
        show.document({"name": user.name, "fetched": rows})
    else:
        show.table(
            ("Hour (UTC)", "Call", "Status", "Calls", "Records"),
            [(_day(r["hour"]), r["call"], r["status"], f"{r['calls']:,}", f"{r['records']:,}") for r in rows],
        )
    return 0


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
    root = address_of("sis")
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
