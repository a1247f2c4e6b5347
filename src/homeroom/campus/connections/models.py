"""A connection to one SIS, each school's use of it, and what it last said of each of its records."""

from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from homeroom.campus.people.models import Contact, Person
from homeroom.campus.schools.models import District, School
from homeroom.web.secrets import SecretField


class Method(models.TextChoices):
    ONEROSTER_API = "oneroster_api", "OneRoster API"
    ONEROSTER_CSV = "oneroster_csv", "OneRoster CSV"


class Sis(models.TextChoices):
    """The SIS list of the set-up page. It changes the help and orders the guesses, never what is allowed."""

    AERIES = "aeries", "Aeries"
    BLACKBAUD = "blackbaud", "Blackbaud"
    CLASSLINK = "classlink", "ClassLink"
    GENESIS = "genesis", "Genesis"
    INFINITE_CAMPUS = "infinite_campus", "Infinite Campus"
    POWERSCHOOL = "powerschool", "PowerSchool"
    SKYWARD = "skyward", "Skyward"
    SYNERGY = "synergy", "Synergy"
    OTHER = "other", "Other"


class Connection(models.Model):
    """Address, credentials and dialect profile of one SIS; belongs to a district.

    `enabled` is "Enable automatic rostering"; `next_run_at` is the moment the schedule waits for.
    `profile` is what Test Connection learnt, `test` its last answer, both plain JSON.
    """

    district = models.ForeignKey(District, models.PROTECT, related_name="connections")
    method = models.CharField(max_length=20, choices=Method.choices, default=Method.ONEROSTER_API)
    sis = models.CharField(max_length=20, choices=Sis.choices, default=Sis.OTHER)
    url = models.CharField(max_length=1000, blank=True)
    key = models.CharField(max_length=500, blank=True)
    secret = SecretField(blank=True, default="")
    secret_set_at = models.DateTimeField(null=True, blank=True)
    token_url = models.CharField(max_length=1000, blank=True)
    ca_certificates = models.TextField(
        blank=True
    )  # PEM text, for an SIS with a certificate of its own making
    profile = models.JSONField(default=dict, blank=True)
    test = models.JSONField(default=dict, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=False)
    sync_time = models.TimeField(default=time(2, 0))  # local to its schools
    next_run_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.get_sis_display()} of {self.district}"


class RosterLink(models.Model):
    """One school's use of a connection: which School ID, what policy, whom to tell.

    `school_id_typed` is what the owner typed, `org` the sourcedId it was resolved to.
    `policy` is `homeroom.sync.rules.Policy` as JSON.
    """

    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="links")
    school = models.OneToOneField(School, models.PROTECT, related_name="roster_link")
    school_id_typed = models.CharField(max_length=255, blank=True)
    org = models.CharField(max_length=255, blank=True)
    org_name = models.CharField(max_length=255, blank=True)
    policy = models.JSONField(default=dict, blank=True)
    notify = ArrayField(models.EmailField(), default=list, blank=True)

    def __str__(self) -> str:
        return f"{self.school} as {self.org or self.school_id_typed}"


class SourceRecord(models.Model):
    """What a connection last said of one sourcedId, and whom it means.

    `fingerprint` is xxh3-128 of the record's bytes as last carried out, `decided_under` the policy fingerprint it was
    carried out under: both equal tonight means nothing to do. `gone` = the source no longer has it, and that was dealt with.
    `verdict` says in words why a record was let through or not. `raw` is kept only for people and contacts of ours
    and for guardians, never for people whom no rule lets through.
    """

    # No index of its own: the constraint below begins with it, and a second one only misleads the planner.
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="records", db_index=False)
    sourced_id = models.CharField(max_length=255, db_collation="C")
    fingerprint = models.BinaryField(max_length=16, null=True)
    decided_under = models.BinaryField(max_length=16, null=True)
    gone = models.BooleanField(default=False)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="source_records")
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, related_name="source_records")
    verdict = models.CharField(max_length=300, blank=True)
    places = ArrayField(models.TextField(), default=list)  # "school:group" it stands for
    agents = ArrayField(models.TextField(), default=list)  # sourcedIds it names as agents
    raw = models.BinaryField(null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "sourced_id"], name="one_record_of_an_id")
        ]
        indexes = [GinIndex(fields=["agents"], name="record_agents", fastupdate=False)]

    def __str__(self) -> str:
        return self.sourced_id
