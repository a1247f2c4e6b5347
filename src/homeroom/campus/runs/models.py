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

    PREVIEW = "preview"  # the kind of what settings would do if they were saved: never carried out

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting to start"
        RUNNING = "running", "Running"
        PLANNED = "planned", "Planned, nothing carried out"
        HELD = "held", "Held: changes wait for a person"
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
    people = ArrayField(models.BigIntegerField(), null=True)  # an undo of what was done to these
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
    incomplete_because = models.TextField(blank=True)  # of a preview: what it could not count
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

    @property
    def under_way(self) -> bool:
        """Whether somebody works on it or is to; a preview has no worker, and is counted until it has finished."""
        counted = self.kind == self.PREVIEW and self.finished_at is None
        return counted or self.state in (self.State.QUEUED, self.State.RUNNING)


class SchoolReport(models.Model):
    """A run's part at one school: its counts, what is held and why, what a failed reading looks like (`causes`), and the
    fingerprint of the school's own rule, so that an approval under other settings can be refused."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="schools")
    school = models.ForeignKey(School, models.PROTECT, related_name="reports")
    counts = models.JSONField(default=dict, blank=True)
    held = models.JSONField(
        default=list, blank=True
    )  # [{group, action, count, of, percent, reason, causes: [{code, says, next}]}]
    causes = models.JSONField(default=list, blank=True)
    policy = models.BinaryField(max_length=16, null=True)

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
    turns = models.BigIntegerField(null=True)  # in an undo: the change that this one turns round
    state = models.CharField(max_length=16)
    left_out = models.BooleanField(
        default=False, db_default=False
    )  # waits, and the next approval passes it by
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["run", "state", "id"], name="change_of_run"),
            models.Index(fields=["subject", "subject_id", "id"], name="change_of_person"),
            models.Index(
                fields=["district", "decided_at"], name="change_by_hand", condition=models.Q(run=None)
            ),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.action} {self.subject} {self.subject_id}"


class Approval(models.Model):
    """The first of two approvals of one school's part of a run. `digest` names what was left out of it: another selection
    needs two approvals of its own. `by` is null for the command line."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="approvals")
    school = models.ForeignKey(School, models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    at = models.DateTimeField()
    removals = models.BigIntegerField()
    digest = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "school"], name="one_first_approval_of_a_school")
        ]

    def __str__(self) -> str:
        return f"{self.by or 'the command line'} approved {self.run} at {self.school_id}"


class RunProblem(models.Model):
    """A problem that a run met, as `homeroom.problems.Problem`; `school` when it concerns one.

    `number` above 1: a row for so many records with the same cause, of which only the first have rows of their own.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="problems")
    school = models.ForeignKey(School, models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=64)
    where = models.CharField(max_length=64)
    sourced_id = models.CharField(max_length=255, blank=True)
    field = models.CharField(max_length=64, blank=True)
    detail = models.TextField(blank=True)
    number = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.code} {self.sourced_id}"


class ChangedRecord(models.Model):
    """The very bytes that the source sent of a record of which a run made changes: kept with them, as their proof."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="+")
    sourced_id = models.CharField(max_length=255, db_collation="C")
    raw = models.BinaryField()
    verdict = models.CharField(max_length=300, blank=True)  # what the rules of that run made of it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "sourced_id"], name="one_changed_record_of_an_id")
        ]
        indexes = [models.Index(fields=["sourced_id", "run"], name="versions_of_a_record")]

    def __str__(self) -> str:
        return f"{self.sourced_id} as {self.run} read it"


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
    outcome is decided, so that the same bytes need not be looked at again. `sought` as in `SourceRecord`;
    `birth` is the mark of a birth date that this run asked for.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="+", db_constraint=False)
    sourced_id = models.CharField(max_length=255, db_collation="C")
    fingerprint = models.BinaryField(max_length=16, null=True)
    raw = models.BinaryField(null=True)
    facts = models.BinaryField(null=True)
    bare = models.BinaryField(null=True)
    orgs = ArrayField(models.TextField(), default=list)
    number = models.TextField(blank=True)
    email = models.TextField(blank=True)
    name = models.TextField(
        blank=True
    )  # given and family name in lower case, a tab between: beside a sign, for a re-key
    student = models.BooleanField(default=False)  # by its role words, wherever it stands
    member = models.BooleanField(default=False)
    guardian = models.BooleanField(default=False)
    absent = models.BooleanField(default=False)
    places = ArrayField(models.TextField(), default=list)
    agents = ArrayField(models.TextField(), default=list)
    verdict = models.CharField(max_length=300, blank=True)
    person_id = models.BigIntegerField(null=True)
    final = models.BooleanField(default=True)
    sought = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    birth = models.BinaryField(max_length=16, null=True)

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


class Unseen(models.Model):
    """A known record that a reading did not show, where that proves nothing yet: a school is missing. Unlogged; gone after the run."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="+", db_constraint=False)
    sourced_id = models.CharField(max_length=255, db_collation="C")

    class Meta:
        indexes = [models.Index(fields=["run", "sourced_id"], name="unseen_of_run")]

    def __str__(self) -> str:
        return self.sourced_id


class Rekey(models.Model):
    """A re-key that a run recognised, at one school: the evidence in numbers, as `homeroom.sync.rekey.Rekeyed`. Its people and
    contacts are the run's changes of action "relink". `org_after` is the school's own new id, empty where it kept the old."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="rekeys")
    school = models.ForeignKey(School, models.PROTECT, related_name="+")
    org_before = models.CharField(max_length=255, blank=True)
    org_after = models.CharField(max_length=255, blank=True)
    org_name = models.CharField(max_length=255, blank=True)
    people = models.BigIntegerField(default=0)
    sure = models.BigIntegerField(default=0)
    contacts = models.BigIntegerField(default=0)
    gone = models.BigIntegerField(default=0)
    born = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "school"], name="one_rekey_of_a_school")]

    def __str__(self) -> str:
        return f"re-key at {self.school_id}"


class MatchReview(models.Model):
    """A record that might mean somebody of the directory, and only a person can tell: asked once, the answer remembered.

    `facts` is the fingerprint of what the question stands on (`homeroom.sync.matching.facts`): other facts ask again.
    `said` is what the SIS says of the record; `rivals` are those it might mean: [{key, person, signs}]; `chosen` is the key
    of the one that a person said it is. `schools` are those at which the record would stand, whose owners are asked.
    """

    class State(models.TextChoices):
        OPEN = "open", "Waits for a decision"
        SAME = "same", "Same person"
        DIFFERENT = "different", "Different people"
        IGNORE = "ignore", "Ignored"
        MOOT = "moot", "No longer a question"

    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="reviews")
    sourced_id = models.CharField(max_length=255, db_collation="C")
    facts = models.BinaryField(max_length=16)
    why = models.CharField(max_length=300)
    said = models.JSONField(default=dict)
    schools = ArrayField(models.BigIntegerField(), default=list)
    rivals = models.JSONField(default=list)
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    chosen = models.CharField(max_length=300, blank=True)
    run = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="+")  # the last that asked
    asked_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "sourced_id"], name="one_review_of_a_record")
        ]

    def __str__(self) -> str:
        return f"whom {self.sourced_id} means"
