"""Roles and profiles of 1.2: rows of their own in CSV, and part of their user everywhere else."""

from dataclasses import dataclass, field

import msgspec

from homeroom.oneroster import records as r

TABLES = ("roles", "userProfiles")


@dataclass(frozen=True, slots=True)
class Part:
    """A row of roles.csv or userProfiles.csv: its table, whose it is, what it says. `gone` when it is to be deleted."""

    table: str
    sourced_id: str
    user: str
    value: r.Role | r.UserProfile
    gone: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other part."""
        return self.table, self.sourced_id


@dataclass(slots=True)
class Parts:
    """The parts of users, by user and in the order in which they came; of a user's two with one sourcedId the last counts."""

    by_user: dict[str, list[Part]] = field(default_factory=dict)

    def add(self, part: Part) -> None:
        """Notes a part, in place of the one that it replaces."""
        parts = self.by_user.setdefault(part.user, [])
        for place, other in enumerate(parts):
            if other.key == part.key:
                parts[place] = part
                return
        parts.append(part)

    def joined(self, user: r.User) -> r.User:
        """A user with its parts; as it is, when nothing was told of any."""
        if user.sourced_id not in self.by_user:
            return user
        values = [part.value for part in self.by_user[user.sourced_id] if not part.gone]
        roles = tuple(value for value in values if isinstance(value, r.Role))
        profiles = tuple(value for value in values if isinstance(value, r.UserProfile))
        return msgspec.structs.replace(user, roles=roles, profiles=profiles)
