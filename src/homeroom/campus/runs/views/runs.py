"""History, one run with its plan, and what a person may decide about it. Dry run, hold and history are the same page."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, Q, QuerySet, When
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.campus.people.models import Membership, Person, RoleGroup
from homeroom.campus.runs.by_hand import decide as decisions
from homeroom.campus.runs.by_hand.leaving_out import WAITING, leave_out, leave_out_these, waiting
from homeroom.campus.runs.by_hand.second import SecondNeeded, first_approval
from homeroom.campus.runs.lock import AlreadyRunning, Fenced
from homeroom.campus.runs.models import Change, Run, RunProblem, SchoolReport
from homeroom.campus.runs.reporting import problem_counts
from homeroom.campus.runs.start import hand_over, start
from homeroom.campus.runs.telling.describe import became, describe_changes, seconds, state_at
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school
from homeroom.campus.schools.models import School
from homeroom.sync.changes import Action, State
from homeroom.web.spreadsheet import download

PAGE = 50
MANY = 2000  # changes above which a worker carries an approval out, while the page shows how far it is
STATES = (*(state.value for state in State if state is not State.PREVIEWED), "left out")
SAID = {
    "approve": "Approved and carried out.",
    "approve some": "Approved and carried out; what was left out goes on waiting.",
    "discard": "Discarded; nobody was touched. The next sync looks again.",
}
HANDED_OVER = (
    "Approved. So many changes are carried out by a worker; this page shows how far it is, and may be left."
)
HISTORY = (
    "Run",
    "When",
    "Kind",
    "State",
    *(action.capitalize() for action in ("add", "update", "archive", "restore")),
    "Problems",
    "Seconds",
    "By",
)
COLUMNS = ("Name", "Action", "State", "Role", "sourcedId", "Changes", "Reason")


def _connection(request: SchoolRequest) -> Connection | None:
    link = RosterLink.objects.select_related("connection").filter(school=request.school).first()
    return link.connection if link else None


def run_of(request: SchoolRequest, run_id: int) -> Run:
    """A run of the school's connection. Raises `Http404` for any other."""
    mine = Run.objects.filter(connection=_connection(request)) if _connection(request) else Run.objects.none()
    mine = mine.filter(Q(school=None) | Q(school=request.school))
    found = mine.select_related("started_by", "undoes").filter(pk=run_id).first()
    if found is None:
        raise Http404("There is no such run of this school.")
    return found


@at_school(ROSTERING)
def runs(request: SchoolRequest) -> HttpResponse:
    """The history, newest first; a POST starts a run (`kind`: sync or dry run)."""
    connection = _connection(request)
    if connection is None:
        messages.info(request, "Connect the school first; its runs will be listed here.")
        return redirect("rostering", school_id=request.school.pk)
    if request.method == "POST":
        return _start(request, connection)
    found = Run.objects.filter(connection=connection).filter(Q(school=None) | Q(school=request.school))
    found = found.exclude(kind=Run.PREVIEW)
    if request.GET.get("format") == "csv":
        return download("runs", HISTORY, (_history_line(row) for row in _rows(found[:1000], request)))
    page = Paginator(found.select_related("started_by"), PAGE).get_page(request.GET.get("page"))
    shown = {
        "page": page,
        "rows": _rows(page.object_list, request),
        "tab": "runs",
        "area": "rostering",
        "query": "",
    }
    return render(request, "runs/runs.html", {**shown, "connection": connection})


def _start(request: SchoolRequest, connection: Connection) -> HttpResponse:
    dry = request.POST.get("kind") == "dry run"
    try:
        made = start(connection, kind="dry run" if dry else "by hand", by=request.user, dry_run=dry)
    except AlreadyRunning as busy:
        messages.warning(request, str(busy))
        return redirect("runs", school_id=request.school.pk)
    return redirect("run", school_id=request.school.pk, run_id=made.pk)


def _rows(found: Any, request: SchoolRequest) -> list[dict[str, Any]]:
    chosen = list(found)
    reports = {r.run_id: r for r in SchoolReport.objects.filter(run__in=chosen, school=request.school)}
    return [_row(run, reports.get(run.pk), request) for run in chosen]


def _row(run: Run, report: SchoolReport | None, request: SchoolRequest) -> dict[str, Any]:
    state = state_at(run, request.school)
    counts = report.counts if report else {}
    return {
        "run": run,
        "state": state,
        "words": Run.State(state).label,
        "counts": counts,
        "seconds": seconds(run),
    }


def _history_line(row: dict[str, Any]) -> list[Any]:
    run, counts = row["run"], row["counts"]
    numbers = [counts.get(name, 0) for name in ("add", "update", "archive", "restore", "problem")]
    when = timezone.localtime(run.created_at).strftime("%Y-%m-%d %H:%M")
    return [run.pk, when, run.kind, row["words"], *numbers, row["seconds"], run.started_by or "schedule"]


@at_school(ROSTERING)
def run(request: SchoolRequest, run_id: int) -> HttpResponse:
    """One run at this school. Query: q (words), action, role, page, format=csv."""
    one = run_of(request, run_id)
    found = _narrowed(Change.objects.filter(run=one, school=request.school), request)
    if one.state == Run.State.HELD:
        found = found.order_by(
            Case(When(state__in=WAITING, then=0), default=1), "id"
        )  # what waits comes first
    if request.GET.get("format") == "csv":
        return download(f"run-{run_id}", COLUMNS, (_change_line(row) for row in describe_changes(found)))
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    return render(
        request,
        "runs/run.html",
        {
            **_shown(request, one),
            "page": page,
            "changes": describe_changes(page.object_list),
            "actions": [action.value for action in Action],
            "groups": RoleGroup.choices,
            "states": STATES,
            "waits": WAITING,
            "query": f"{query.urlencode()}&" if query else "",
        },
    )


