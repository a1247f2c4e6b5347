"""A district's data on the SIS side, kept so that serving it is joining stored bytes."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q


class Record(models.Model):
    """One object of the standard in one share, with its JSON ready in both versions (hrefs as `~/users/ID`).

    `kind` is the collection; `type` the org or session type, or the enrollment's role; `roles` a user's role words of
    1.1 and 1.2, `seats` its roles at schools as "student@SCHOOL". The references by which others are listed have columns.
    `digest` tells whether a load changed the content; `deleted` is when we learned that the record is to be deleted.
    """

    share = models.IntegerField(default=0)
    kind = models.CharField(max_length=20)
    sourced_id = models.CharField(max_length=255, db_collation="C")
    status = models.CharField(max_length=12, default="active")
    modified = models.DateTimeField()
    digest = models.BinaryField(max_length=16)
    v1p1 = models.TextField()
    v1p2 = models.TextField()
    type = models.TextField(blank=True)
    roles = ArrayField(models.TextField(), default=list)
    seats = ArrayField(models.TextField(), default=list)
    school = models.TextField(blank=True, db_collation="C")
    course = models.TextField(blank=True, db_collation="C")
    class_id = models.TextField(blank=True, db_collation="C")
    user = models.TextField(blank=True, db_collation="C")
    parent = models.TextField(blank=True, db_collation="C")
    terms = ArrayField(models.TextField(), default=list)
    deleted = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["share", "kind", "sourced_id"], name="one_object_of_an_id")
        ]
        indexes = [
            models.Index(
                fields=["share", "kind", "type", "sourced_id"], name="record_type", condition=~Q(type="")
            ),
            models.Index(
                fields=["share", "kind", "school", "sourced_id"],
                name="record_school",
                condition=~Q(school=""),
            ),
            models.Index(fields=["share", "course"], name="record_course", condition=~Q(course="")),
            models.Index(fields=["share", "class_id"], name="record_class", condition=~Q(class_id="")),
            models.Index(fields=["share", "user"], name="record_user", condition=~Q(user="")),
            models.Index(fields=["share", "kind", "modified", "sourced_id"], name="record_modified"),
            models.Index(fields=["deleted"], name="record_deleted", condition=Q(deleted__isnull=False)),
            GinIndex(fields=["seats"], name="record_seats", fastupdate=False),
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.sourced_id}"


class Total(models.Model):
    """How many records a collection has, counted once a load: kind and role, type or "" for all of the kind."""

    share = models.IntegerField(default=0)
    kind = models.CharField(max_length=20)
    subset = models.TextField(blank=True)
    count = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["share", "kind", "subset"], name="one_total_of_a_collection")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subset}: {self.count}"


class Share(models.Model):
    """What a caller is given of the data. Share 0 is all of it; every other one is kept as records of its own.

    `schools` are sourcedIds, none meaning all; `groups` the role groups shown; `hidden` the fields left out, and `retold` the
    rehearsals that change records, by their names. `revision` rises with every change, so that a client can tell whether the
    data moved while it read.
    """

    id = models.AutoField(primary_key=True)
    schools = ArrayField(models.TextField(), default=list)
    groups = ArrayField(models.TextField(), default=list)
    hidden = ArrayField(models.TextField(), default=list)
    retold = ArrayField(models.TextField(), default=list)
    revision = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"share {self.pk}"


class Naming(models.Model):
    """A user who names another as its agent, as the district's own data last told it; both are served as naming each other."""

    user = models.TextField(db_collation="C")
    agent = models.TextField(db_collation="C", db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "agent"], name="one_naming_of_an_agent")]

    def __str__(self) -> str:
        return f"{self.user} names {self.agent}"


class Part(models.Model):
    """A role or a profile of a user, as a row of its own last told it; `said` is JSON. Users have them in their records too."""

    part = models.CharField(max_length=12)  # the file without .csv: roles or userProfiles
    sourced_id = models.TextField(db_collation="C", db_index=True)
    user = models.TextField(db_collation="C", db_index=True)
    said = models.TextField()

    def __str__(self) -> str:
        return f"{self.part}/{self.sourced_id}"


class Load(models.Model):
    """One load of data: where from, what came, what was wrong with it. `problems` are grouped by code."""

    at = models.DateTimeField()
    source = models.CharField(max_length=300)
    counts = models.JSONField(default=dict)
    problems = models.JSONField(default=list)
    seconds = models.FloatField(default=0)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.source} at {self.at}"
