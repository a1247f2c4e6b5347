"""A district of two schools on one connection, on a real database, and its nights."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.campus.connections.policy import change_settings
from homeroom.campus.people.models import Membership
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.start import make_run
from homeroom.campus.runs.sync import carry_out
from homeroom.campus.schools.models import District, School
from homeroom.sync.roster import SourcePerson
from tests.invented import LINCOLN, OAKWOOD, Told

EVERYTHING = tuple(
    f"{group}{switch}=on"
    for group in ("students", "teachers", "staff", "admins")
    for switch in ("", ".auto_update", ".archive")
)


class World:
    """One night a day, from 1 June 2026 on."""

    def __init__(self, district: str = "Riverside") -> None:
        self.now = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
        self.district = District.objects.create(name=district)
        self.connection = Connection.objects.create(
            district=self.district, url="http://127.0.0.1:1/ims/oneroster/v1p1"
        )
        self.lincoln = self._school("Lincoln High", LINCOLN)
        self.oakwood = self._school("Oakwood", OAKWOOD)

    def _school(self, name: str, org: str) -> School:
        school = School.objects.create(district=self.district, name=name)
        RosterLink.objects.create(district=self.district, connection=self.connection, school=school, org=org)
        return school

    def clock(self) -> datetime:
        return self.now

    def configure(self, *words: str, school: School | None = None) -> None:
        """Sync settings, of Lincoln High unless told otherwise."""
        change_settings(self.link(school), words, self.now)

    def link(self, school: School | None = None) -> RosterLink:
        return RosterLink.objects.select_related("connection", "school").get(school=school or self.lincoln)

    def night(self, people: Sequence[SourcePerson], *, dry_run: bool = False, **told: object) -> Run:
        """A night on which the SIS has these people."""
        self.now += timedelta(days=1)
        return self.sync(Told(people, **told), dry_run=dry_run)  # type: ignore[arg-type]

    def sync(self, source: Told, *, dry_run: bool = False) -> Run:
        run = make_run(Connection.objects.get(pk=self.connection.pk), "nightly", None, dry_run=dry_run)
        return carry_out(run, source, clock=self.clock)

    def active(self, school: School | None = None) -> set[str]:
        """The sourcedIds of those who are active at a school."""
        rows = Membership.objects.filter(school=school or self.lincoln, ended_at=None)
        return set(rows.values_list("person__source_records__sourced_id", flat=True))

    def changes(self, run: Run) -> list[tuple[str, str, str]]:
        """(action, sourcedId, state) of people, in order."""
        return list(
            Change.objects.filter(run=run, subject="person").values_list("action", "sourced_id", "state")
        )


Nights = Callable[[], World]