def _shown(request: SchoolRequest, one: Run) -> dict[str, Any]:
    """What both the page and its live part need."""
    report = SchoolReport.objects.filter(run=one, school=request.school).first()
    done = Change.objects.filter(run=one, school=request.school, state=State.APPLIED).exclude(action="skip")
    return {
        "tab": "runs",
        "area": "rostering",
        "run": one,
        "state": state_at(one, request.school),
        "counts": report.counts if report else {},
        "held": report.held if report else [],
        "was_held": _was_held(one, report),
        "causes": report.causes if report else [],
        **_decision(one, request.school),
        "can_undo": one.state in ("done", "held") and done.exists(),
        "problems": problem_counts(one),
        "examples": RunProblem.objects.filter(run=one).order_by("code", "id")[:PAGE],
        "seconds": seconds(one),
    }


def _was_held(one: Run, report: SchoolReport | None) -> list[dict[str, Any]]:
    """What waited once, with what became of it."""
    if report is None or one.state not in (Run.State.DONE, Run.State.FAILED):
        return []
    return [{**hold, "became": became(one, {"school": report.school_id, **hold})} for hold in report.held]


def _decision(one: Run, school: School) -> dict[str, Any]:
    """What waits here, what of it is left out, and who approved already."""
    if one.state not in (Run.State.HELD, Run.State.PLANNED):
        return {"waiting": 0}
    found = waiting(one, school)
    acts = found.filter(subject="person").exclude(action="skip")
    left = acts.filter(left_out=True).count()
    return {
        "waiting": found.count(),
        "approved": acts.count() - left,
        "left_out": left,
        "first": first_approval(one, school),
    }


def _narrowed(found: QuerySet[Change], request: SchoolRequest) -> QuerySet[Change]:
    asked = request.GET
    if asked.get("action"):
        found = found.filter(action=asked["action"])
    if asked.get("role"):
        found = found.filter(group=asked["role"])
    if asked.get("grade"):
        found = found.filter(_of_grade(asked["grade"], found))
    if asked.get("state") == "left out":
        found = found.filter(left_out=True)
    elif asked.get("state"):
        found = found.filter(state=asked["state"])
    for word in asked.get("q", "").split():
        named = Person.objects.filter(district=request.school.district)
        named = named.filter(Q(given_name__icontains=word) | Q(family_name__icontains=word) | Q(number=word))
        mine = Q(subject="person", subject_id__in=named.values("pk")) | Q(sourced_id=word)
        found = found.filter(mine | Q(fields__icontains=word))
    return found.order_by("id")


def _of_grade(grade: str, found: QuerySet[Change]) -> Q:
    """Changes of people of a grade: as they are, or as somebody new will be."""
    here = Membership.objects.filter(grade=grade, school__in=found.values("school")).values("person")
    return Q(subject="person") & (Q(subject_id__in=here) | Q(fields__grade__1=grade))


def _change_line(row: dict[str, Any]) -> list[Any]:
    fields = "; ".join(f"{field['name']}: {field['before']} → {field['after']}" for field in row["said"])
    return [row["name"], row["action"], row["state"], row["role"], row["sourced_id"], fields, row["reason"]]


@at_school(ROSTERING)
def progress(request: SchoolRequest, run_id: int) -> HttpResponse:
    """The live part of a run's page; when the run has ended, it tells the browser to load the page anew."""
    one = run_of(request, run_id)
    if one.under_way:
        return render(request, "runs/progress.html", {"run": one})
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_POST
@at_school(ROSTERING)
def decide(request: SchoolRequest, run_id: int) -> HttpResponse:
    """Approve or discard this school's part of a run. POST: decision."""
    one, decision = run_of(request, run_id), request.POST.get("decision", "")
    if decision not in SAID:
        raise Http404("There is no such decision.")
    try:
        one = _decided(request, one, decision)
        messages.success(request, HANDED_OVER if one.state == Run.State.RUNNING else SAID[decision])
    except SecondNeeded as first:
        messages.info(request, str(first))
    except (decisions.CannotDecide, AlreadyRunning, Fenced) as wrong:
        messages.warning(request, str(wrong))
    return redirect("run", school_id=request.school.pk, run_id=one.pk)


def _decided(request: SchoolRequest, one: Run, decision: str) -> Run:
    if decision == "discard":
        return decisions.discard(one, request.user, timezone.now, request.school)
    many = waiting(one, request.school).count() > MANY
    later = hand_over if many else None
    some = decision == "approve some"
    return decisions.approve(
        one, request.user, timezone.now, request.school, rest_waits=some, hand_over=later
    )


@require_POST
@at_school(ROSTERING)
def leave(request: SchoolRequest, run_id: int) -> HttpResponse:
    """Leaves people out of an approval, or takes them in again. POST: `seen` and `out`, people by id on this page; or `all`
    (out, in) for everybody who fits the filter of the query."""
    one = run_of(request, run_id)
    if request.POST.get("all") in ("out", "in"):
        found = _narrowed(Change.objects.filter(run=one, school=request.school), request)
        leave_out_these(found, one, request.school, out=request.POST["all"] == "out")
    else:
        seen, out = (
            {int(word) for word in request.POST.getlist(name) if word.isdecimal()} for name in ("seen", "out")
        )
        leave_out(one, request.school, seen - out, out=False)
        leave_out(one, request.school, seen & out, out=True)
    return redirect(f"{reverse('run', args=[request.school.pk, run_id])}?{request.GET.urlencode()}#changes")
