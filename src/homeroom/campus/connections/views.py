"""People > Rostering: the set-up page with Save and Test Connection."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from homeroom.campus.connections.answer import answer_of
from homeroom.campus.connections.certificates import described
from homeroom.campus.connections.forms import SetUpForm
from homeroom.campus.connections.guides import guide_for
from homeroom.campus.connections.models import Method, RosterLink
from homeroom.campus.connections.policy import change_settings, policy_of
from homeroom.campus.connections.setup import save
from homeroom.campus.connections.trying import begin
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school


def link_of(request: SchoolRequest) -> RosterLink | None:
    """The school's roster link, if it was ever set up."""
    return RosterLink.objects.select_related("connection", "school").filter(school=request.school).first()


@at_school(ROSTERING)
def set_up(request: SchoolRequest) -> HttpResponse:
    """Step 4 and 5: method, SIS, address and credentials; saves, tries, and answers point by point."""
    link = link_of(request)
    form = SetUpForm(request.POST or None, request.FILES or None, link=link)
    if request.method == "GET" and "method" not in request.GET and _is_csv(link):
        return redirect("rostering_csv", school_id=request.school.pk)
    if request.method == "POST" and form.is_valid():
        link = save(request.school, form.typed())
        change_settings(
            link, [f"enabled={'on' if form.cleaned_data['enabled'] else 'off'}"], timezone.now(), request.user
        )
        if form.consent_fell:
            messages.warning(request, FELL.format(form.consent_fell))
        begin(link)
        say(request, link)
        return redirect("rostering", school_id=request.school.pk)
    shown: dict[str, Any] = {
        "form": form,
        "link": link,
        "tab": "set_up",
        "guide": guide_for(str(form["sis"].value())),
        "steps": steps(link),
    }
    shown |= {"ca": described(link.connection.ca_certificates) if link else [], "test": answer_of(link)}
    return render(request, "connections/set_up.html", {**shown, "area": "rostering"})


FELL = (
    "The consent to plain http:// was given for {} and fell, because the address now names another host. "
    "Tick it again if it is meant for the new one."
)


@at_school(ROSTERING)
def method(request: SchoolRequest) -> HttpResponse:
    """The fields of the method that was chosen; nothing when they are there already. Query: method, here."""
    if request.GET.get("method") == request.GET.get("here", "-"):
        return HttpResponse(status=204)
    if request.GET.get("method") == Method.ONEROSTER_CSV:
        return redirect("rostering_csv", school_id=request.school.pk)
    return redirect(f"{reverse('rostering', args=[request.school.pk])}?method={Method.ONEROSTER_API.value}")


def _is_csv(link: RosterLink | None) -> bool:
    return link is not None and link.connection.method == Method.ONEROSTER_CSV


def say(request: SchoolRequest, link: RosterLink) -> None:
    """What a quick test came to; a long one is followed on the page."""
    if link.test.get("under_way"):
        messages.info(request, "Saved. The test goes on below.")
    elif link.test["ok"]:
        messages.success(request, f"Saved. The connection works: {link.org_name}.")
    else:
        messages.warning(
            request,
            format_html(
                'Saved, but the connection does not work yet. <a href="#{}">The answer</a> says why.',
                "answer",
            ),
        )


def steps(link: RosterLink | None) -> list[dict[str, str]]:
    """The rail of the set-up: each step with its state in a word."""
    works = bool(link and link.test.get("ok"))
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
