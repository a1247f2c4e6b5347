"""Links that one of two records tells and both are served with: students and guardians, parents and children.

A bulk set tells all links by itself. A delta tells those of the records it names, so what others told before is kept (`Naming`).
Nobody is served with a link to somebody who is not there; it comes back when that one does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from django.db import connection

from homeroom.oneroster import records as r
from homeroom.sis.records.models import Naming
from homeroom.sis.records.store import active, stored

_PARENTS = {r.Org: "orgs", r.AcademicSession: "academicSessions"}


@dataclass(slots=True)
class Links:
    """The links that records tell: users and their agents, and the children of orgs and sessions."""

    told: dict[str, tuple[str, ...]] = field(default_factory=dict)  # user: the agents it names, in its order
    gone: set[str] = field(default_factory=set)  # users who are to be deleted, and tell nothing any more
    named_by: dict[str, list[str]] = field(default_factory=dict)
    children: dict[str, dict[str, set[str]]] = field(default_factory=dict)  # kind, parent: its children
    _before: dict[str, list[str]] = field(
        default_factory=dict
    )  # what stored users near those of a delta told
    _active: set[str] = field(default_factory=set)  # stored users who are there

    def add(self, record: r.Record) -> None:
        """Notes what one record tells. Of two with one sourcedId the last counts."""
        if isinstance(record, r.User):
            self._add_user(record)
        elif isinstance(record, r.Org | r.AcademicSession) and record.parent and record.status == "active":
            siblings = self.children.setdefault(_PARENTS[type(record)], {}).setdefault(record.parent, set())
            siblings.add(record.sourced_id)

    def _add_user(self, user: r.User) -> None:
        for agent in self.told.pop(user.sourced_id, ()):
            self.named_by[agent].remove(user.sourced_id)
        self.gone.discard(user.sourced_id)
        if user.status != "active":
            self.gone.add(user.sourced_id)
            return
        self.told[user.sourced_id] = user.agents
        for agent in user.agents:
            self.named_by.setdefault(agent, []).append(user.sourced_id)

    def completed(self, record: r.Record) -> r.Record:
        """The record with the links that only the other side told."""
        if isinstance(record, r.User):
            return msgspec.structs.replace(record, agents=self._agents(record.sourced_id, record.agents))
        if isinstance(record, r.Org | r.AcademicSession):
            return self._with_children(record)
        return record

    def _with_children(self, record: r.Org | r.AcademicSession) -> r.Record:
        children = self.children.get(_PARENTS[type(record)], {}).get(record.sourced_id, ())
        return msgspec.structs.replace(record, children=tuple(sorted(children)))

    def _agents(self, user: str, own: Iterable[str]) -> tuple[str, ...]:
        """Whom a user names, in its own order, and then who names it; of these whoever is there."""
        ends = dict.fromkeys((*own, *sorted(self.named_by.get(user, ()))))
        return tuple(end for end in ends if end in self.told or end in self._active)

    def look_around(self) -> set[str]:
        """For a delta: reads what stored users tell of those in it, and gives those whose links it may change."""
        mine = self.told.keys() | self.gone
        near = {end for naming in _namings(mine) for end in naming}
        near |= {agent for agents in self.told.values() for agent in agents}
        near -= mine
        ends: set[str] = set()
        for user, agent in _namings(mine | near):
            if user not in mine:
                self._before.setdefault(user, []).append(agent)
                self.named_by.setdefault(agent, []).append(user)
            ends |= {user, agent}
        self._active = active("users", ends | near) - mine
        return near

    def completed_beside(self, user: r.User) -> r.User:
        """A stored user beside a delta, with its links as they are now."""
        own = self._before.get(user.sourced_id, ())
        return msgspec.structs.replace(user, agents=self._agents(user.sourced_id, own))

    def look_above(self, kind: str, named: set[str]) -> list[r.Record]:
        """For a delta of orgs or sessions: notes whose children the stored ones are, and gives these. All are read: they are few."""
        others = [one for one in stored(kind) if one.sourced_id not in named]
        for one in others:
            self.add(one)
        return others


def _namings(ids: Iterable[str]) -> list[tuple[str, str]]:
    """What was told by or of some users, each user's in its order."""
    with connection.cursor() as cursor:
        query = 'SELECT "user", agent FROM records_naming WHERE "user" = ANY(%(ids)s) OR agent = ANY(%(ids)s) ORDER BY id'
        cursor.execute(query, {"ids": list(ids)})
        return [tuple(row) for row in cursor.fetchall()]


def own_agents(ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Whom some stored users name themselves."""
    wanted, found = set(ids), dict[str, list[str]]()
    for user, agent in _namings(wanted):
        if user in wanted:
            found.setdefault(user, []).append(agent)
    return {user: tuple(agents) for user, agents in found.items()}


def keep(links: Links, *, whole: bool) -> None:
    """Remembers whom the users of a load name; `whole` when these are all there are."""
    mine = links.told.keys() | links.gone
    (Naming.objects.all() if whole else Naming.objects.filter(user__in=mine)).delete()
    with connection.cursor() as cursor, cursor.copy('COPY records_naming ("user", agent) FROM STDIN') as sink:
        for user, agents in links.told.items():
            for agent in dict.fromkeys(agents):
                sink.write_row((user, agent))
