"""The sync settings of a school: stored as JSON, shown as flat names, thought of as `homeroom.sync.rules.Policy`."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django.db import transaction

from homeroom.campus.connections.births import wipe
from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.campus.connections.policy_history import refuse_moved, remember
from homeroom.campus.connections.policy_kinds import SettingError
from homeroom.campus.connections.policy_names import OTHERS, POLICY, Setting, known_names
from homeroom.sync.rules import Policy, SchoolRule, in_force
from homeroom.web.accounts.models import Account


def policy_of(link: RosterLink) -> Policy:
    """The policy of a school; all off where nothing was ever set."""
    return msgspec.convert(link.policy or {}, Policy)


def save_policy(link: RosterLink, policy: Policy) -> None:
    """Keeps a policy. It takes effect at the next run, for everybody, though no byte at the SIS changed."""
    link.policy = msgspec.to_builtins(policy)
    link.save(update_fields=["policy"])


def rules_of(connection: Connection, today: date) -> tuple[SchoolRule, ...]:
    """What a run of a connection decides by today: one rule a school, for each whose School ID was resolved."""
    links = connection.links.exclude(org="").order_by("school_id")
    return tuple(in_force(SchoolRule(link.school_id, link.org, policy_of(link)), today) for link in links)


def settings_of(link: RosterLink) -> dict[str, Any]:
    """All settings of a school under their flat names, as plain values."""
    policy = policy_of(link)
    said = {name: setting.kind.plain(setting.of(policy)) for name, setting in POLICY.items()}
    return said | {name: kind.plain(_other(link, name)) for name, kind in OTHERS.items()}


def words_of(link: RosterLink) -> dict[str, str]:
    """All settings of a school as the words that would set them."""
    policy = policy_of(link)
    said = {name: setting.kind.word(setting.of(policy)) for name, setting in POLICY.items()}
    return said | {name: kind.word(_other(link, name)) for name, kind in OTHERS.items()}


def _other(link: RosterLink, name: str) -> Any:
    connection = link.connection
    return {
        "matching": connection.matching,
        "births": connection.births,
        "enabled": connection.enabled,
        "time": connection.sync_time,
        "notify": link.notify,
    }[name]


def change_settings(
    link: RosterLink,
    words: Iterable[str],
    now: datetime,
    by: Account | None = None,
    *,
    seen: int | None = None,
    note: str = "",
) -> dict[str, list[str]]:
    """Applies words such as `students.archive=on`; all of them or, raising `SettingError`, none. Returns what changed, by
    name: before, after. `seen` is the number of the version that was looked at: a newer one raises `SettingsMoved`."""
    with transaction.atomic():
        held, *beside = _locked(link)
        refuse_moved(held, seen)
        before = {one.pk: words_of(one) for one in (held, *beside)}
        policy, others = read_words(policy_of(held), words)
        held.notify = others.get("notify", held.notify)
        held.save(update_fields=["notify"])
        _set_connection(held.connection, others, now)
        save_policy(held, policy)
        changed = remember(held, before[held.pk], words_of(held), now, by, note)
        for one in beside:  # what schools share is news for each of them
            one.connection = held.connection
            remember(
                one,
                before[one.pk],
                words_of(one),
                now,
                by,
                f"set at {held.school}, which shares the connection",
            )
    link.refresh_from_db()
    return changed


def _locked(link: RosterLink) -> list[RosterLink]:
    """A school's link, then those of the schools that share its connection, all held against others who save."""
    locked = RosterLink.objects.select_for_update(of=("self", "connection")).select_related(
        "connection", "school"
    )
    found = list(locked.filter(connection=link.connection_id).order_by("pk"))
    return sorted(found, key=lambda one: one.pk != link.pk)


def _set_connection(connection: Connection, others: dict[str, Any], now: datetime) -> None:
    connection.matching = others.get("matching", connection.matching)
    knew_births, connection.births = connection.births, others.get("births", connection.births)
    connection.enabled = others.get("enabled", connection.enabled)
    connection.sync_time = others.get("time", connection.sync_time)
    connection.next_run_at = next_run(connection, now)
    connection.save(update_fields=["enabled", "sync_time", "next_run_at", "matching", "births"])
    if knew_births and not connection.births:
        wipe(connection.pk)


def read_words(policy: Policy, words: Iterable[str]) -> tuple[Policy, dict[str, Any]]:
    """The policy after the words, and what they say of the connection and the mails. Raises `SettingError`."""
    others: dict[str, Any] = {}
    for word in words:
        name, equals, value = (part.strip() for part in word.partition("="))
        if not equals:
            raise SettingError(f"“{word}” is not a setting. Write it as name=value, such as students=on.")
        if name in POLICY:
            policy = _set(policy, POLICY[name], name, value)
        elif name in OTHERS:
            others[name] = OTHERS[name].read(name, value)
        else:
            raise SettingError(f"There is no setting “{name}”. There are: {known_names()}.")
    return policy, others


def _set(policy: Policy, setting: Setting, name: str, value: str) -> Policy:
    return setting.set(policy, setting.kind.read(name, value))


def next_run(connection: Connection, now: datetime) -> datetime | None:
    """The next moment at which a connection is due, in its first school's time zone; None while it is not enabled."""
    if not connection.enabled:
        return None
    link = connection.links.select_related("school").order_by("id").first()
    zone = ZoneInfo(link.school.time_zone if link else "UTC")
    local = now.astimezone(zone)
    due = datetime.combine(local.date(), connection.sync_time, zone)
    return (
        due if due > local else datetime.combine(local.date() + timedelta(days=1), connection.sync_time, zone)
    )
