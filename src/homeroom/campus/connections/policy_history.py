"""Versions of a school's sync settings: who changed what when, from what to what, and back again."""

from datetime import datetime
from typing import Any

from homeroom.campus.connections.models import RosterLink, SettingsVersion
from homeroom.web.accounts.models import Account


class SettingsMoved(Exception):
    """Somebody else saved other settings meanwhile; the message says who and when. Nothing was saved."""


def latest(link: RosterLink) -> int:
    """The number of the settings in force; 0 when nobody ever changed any."""
    return link.versions.values_list("number", flat=True).first() or 0


def refuse_moved(link: RosterLink, seen: int | None) -> None:
    """Raises `SettingsMoved` when the settings are no longer those that were seen."""
    newest = link.versions.select_related("by").first()
    if seen is not None and newest is not None and newest.number != seen:
        raise SettingsMoved(
            f"{newest.by or 'The command line'} saved other settings at {newest.at:%H:%M} UTC, after you opened this page. Nothing of "
            "yours was saved: look at the page as it is now, then change it again."
        )


def remember(
    link: RosterLink,
    before: dict[str, str],
    after: dict[str, str],
    now: datetime,
    by: Account | None,
    note: str,
) -> dict[str, list[str]]:
    """Keeps a version when anything changed, and returns what did."""
    changed = {name: [before.get(name, ""), word] for name, word in after.items() if before.get(name) != word}
    if not changed:
        return {}
    if not link.versions.exists():
        SettingsVersion.objects.create(link=link, number=0, at=now, words=before, note="as it began")
    SettingsVersion.objects.create(
        link=link, number=latest(link) + 1, at=now, by=by, words=after, changed=changed, note=note
    )
    return changed


def words_back(link: RosterLink, number: int) -> list[str] | None:
    """The words that bring the settings of a version back; None when there is no such version."""
    found = link.versions.filter(number=number).first()
    return [f"{name}={word}" for name, word in found.words.items()] if found else None


def history(link: RosterLink, most: int = 200) -> list[dict[str, Any]]:
    """The versions, newest first, as plain values."""
    return [
        {
            "version": one.number,
            "at": one.at,
            "by": str(one.by) if one.by else ("" if one.number == 0 else "command line"),
            "changed": one.changed,
            "note": one.note,
        }
        for one in link.versions.select_related("by")[:most]
    ]


def changed_since(link: RosterLink, since: datetime) -> list[str]:
    """What was changed after a moment, each change in a line."""
    return [
        f"{name}: {before} → {after} ({one.by or 'command line'}, {one.at:%Y-%m-%d %H:%M} UTC)"
        for one in link.versions.filter(at__gt=since).select_related("by").order_by("number")
        for name, (before, after) in one.changed.items()
    ]
