"""People > Rostering with the method OneRoster CSV: where the set lies, upload, Save and Test Connection."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from homeroom.campus.connections.answer import answer_of
from homeroom.campus.connections.csv_forms import CsvForm
from homeroom.campus.connections.csv_place import folders_of
from homeroom.campus.connections.csv_setup import Kind, save_csv
from homeroom.campus.connections.models import CsvPlace, RosterLink
from homeroom.campus.connections.policy import change_settings
from homeroom.campus.connections.trying import begin
from homeroom.campus.connections.views import link_of, say, steps
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school
from homeroom.oneroster.bulk.files import BulkError
from homeroom.sync.sources.sftp import fingerprint

FORGET: dict[str, dict[str, Any]] = {"older": {"read_made": None}, "host_key": {"host_key": ""}}


@at_school(ROSTERING)
def set_up(request: SchoolRequest) -> HttpResponse:
    """Where the set lies; saves, tries, and answers point by point. Query: kind (upload, folder or sftp)."""
    link = link_of(request)
    form = CsvForm(
        request.POST or None,
        request.FILES or None,
        kind=_kind(request, link),
        link=link,
        district=request.school.district,
    )
    if request.method == "POST" and form.is_valid() and (saved := _saved(request, form)) is not None:
        begin(saved)
        say(request, saved)
        return redirect("rostering_csv", school_id=request.school.pk)
    shown = {
        "form": form,
        "link": link,
        "tab": "set_up",
        "area": "rostering",
        "steps": steps(link),
        "test": answer_of(link),
    }
    return render(request, "connections/csv_set_up.html", {**shown, **_of_place(form, request)})


def _kind(request: SchoolRequest, link: RosterLink | None) -> str:
    asked = request.GET.get("kind", "")
    if asked in Kind.values:
        return asked
    place = CsvPlace.objects.filter(connection=link.connection_id).first() if link else None
    return place.kind if place else str(Kind.UPLOAD)


def _saved(request: SchoolRequest, form: CsvForm) -> RosterLink | None:
    """The link with what was typed; None when what was uploaded is no set."""
    try:
        typed = form.typed()
    except BulkError as wrong:
        form.is_no_set(wrong)
        return None
    link = save_csv(request.school, typed)
    enabled = f"enabled={'on' if form.cleaned_data['enabled'] else 'off'}"
    change_settings(link, [enabled], timezone.now(), request.user)
    return link


def _of_place(form: CsvForm, request: SchoolRequest) -> dict[str, Any]:
    place = form.place if form.place is not None and form.place.kind == form.kind else None
    return {
        "kinds": Kind.choices,
        "kind": form.kind.value,
        "place": place,
        "below": folders_of(request.school.district),
        "key": fingerprint(place.host_key) if place else "",
        "checked": place.checked if place and place.kind == Kind.UPLOAD else {},
    }


@require_POST
@at_school(ROSTERING)
def forget(request: SchoolRequest) -> HttpResponse:
    """Lets go of the date of the last set, so that an older one is read, or of a server's key. Form: what."""
    link, what = link_of(request), request.POST.get("what", "")
    if link is not None and what in FORGET:
        CsvPlace.objects.filter(connection=link.connection_id).update(**FORGET[what])
        said = (
            "The next sync reads the set that is there, whatever its date."
            if what == "older"
            else "The next key that the server shows is kept."
        )
        messages.success(request, said)
    return redirect("rostering_csv", school_id=request.school.pk)
