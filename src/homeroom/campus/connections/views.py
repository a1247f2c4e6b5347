"""People > Rostering: the set-up page with Save and Test Connection, and the sync settings."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from homeroom.campus.connections.forms import SetUpForm, SyncSettingsForm
from homeroom.campus.connections.guides import guide_for
from homeroom.campus.connections.models import RosterLink
from homeroom.campus.connections.policy import change_settings, policy_of
from homeroom.campus.connections.setup import save
from homeroom.campus.connections.source import test_connection
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school


def link_of(request: SchoolRequest) -> RosterLink | None:
    """The school's roster link, if it was ever set up."""
    return RosterLink.objects.select_related("connection", "school").filter(school=request.school).first()


@at_school(ROSTERING)
def set_up(request: SchoolRequest) -> HttpResponse:
    """Step 4 and 5: method, SIS, address and credentials; saves, tries, and answers point by point."""
    link = link_of(request)
    form = SetUpForm(request.POST or None, link=link)
    if request.method == "POST" and form.is_valid():
        link = save(request.school, form.typed())
        change_settings(link, [f"enabled={'on' if form.cleaned_data['enabled'] else 'off'}"], timezone.now())
        answer = test_connection(link, timezone.now())
        if answer.ok:
            messages.success(request, f"Saved. The connection works: {link.org_name}.")
        else:
            messages.warning(request, "Saved, but the connection does not work yet. The answer says why.")
        return redirect("rostering", school_id=request.school.pk)
    shown = {
        "form": form,
        "link": link,
        "tab": "set_up",
        "guide": guide_for(str(form["sis"].value())),
        "steps": steps(link),
    }
    return render(request, "connections/set_up.html", {**shown, "area": "rostering", "test": test_of(link)})


def test_of(link: RosterLink | None) -> dict[str, Any]:
    """The last answer of Test Connection, its points with words for their names."""
    if link is None or not link.connection.test:
        return {}
    answer = link.connection.test
    points = [{**check, "words": POINTS.get(check["name"], check["name"])} for check in answer["checks"]]
    return {**answer, "points": points, "at": link.connection.tested_at}


POINTS = {
    "address": "Address",
    "dns": "Name",
    "tls": "Encryption",
    "reach": "Server",
    "token": "Key and secret",
    "version": "Version",
    "schools": "Schools",
    "school_id": "School ID",
    "people": "People",
    "limit": "Page size",
    "total": "Totals",
    "link": "Links",
    "keyset": "Reading",
    "school_endpoint": "School lists",
}


def steps(link: RosterLink | None) -> list[dict[str, str]]:
    """The rail of the set-up: each step with its state in a word."""
    works = bool(link and link.connection.test.get("ok"))
    synced = bool(link and policy_of(link).rosters_anyone)
    return [
        {
            "name": "Connect",
            "state": "works" if works else ("to mend" if link else "to do"),
            "url": "rostering",
        },
        {"name": "Sync Settings", "state": "chosen" if synced else "to do", "url": "sync_settings"},
        {"name": "First sync", "state": _first_sync(link, ready=works and synced), "url": "runs"},
    ]


def _first_sync(link: RosterLink | None, *, ready: bool) -> str:
    if link is not None and link.connection.records.exists():
        return "done"
    return "ready" if ready else "later"


@at_school(ROSTERING)
def sis_help(request: SchoolRequest) -> HttpResponse:
    """The help for the SIS chosen in the list, to be put into the page."""
    return render(request, "connections/guide.html", {"guide": guide_for(request.GET.get("sis", ""))})


@at_school(ROSTERING)
def sync_settings(request: SchoolRequest) -> HttpResponse:
    """Step 6: whom to roster, and how far a sync may go."""
    link = link_of(request)
    if link is None:
        messages.info(request, "Connect the school first; then choose what to sync.")
        return redirect("rostering", school_id=request.school.pk)
    form = SyncSettingsForm(request.POST or None, link=link)
    if request.method == "POST" and form.is_valid():
        change_settings(link, form.words(), timezone.now())
        messages.success(request, "Saved. The settings hold from the next sync on.")
        return redirect("sync_settings", school_id=request.school.pk)
    shown = {"form": form, "link": link, "tab": "settings", "area": "rostering", "steps": steps(link)}
    return render(request, "connections/sync_settings.html", shown)
