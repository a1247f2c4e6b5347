"""A run: one sync of a connection, from reading to mail, with its plan, its problems and its proof."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from homeroom.campus.connections.models import Connection
from homeroom.campus.schools.models import District, School


class Run(models.Model):
    """One sync. `step` is how far it got, so that the next start goes on from there; `fence` is a number that each
    worker who takes the run raises, and every write checks: one that was only frozen writes no more."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting to start"
        RUNNING = "running", "Running"
        PLANNED = "planned", "Planned, nothing carried out"
        HELD = "held", "Held: removals wait for a person"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class Step(models.TextChoices):
        READ = "read", "Reading"
        PLAN = "plan", "Planning"
        APPLY = "apply", "Carrying out"
        SETTLE = "settle", "Remembering"
        REPORT = "report", "Reporting"
        END = "end", "Ended"

    district = models.ForeignKey(District, models.PROTECT, related_name="runs")
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=16, default="nightly")  # nightly, by hand, dry run
    undoes = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="undone_by"
    )  # kind "undo": which run
    school = models.ForeignKey(
        School, models.PROTECT, null=True, related_name="+"
    )  # an undo of one school's part
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    dry_run = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    step = models.CharField(max_length=16, choices=Step.choices, default=Step.READ)
    fence = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)  # the last sign of life of the worker who has it
    finished_at = models.DateTimeField(null=True)
    complete = models.BooleanField(default=False)
    incomplete_because = models.TextField(blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    policy = models.BinaryField(max_length=16, null=True)  # fingerprint of the rules it decided under
    counts = models.JSONField(default=dict, blank=True)  # by action, for the whole run
    progress = models.JSONField(default=dict, blank=True)
    unchanged = models.BigIntegerField(default=0)  # records that the sieve let fall
    message = models.TextField(blank=True)  # why it failed, and what to do
    error_cure = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"run {self.pk}"


class SchoolReport(models.Model):
    """A run's part at one school: its counts, what is held and why."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="schools")
    school = models.ForeignKey(School, models.PROTECT, related_name="reports")
    counts = models.JSONField(default=dict, blank=True)
    held = models.JSONField(default=list, blank=True)  # [{group, count, of, percent, reason}]

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "school"], name="one_report_of_a_school")]

    def __str__(self) -> str:
        return f"{self.run} at {self.school_id}"


class Change(models.Model):
    """A row of the plan, and afterwards of history: `homeroom.sync.changes.Change` with its state.

    `subject_id` names a person or a contact without a foreign key, since an Add names somebody still to come.
    """

    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="changes")  # null: made by hand
    school = models.ForeignKey(School, models.PROTECT, null=True, related_name="+")
    group = models.CharField(max_length=16, blank=True)
    action = models.CharField(max_length=16)
    subject = models.CharField(max_length=8)
    subject_id = models.BigIntegerField()
    sourced_id = models.CharField(max_length=255, db_collation="C")
    fields = models.JSONField(default=dict)
    reason = models.CharField(max_length=500)
    new = models.BooleanField(default=False)
    state = models.CharField(max_length=16)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["run", "state", "id"], name="change_of_run"),
            models.Index(fields=["subject", "subject_id", "id"], name="change_of_person"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.action} {self.subject} {self.subject_id}"


class RunProblem(models.Model):
    """A problem that a run met, as `homeroom.problems.Problem`; `school` when it concerns one."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="problems")
    school = models.ForeignKey(School, models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=64)
    where = models.CharField(max_length=64)
    sourced_id = models.CharField(max_length=255, blank=True)
    field = models.CharField(max_length=64, blank=True)
    detail = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.code} {self.sourced_id}"


class Mail(models.Model):
    """A report to be mailed for one school of a run. Claimed before it is sent: never twice, at worst not at all."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="mails")
    school = models.ForeignKey(School, models.PROTECT, related_name="+")
    to = models.EmailField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "school", "to"], name="one_mail_of_a_kind")]

    def __str__(self) -> str:
        return f"mail of {self.run}"


class Staged(models.Model):
    """A record that a run must decide on: new, changed, gone, or drawn in by its family. Unlogged; gone after the run.

    `facts` is `homeroom.sync.roster.SourcePerson` as msgpack, null when nothing could be understood. `final` = its
    outcome is decided, so that the same bytes need not be looked at again.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="+", db_constraint=False)
    sourced_id = models.CharField(max_length=255, db_collation="C")
    fingerprint = models.BinaryField(max_length=16, null=True)
    raw = models.BinaryField(null=True)
    facts = models.BinaryField(null=True)
    number = models.TextField(blank=True)
    email = models.TextField(blank=True)
    student = models.BooleanField(default=False)
    guardian = models.BooleanField(default=False)
    absent = models.BooleanField(default=False)
    places = ArrayField(models.TextField(), default=list)
    agents = ArrayField(models.TextField(), default=list)
    verdict = models.CharField(max_length=300, blank=True)
    person_id = models.BigIntegerField(null=True)
    final = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "sourced_id"], name="one_staged_of_an_id")]

    def __str__(self) -> str:
        return self.sourced_id


class StagedLink(models.Model):
    """Who names whom as agent, among the staged records. Unlogged; gone after the run."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="+", db_constraint=False)
    teller = models.CharField(max_length=255, db_collation="C")
    told = models.CharField(max_length=255, db_collation="C")

    class Meta:
        indexes = [models.Index(fields=["run", "told"], name="staged_told")]

    def __str__(self) -> str:
        return f"{self.teller} names {self.told}"
