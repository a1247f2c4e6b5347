"""The sync settings of a school: stored as JSON, shown as flat names, thought of as `homeroom.sync.rules.Policy`."""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.sync.roster import RoleGroup
from homeroom.sync.rules import Policy, SchoolRule

SWITCHES = ("roster", "auto_update", "archive")


class SettingError(ValueError):
    """A setting that does not exist, or a value it cannot have. The message says which and what is allowed."""


def policy_of(link: RosterLink) -> Policy:
    """The policy of a school; all off where nothing was ever set."""
    return msgspec.convert(link.policy or {}, Policy)


def save_policy(link: RosterLink, policy: Policy) -> None:
    """Keeps a policy. It takes effect at the next run, for everybody, though no byte at the SIS changed."""
    link.policy = asdict(policy)
    link.save(update_fields=["policy"])


def rules_of(connection: Connection) -> tuple[SchoolRule, ...]:
    """What a run of a connection decides by: one rule a school, for each whose School ID was resolved."""
    links = connection.links.exclude(org="").order_by("school_id")
    return tuple(SchoolRule(link.school_id, link.org, policy_of(link)) for link in links)


def settings_of(link: RosterLink) -> dict[str, Any]:
    """All settings of a school under their flat names."""
    policy = policy_of(link)
    said: dict[str, Any] = {}
    for group in RoleGroup:
        row = policy.of(group)
        said[group.value] = row.roster
        said[f"{group.value}.auto_update"] = row.auto_update
        said[f"{group.value}.archive"] = row.archive
    said["parents"] = policy.parents
    said["enabled"] = link.connection.enabled
    said["time"] = link.connection.sync_time.strftime("%H:%M")
    said["notify"] = list(link.notify)
    said["hold.percent"] = policy.hold_percent
    said["hold.count"] = policy.hold_count
    return said


def change_settings(link: RosterLink, words: Iterable[str], now: datetime) -> None:
    """Applies words such as `students.archive=on`; all of them or, raising `SettingError`, none."""
    changes: list[Callable[[], None]] = []
    policy = policy_of(link)
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise SettingError(f"“{word}” is not a setting. Write it as name=value, such as students=on.")
        policy = _changed(policy, link, name.strip(), value.strip(), changes)
    for change in changes:
        change()
    link.connection.next_run_at = next_run(link.connection, now)
    link.connection.save(update_fields=["enabled", "sync_time", "next_run_at"])
    link.save(update_fields=["notify"])
    save_policy(link, policy)


def _changed(
    policy: Policy, link: RosterLink, name: str, value: str, changes: list[Callable[[], None]]
) -> Policy:
    group, _, switch = name.partition(".")
    if group in list(RoleGroup) and (switch or "roster") in SWITCHES:
        row = replace(policy.of(RoleGroup(group)), **{switch or "roster": on_off(name, value)})
        changed: dict[str, Any] = {group: row}
        return replace(policy, **changed)
    match name:
        case "parents":
            return replace(policy, parents=on_off(name, value))
        case "hold.percent":
            return replace(policy, hold_percent=_number(name, value, 100.0))
        case "hold.count":
            return replace(policy, hold_count=int(_number(name, value, 1_000_000)))
        case "enabled":
            on = on_off(name, value)
            changes.append(lambda: setattr(link.connection, "enabled", on))
        case "time":
            at = _time(value)
            changes.append(lambda: setattr(link.connection, "sync_time", at))
        case "notify":
            addresses = emails(value)
            changes.append(lambda: setattr(link, "notify", addresses))
        case _:
            known = "students, teachers, staff, admins (each also with .auto_update and .archive), parents, enabled, time"
            raise SettingError(
                f"There is no setting “{name}”. There are: {known}, notify, hold.percent, hold.count."
            )
    return policy


def on_off(name: str, value: str) -> bool:
    """A switch. Raises `SettingError`."""
    if value.lower() not in ("on", "off", "true", "false", "yes", "no"):
        raise SettingError(f"{name} is on or off, not “{value}”.")
    return value.lower() in ("on", "true", "yes")


def _number(name: str, value: str, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number <= most:
        raise SettingError(f"{name} is a number from 0 to {most:g}, not “{value}”.")
    return number


def _time(value: str) -> time:
    try:
        return time.fromisoformat(value)
    except ValueError as wrong:
        raise SettingError(f"time is an hour and minute such as 02:00, not “{value}”.") from wrong


def emails(value: str) -> list[str]:
    """E-mail addresses separated by commas, spaces or lines. Raises `SettingError`."""
    found = list(dict.fromkeys(word.lower() for word in value.replace(",", " ").replace(";", " ").split()))
    for address in found:
        try:
            validate_email(address)
        except ValidationError as wrong:
            raise SettingError(f"“{address}” is not an e-mail address.") from wrong
    return found


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
