"""A connection to one SIS, each school's use of it, and what it last said of each of its records."""

from datetime import time

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from homeroom.campus.people.models import Contact, Person
from homeroom.campus.schools.models import District, School
from homeroom.sync.matching import RULES
from homeroom.web.secrets import SecretField


class Method(models.TextChoices):
    ONEROSTER_API = "oneroster_api", "OneRoster API"
    ONEROSTER_CSV = "oneroster_csv", "OneRoster CSV"


class Sis(models.TextChoices):
    """The SIS list of the set-up page. It changes the help and orders the guesses, never what is allowed."""

    AERIES = "aeries", "Aeries"
    ASPEN = "aspen", "Aspen"
    BLACKBAUD = "blackbaud", "Blackbaud"
    CLASSLINK = "classlink", "ClassLink"
    ED_FI = "ed_fi", "Ed-Fi"
    ESCHOOLDATA = "eschooldata", "eSchoolData, eSchoolPlus"
    FACTS = "facts", "FACTS"
    FOCUS = "focus", "Focus"
    GENESIS = "genesis", "Genesis"
    INFINITE_CAMPUS = "infinite_campus", "Infinite Campus"
    POWERSCHOOL = "powerschool", "PowerSchool"
    SAPPHIRE = "sapphire", "Sapphire"
    SCHOOLTOOL = "schooltool", "SchoolTool"
    SKYWARD = "skyward", "Skyward"
    SKYWARD_QMLATIV = "skyward_qmlativ", "Skyward Qmlativ"
    SYNERGY = "synergy", "Synergy"
    OTHER = "other", "Other"


def default_matching() -> list[str]:
    """Number first, then e-mail."""
    return [rule.value for rule in RULES]


class Connection(models.Model):
    """Address, credentials and dialect profile of one SIS; belongs to a district.

    `enabled` is "Enable automatic rostering"; `next_run_at` is the moment the schedule waits for.
    `profile` is what was learnt of the server, plain JSON. `plain_http_host` is the one host to which an owner let key, secret
    and people go over plain http; the consent falls when the address names another. `matching` are the signs by which a
    record without a link may recognise a person, in order (`homeroom.sync.matching.Rule`). `births` lets birth dates be one
    more sign; `births_owed` = records that the last complete reading had may have no mark of theirs yet, `births_key` names
    the key under which the marks were made.
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
    plain_http_host = models.CharField(max_length=255, blank=True)
    profile = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=False)
    sync_time = models.TimeField(default=time(2, 0))  # local to its schools
    next_run_at = models.DateTimeField(null=True, blank=True, db_index=True)
    matching = ArrayField(models.CharField(max_length=16), default=default_matching, blank=True)
    births = models.BooleanField(default=False)
    births_owed = models.BooleanField(default=True)
    births_key = models.BinaryField(max_length=16, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.get_sis_display()} of {self.district}"


class CsvPlace(models.Model):
    """Where the OneRoster CSV set of a connection lies, and when the set that was read last was made.

    `folder` is below the directory that the administrator set, unless `by_administrator`: then it is any of this machine,
    named on the command line. `host_key` is the server's key, kept when it was first met. `whole` = an owner said that every
    export holds everybody, though no manifest says so.
    """

    class Kind(models.TextChoices):
        UPLOAD = "upload", "Uploaded here"
        FOLDER = "folder", "A folder of the server"
        SFTP = "sftp", "SFTP"

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="csv_place")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.UPLOAD)
    folder = models.CharField(max_length=1000, blank=True)
    by_administrator = models.BooleanField(default=False)
    uploaded_as = models.CharField(max_length=255, blank=True)
    uploaded_at = models.DateTimeField(null=True, blank=True)
    host = models.CharField(max_length=255, blank=True)
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=255, blank=True)
    password = SecretField(blank=True, default="")
    private_key = SecretField(blank=True, default="")
    host_key = models.TextField(blank=True)
    path = models.CharField(max_length=1000, blank=True)
    whole = models.BooleanField(default=False)
    checked = models.JSONField(
        default=dict, blank=True
    )  # what the checker said of the upload, by file and cause
    read_made = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.get_kind_display()


class RosterLink(models.Model):
    """One school's use of a connection: which School ID, what policy, whom to tell.

    `school_id_typed` is what the owner typed, `org` the sourcedId it was resolved to.
    `policy` is `homeroom.sync.rules.Policy` as JSON, `test` the last answer of Test Connection or the one that is coming in.
    """

    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="links")
    school = models.OneToOneField(School, models.PROTECT, related_name="roster_link")
    school_id_typed = models.CharField(max_length=255, blank=True)
    org = models.CharField(max_length=255, blank=True)
    org_name = models.CharField(max_length=255, blank=True)
    policy = models.JSONField(default=dict, blank=True)
    notify = ArrayField(models.EmailField(), default=list, blank=True)
    test = models.JSONField(default=dict, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.school} as {self.org or self.school_id_typed}"


class SettingsVersion(models.Model):
    """The sync settings of a school as somebody saved them: `words` sets all of them again, `changed` maps the names that
    changed to (before, after). Number 0 is as they were before the first change. `by` is null for the command line."""

    link = models.ForeignKey(RosterLink, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    words = models.JSONField(default=dict)
    changed = models.JSONField(default=dict)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link", "number"], name="one_version_of_a_number")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"settings {self.number} of {self.link}"


class SourceRecord(models.Model):
    """What a connection last said of one sourcedId, and whom it means.

    `fingerprint` is xxh3-128 of the record's bytes as last carried out, `decided_under` the policy (and key) it was
    carried out under: both equal tonight means nothing to do. `gone` = the source no longer has it, and that was dealt with.
    `verdict` says in words why a record was let through or not. `raw` is kept only for people and contacts of ours
    and for guardians, never for people whom no rule lets through: of these `bare` keeps what rules look at (roles, grade), as
    msgpack, so that a change of the settings can be counted before it is saved. `orgs` are those of ours that it has a role at.
    `sought` are keyed hashes of the words of name, number and e-mail (`homeroom.campus.runs.sought`): enough to find a record by
    for somebody who knows whom they seek; nothing to be read, nor to be guessed without the key. `birth` is a mark of a student's
    birth date (`connections.births`), empty where the SIS has none, null where it was not asked.
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
    bare = models.BinaryField(null=True)
    orgs = ArrayField(models.TextField(), default=list)
    seen_at = models.DateTimeField(null=True)  # when it last said something new, or was found gone
    sought = ArrayField(models.BigIntegerField(), default=list)
    birth = models.BinaryField(max_length=16, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "sourced_id"], name="one_record_of_an_id")
        ]
        indexes = [GinIndex(fields=["agents"], name="record_agents", fastupdate=False)]

    def __str__(self) -> str:
        return self.sourced_id
