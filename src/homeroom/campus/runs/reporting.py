"""The end of a run: its counts, what it came to, and a mail to those who asked for one, claimed before it is sent."""

import logging
import smtplib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db.models import Count, Sum
from django.template.loader import render_to_string
from django.urls import reverse

from homeroom.campus.connections.models import RosterLink
from homeroom.campus.connections.policy_history import changed_since
from homeroom.campus.people.target import query
from homeroom.campus.runs.by_hand.leaving_out import waiting
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change, Mail, Run, RunProblem, SchoolReport
from homeroom.campus.schools.models import School
from homeroom.problems import Problem
from homeroom.sync import causes, summary
from homeroom.sync.reading import Evidence
from homeroom.sync.summary import ProblemCount, Report
from homeroom.web.address import address_of

log = logging.getLogger(__name__)
ACTIONS = ("add", "update", "archive", "restore", "skip", "relink")


def evidence(proof: Evidence) -> dict[str, Any]:
    """The proof of one collection as plain values."""
    return {**asdict(proof), "complete": proof.complete}


def report(run: Run, clock: Callable[[], datetime]) -> None:
    """Counts, ends and mails a run. Cut off in here it may be repeated: no mail goes out twice."""
    links = list(
        RosterLink.objects.filter(connection=run.connection_id).exclude(org="").select_related("school")
    )
    total = count(run, links)
    with fenced(run):
        run.counts, run.state, run.finished_at, run.progress = total, _state(run), clock(), {}
        run.save(update_fields=["counts", "state", "finished_at", "progress"])
        for link in links:
            for address in link.notify if not run.dry_run and not run.undoes_id else ():
                Mail.objects.get_or_create(run=run, school=link.school, to=address)
    for mail in Mail.objects.filter(run=run, claimed_at=None).select_related("school"):
        send(mail, run, clock)


def _state(run: Run) -> str:
    if run.message:
        return Run.State.FAILED
    if run.dry_run:
        return Run.State.PLANNED
    return Run.State.HELD if Change.objects.filter(run=run, state="held").exists() else Run.State.DONE


def count(run: Run, links: list[RosterLink]) -> dict[str, int]:
    """Counts by action for the run, kept for each school too. People are counted, contacts apart."""
    rows = Change.objects.filter(run=run, subject="person").exclude(state="discarded")
    by_school: dict[int, Counter[str]] = {link.school_id: Counter() for link in links}
    for school, action, number in rows.values_list("school_id", "action").annotate(Count("id")):
        by_school.setdefault(school, Counter())[action] += number
    problems = RunProblem.objects.filter(run=run).aggregate(all=Sum("number"))["all"] or 0
    unchanged = _unchanged(run, by_school)
    for school, counts in by_school.items():
        said = {**_all(counts), "unchanged": unchanged.get(school, 0), "problem": problems}
        SchoolReport.objects.update_or_create(run=run, school_id=school, defaults={"counts": said})
    whole: Counter[str] = sum(by_school.values(), Counter())
    return {
        **_all(whole),
        "unchanged": sum(unchanged.values()),
        "problem": problems,
        "contact": _contacts(run),
    }


def _all(counts: Counter[str]) -> dict[str, int]:
    return {action: counts.get(action, 0) for action in ACTIONS}


def _unchanged(run: Run, schools: dict[int, Counter[str]]) -> dict[int, int]:
    """Active members whom the connection manages and whom this run had no reason to touch."""
    text = (
        "SELECT m.school_id, count(*) FROM people_membership m WHERE m.managed_by = %s AND m.ended_at IS NULL "
        "AND m.school_id = ANY(%s) AND NOT EXISTS (SELECT FROM runs_change c WHERE c.run_id = %s AND c.subject = 'person' "
        'AND c.subject_id = m.person_id AND c.school_id = m.school_id AND c."group" = m."group") GROUP BY 1'
    )
    return dict(query(text, [run.connection_id, list(schools), run.pk]))


def _contacts(run: Run) -> int:
    return Change.objects.filter(run=run, subject="contact").exclude(action="skip").count()


def send(mail: Mail, run: Run, clock: Callable[[], datetime]) -> None:
    """Sends one mail, if nobody else has claimed it. A mail server's refusal is kept; the run stays as it is."""
    with fenced(run):
        if not Mail.objects.filter(pk=mail.pk, claimed_at=None).update(claimed_at=clock()):
            return
    told = describe_for_mail(run, mail)
    sections = summary.body(told)
    message = EmailMultiAlternatives(summary.subject(told), summary.plain(told), to=[mail.to])
    html = render_to_string("runs/mail.html", {"subject": summary.subject(told), "sections": sections})
    message.attach_alternative(html, "text/html")
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as failed:
        log.warning("a report could not be mailed: %s", type(failed).__name__)
        Mail.objects.filter(pk=mail.pk).update(error=f"the mail server refused: {type(failed).__name__}")
        return
    Mail.objects.filter(pk=mail.pk).update(sent_at=clock())


def describe_for_mail(run: Run, mail: Mail) -> Report:
    """What a mail tells about its school."""
    kept = SchoolReport.objects.filter(run=run, school=mail.school).first()
    return Report(
        school=mail.school.name,
        state=run.state if not kept or kept.held or run.state != Run.State.HELD else Run.State.DONE,
        counts=kept.counts if kept else {},
        link=f"{address_of('campus')}{reverse('run', args=[mail.school_id, run.pk])}",
        held=_holds(kept) if kept and run.state == Run.State.HELD else [],
        waiting=waiting_by_action(run, mail.school) if kept and kept.held else {},
        causes=[causes.in_words(cause) for cause in kept.causes] if kept else [],
        incomplete_because=run.incomplete_because,
        failure=run.message,
        cure=run.error_cure,
        problems=problem_counts(run),
        settings_changed=_settings_changed(run, mail.school),
        read=[summary.read(proof) for proof in run.evidence.values()],
    )


def _settings_changed(run: Run, school: School) -> list[str]:
    """What was changed in the Sync Settings since the run before."""
    link = RosterLink.objects.filter(school=school, connection=run.connection_id).first()
    older = (
        Run.objects.filter(connection=run.connection_id, pk__lt=run.pk, dry_run=False).order_by("-pk").first()
    )
    return changed_since(link, older.started_at or older.created_at) if link and older else []


def _holds(kept: SchoolReport) -> list[str]:
    """Each hold with its numbers, and what it probably is."""
    return [
        " ".join([hold["reason"], *(causes.in_words(cause) for cause in hold.get("causes", ())[:1])])
        for hold in kept.held
    ]


def waiting_by_action(run: Run, school: School | None = None) -> dict[str, int]:
    """How many people's changes wait, by action."""
    found = waiting(run, school).filter(subject="person").exclude(action="skip")
    return dict(found.values_list("action").annotate(Count("id")).order_by("action"))


def problem_counts(run: Run) -> list[ProblemCount]:
    """A run's problems by cause, the most frequent first."""
    rows = (
        RunProblem.objects.filter(run=run)
        .values_list("code")
        .annotate(found=Sum("number"))
        .order_by("-found", "code")
    )
    counted = [(number, Problem(code, "")) for code, number in rows]
    return [ProblemCount(number, problem.message, problem.cure) for number, problem in counted]
