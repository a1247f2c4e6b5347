"""People > Rostering > Sync Settings, and what they were before: whom to roster, and how far a sync may go."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from homeroom.campus.connections.models import RosterLink
from homeroom.campus.connections.policy import change_settings, policy_of, read_words
from homeroom.campus.connections.policy_form import SyncSettingsForm, label_of
from homeroom.campus.connections.policy_history import SettingsMoved, history, words_back
from homeroom.campus.connections.views import link_of, steps
from homeroom.campus.people.models import RoleGroup
from homeroom.campus.runs.models import Run
from homeroom.campus.runs.previewing import (
    begin,
    forget,
    grid,
    is_under_way,
    last_complete,
    latest,
    waits,
    would,
)
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school

NOTHING_READ = "Nothing has been read from the SIS yet, so nothing can be counted. Save, then start a dry run: it shows everybody."


@at_school(ROSTERING)
def sync_settings(request: SchoolRequest) -> HttpResponse:
    """Step 6. A POST saves; with `preview` it shows what saving would do, and saves nothing. One from a page that others have
    saved over meanwhile saves nothing and says so."""
    link = link_of(request)
    if link is None:
        messages.info(request, "Connect the school first; then choose what to sync.")
        return redirect("rostering", school_id=request.school.pk)
    form = SyncSettingsForm(request.POST or None, link=link)
    shown = {"form": form, "link": link, "tab": "settings", "area": "rostering", "steps": steps(link)}
    if request.method == "POST" and form.is_valid():
        if "preview" not in request.POST:
            return _save(request, link, form)
        shown |= _preview(request, link, form)
    return render(request, "connections/sync_settings.html", shown)


def _save(request: SchoolRequest, link: RosterLink, form: SyncSettingsForm) -> HttpResponse:
    try:
        changed = change_settings(
            link, form.words(), timezone.now(), request.user, seen=form.cleaned_data["seen"]
        )
        what = "Saved. The settings hold from the next sync on." if changed else "Nothing was changed."
        messages.success(request, what)
        forget(link)
    except SettingsMoved as moved:
        messages.warning(request, str(moved))
    return redirect("sync_settings", school_id=request.school.pk)


def _preview(request: SchoolRequest, link: RosterLink, form: SyncSettingsForm) -> dict[str, Any]:
    policy, _ = read_words(policy_of(link), form.words())
    run = begin(link, policy, request.user)
    if run is None:
        messages.info(request, NOTHING_READ)
        return {}
    return {"grid": _with_counts(form.grid, run), **_counted(run, link)}


def _with_counts(rows: list[dict[str, Any]], run: Run) -> list[dict[str, Any]]:
    counts = grid(run) if not run.under_way else {}
    return [{**row, "would": would(counts.get(row["group"], {}))} for row in rows]


def _counted(run: Run, link: RosterLink) -> dict[str, Any]:
    """A preview as far as it is."""
    now = timezone.now()
    return {
        "preview": run,
        "counting": is_under_way(run, now),
        "cut_off": run.under_way and not is_under_way(run, now),
        "waits": waits(run),
        "last": last_complete(link),
    }


@at_school(ROSTERING)
def preview_progress(request: SchoolRequest) -> HttpResponse:
    """The live part of a preview. Query: run, the one that the page waits for; another one may have taken its place."""
    link = link_of(request)
    run = latest(link) if link else None
    if link is None or run is None:
        raise Http404("Nothing is being counted at this school.")
    shown = {**_counted(run, link), "live": True, "replaced": request.GET.get("run") != str(run.pk)}
    rows = [{"group": group.value, "label": group.label} for group in RoleGroup]
    return render(request, "connections/preview.html", {**shown, "rows": _with_counts(rows, run)})


@at_school(ROSTERING)
def settings_history(request: SchoolRequest) -> HttpResponse:
    """Every version with what it changed. A POST brings one back (`version`), as a version of its own."""
    link = link_of(request)
    if link is None:
        raise Http404("This school has no settings yet.")
    if request.method == "POST":
        number = request.POST.get("version", "")
        words = words_back(link, int(number)) if number.isdecimal() else None
        if words is None:
            raise Http404("There is no such version.")
        change_settings(link, words, timezone.now(), request.user, note=f"rolled back to version {number}")
        messages.success(request, f"Rolled back: the settings are those of version {number} again.")
        return redirect("settings_history", school_id=request.school.pk)
    versions = [
        {**one, "changed": [(label_of(name), *both) for name, both in one["changed"].items()]}
        for one in history(link)
    ]
    shown = {"versions": versions, "tab": "settings", "area": "rostering"}
    return render(request, "connections/settings_history.html", shown)
