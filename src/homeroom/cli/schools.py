"""Schools of the app, and their people."""

import csv
import sys
from typing import Annotated

import typer

from homeroom.cli import finding, show
from homeroom.cli.boot import boot
from homeroom.cli.rostering import Json, School
from homeroom.cli.trouble import WRONG_USE, Trouble

school_app = typer.Typer(no_args_is_help=True, help="Schools of the app.")


def add_to(app: typer.Typer) -> None:
    """Hangs these commands into the program."""
    app.add_typer(school_app, name="school")
    app.command()(people)
    app.command()(person)


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


def person(id: int, json: Json = False) -> int:  # noqa: A002 # the word users read in --help
    """One person's time line."""
    boot("campus")
    from homeroom.campus.people.models import Person
    from homeroom.campus.runs.timeline import timeline

    found = Person.objects.filter(pk=id).first()
    if found is None:
        raise Trouble(
            f"There is no person {id}", "homeroom people SCHOOL shows them with their ids.", WRONG_USE
        )
    events = timeline(found)
    if json:
        fields = ("given_name", "family_name", "email", "number", "excluded", "kept_fields")
        show.document(
            {"person": {"id": found.pk, **{name: getattr(found, name) for name in fields}}, "events": events}
        )
        return 0
    show.say(str(found))
    for event in events:
        show.say(f"  {event['at']:%Y-%m-%d %H:%M}  {event['what']}: {event['reason']} {event['state_words']}")
        for field in event["fields"]:
            show.say(f"      {field['name']}: {field['before']} → {field['after']}")
    return 0
