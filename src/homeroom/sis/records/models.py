"""A district's data on the SIS side, kept so that serving it is joining stored bytes."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q


class Record(models.Model):
    """One object of the standard, with its JSON ready in both versions (hrefs as `~/users/ID`).

    `kind` is the collection; `type` the org or session type, or the enrollment's role; `roles` a user's role words of
    1.1 and 1.2, `seats` its roles at schools as "student@SCHOOL". The references by which others are listed have columns.
    `digest` tells whether a load changed the content.
    """

    kind = models.CharField(max_length=20)
    sourced_id = models.CharField(max_length=255, db_collation="C")
    status = models.CharField(max_length=12, default="active")
    modified = models.DateTimeField()
    digest = models.BinaryField(max_length=16)
    v1p1 = models.TextField()
    v1p2 = models.TextField()
    type = models.CharField(max_length=40, blank=True)
    roles = ArrayField(models.TextField(), default=list)
    seats = ArrayField(models.TextField(), default=list)
    school = models.TextField(blank=True, db_collation="C")
    course = models.TextField(blank=True, db_collation="C")
    class_id = models.TextField(blank=True, db_collation="C")
    user = models.TextField(blank=True, db_collation="C")
    parent = models.TextField(blank=True, db_collation="C")
    terms = ArrayField(models.TextField(), default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "sourced_id"], name="one_object_of_an_id")]
        indexes = [
            models.Index(fields=["kind", "type", "sourced_id"], name="record_type", condition=~Q(type="")),
            models.Index(
                fields=["kind", "school", "sourced_id"], name="record_school", condition=~Q(school="")
            ),
            models.Index(fields=["course"], name="record_course", condition=~Q(course="")),
            models.Index(fields=["class_id"], name="record_class", condition=~Q(class_id="")),
            models.Index(fields=["user"], name="record_user", condition=~Q(user="")),
            models.Index(fields=["kind", "modified", "sourced_id"], name="record_modified"),
            GinIndex(fields=["seats"], name="record_seats", fastupdate=False),
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.sourced_id}"


class Total(models.Model):
    """How many records a collection has, counted once a load: kind and role, type or "" for all of the kind."""

    kind = models.CharField(max_length=20)
    subset = models.CharField(max_length=40, blank=True)
    count = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subset"], name="one_total_of_a_subset")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subset}: {self.count}"


class Revision(models.Model):
    """One row: a number that every change of the data raises, so that a client can tell whether it moved while it read."""

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"revision {self.number}"


class Milestone(models.Model):
    """Every thousandth record of a collection in order of sourcedId, so that a page far down is found without walking there.

    `subset` as in `Total`; `position` counts from 0.
    """

    kind = models.CharField(max_length=20)
    subset = models.CharField(max_length=40, blank=True)
    position = models.BigIntegerField()
    sourced_id = models.CharField(max_length=255, db_collation="C")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "subset", "position"], name="one_milestone_of_a_place")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subset} {self.position}"


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
