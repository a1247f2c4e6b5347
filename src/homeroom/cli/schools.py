"""Schools of the app, and their people."""

import csv
import sys
from datetime import date, datetime
from typing import Annotated, Any

import typer

from homeroom.cli import finding, show
from homeroom.cli.arguments import Json, School
from homeroom.cli.boot import boot
from homeroom.cli.trouble import WRONG_USE, Trouble

school_app = typer.Typer(no_args_is_help=True, help="Schools of the app.")


def add_to(app: typer.Typer) -> None:
    """Hangs these commands into the program."""
    app.add_typer(school_app, name="school")
    app.command()(people)
    app.command()(person)
    app.command("why-not")(why_not)


@school_app.command("add")
def school_add(
    name: str,
    district: Annotated[
        str, typer.Option(help="The district it belongs to; made when it is not there.")
    ] = "",
    time_zone: Annotated[str, typer.Option(help="Such as America/Chicago.")] = "America/New_York",
    json: Json = False,
) -> int:
    """Adds a school, or finds the one that is there."""
    boot("campus")
    from zoneinfo import available_timezones

    from homeroom.campus.schools.models import District, School

    if not name.strip():
        raise Trouble("A school needs a name", 'homeroom school add "Lincoln High"', WRONG_USE)
    if time_zone not in available_timezones():
        raise Trouble(f"There is no time zone {time_zone}", "Write it as America/New_York.", WRONG_USE)
    home, _ = District.objects.get_or_create(name=district or "My district")
    made, _ = School.objects.get_or_create(
        district=home, name=name.strip(), defaults={"time_zone": time_zone}
    )
    show.document({"id": made.pk, "name": made.name}) if json else show.say(
        f"{made.name} is school {made.pk} of {home}."
    )
    return 0


@school_app.command("list")
def school_list(json: Json = False) -> int:
    """All schools."""
    boot("campus")
    from homeroom.campus.schools.models import School

    found = School.objects.select_related("district")
    if json:
        show.document({"schools": [{"id": s.pk, "name": s.name, "district": s.district.name} for s in found]})
    else:
        show.table(("Id", "School", "District"), [(s.pk, s.name, s.district) for s in found])
    return 0


def people(
    school: School,
    role: Annotated[str, typer.Option(help="students, teachers, staff or admins")] = "",
    archived: Annotated[bool, typer.Option("--archived", help="Those who were archived instead.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
    json: Json = False,
) -> int:
    """The people of a school."""
    boot("campus")
    from homeroom.campus.people.listing import COLUMNS, plain, rows
    from homeroom.campus.people.listing import people as people_of
    from homeroom.campus.people.models import RoleGroup
    from homeroom.web.spreadsheet import cell

    if role and role not in RoleGroup.values:
        raise Trouble(f"There is no role {role}", f"Choose one of {', '.join(RoleGroup.values)}.", WRONG_USE)
    chosen = finding.school(school)
    found = rows(people_of(chosen, role=role, archived=archived), chosen)
    if json:
        show.document({"people": found})
    elif as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(COLUMNS)
        for row in found:
            writer.writerow([cell(value) for value in plain(row)])
    else:
        show.table(
            ("Id", "Name", "Roles", "Grade", "State"),
            [
                (
                    r["id"],
                    f"{r['given_name']} {r['family_name']}",
                    ", ".join(r["roles"]),
                    r["grade"],
                    r["state"],
                )
                for r in found
            ],
        )
    return 0


def person(
    id: int,  # noqa: A002 # the word users read in --help
    on: Annotated[str, typer.Option(help="As of the end of this day, such as 2026-06-03.")] = "",
    json: Json = False,
) -> int:
    """One person's time line: what the SIS sent, the match, every change with run and reason, as of today or any day."""
    boot("campus")
    from homeroom.campus.people.models import Person
    from homeroom.campus.runs.telling.timeline import standing, timeline

    until = _end_of_day(on)
    found = Person.objects.filter(pk=id).first()
    if found is None:
        raise Trouble(
            f"There is no person {id}", "homeroom people SCHOOL shows them with their ids.", WRONG_USE
        )
    events = timeline(found, until=until)
    stood = standing(found, until) if until else None
    if json:
        fields = ("given_name", "family_name", "email", "number", "excluded", "kept_fields")
        show.document(
            {
                "person": {"id": found.pk, **{name: getattr(found, name) for name in fields}},
                "events": events,
                **({"on": on, "stood": stood} if stood else {}),
            }
        )
        return 0
    show.say(str(found))
    if stood is not None:
        _say_standing(on, stood)
    for event in events:
        show.say(f"  {event['at']:%Y-%m-%d %H:%M}  {event['what']}: {event['reason']} {event['state_words']}")
        for field in event["fields"]:
            show.say(f"      {field['name']}: {field['before']} → {field['after']}")
    return 0


def why_not(
    school: School,
    words: Annotated[
        list[str], typer.Argument(help="The whole name, the number, the e-mail or the SIS's sourcedId.")
    ],
    json: Json = False,
) -> int:
    """Why somebody is not among the people of a school."""
    boot("campus")
    from django.utils import timezone

    from homeroom.campus.runs.telling.why_not import why_not as answers_for

    answers = answers_for(finding.school(school), " ".join(words), timezone.now())
    if json:
        show.document({"answers": [answer.plain() for answer in answers]})
    for answer in () if json else answers:
        show.say(f"{answer.who}: {answer.why}.{f' {answer.next}' if answer.next else ''}")
    return 0


def _end_of_day(on: str) -> datetime | None:
    """The end of a day as typed, in the time zone of this machine's settings. Raises `Trouble`."""
    from homeroom.campus.runs.telling.timeline import end_of

    try:
        return end_of(date.fromisoformat(on), "UTC") if on else None
    except ValueError as wrong:
        raise Trouble(f"{on} is not a day", "Write it as 2026-06-03.", WRONG_USE) from wrong


def _say_standing(on: str, stood: dict[str, Any]) -> None:
    if not stood["known"]:
        show.say(f"  At the end of {on} (UTC): not here yet.")
        return
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in stood["fields"].items() if value)
    show.say(f"  At the end of {on} (UTC): {said}")
    for place in stood["places"]:
        grade = f", grade {place['grade']}" if place["grade"] else ""
        show.say(
            f"      {place['role']} at {place['school']}{grade}: {'active' if place['active'] else 'archived'}"
        )
