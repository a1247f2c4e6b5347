"""The directory: people, where they belong, and the contacts of students."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from homeroom.campus.schools.models import District, School


class Person(models.Model):
    """One human of a district. Never deleted: a person with no active membership is archived.

    `kept_fields` names what was edited by hand and not released; `excluded` people are never touched by a sync.
    Whoever was found to be the same as another is `merged_into` them: an empty row that keeps its history.
    Ids are handed out by the sequence before the row is written, so that a plan can name people who are still to come.
    """

    district = models.ForeignKey(District, models.PROTECT, related_name="people")
    given_name = models.CharField(max_length=200, blank=True)
    family_name = models.CharField(max_length=200, blank=True)
    middle_name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=320, blank=True)
    number = models.CharField(max_length=255, blank=True)
    username = models.CharField(max_length=255, blank=True)
    phone = models.CharField(max_length=64, blank=True)
    kept_fields = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    excluded = models.BooleanField(default=False)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index("district", "number", name="person_number", condition=~Q(number="")),
            models.Index("district", Lower("email"), name="person_email", condition=~Q(email="")),
            models.Index("district", "family_name", "given_name", name="person_name"),
        ]

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}".strip() or f"person {self.pk}"


class RoleGroup(models.TextChoices):
    """The role groups of `homeroom.sync.roster`, with the labels that pages show."""

    STUDENTS = "students", "Students"
    TEACHERS = "teachers", "Teachers"
    STAFF = "staff", "Staff"
    ADMINS = "admins", "Admins"


class Membership(models.Model):
    """A person at a school in a role group. Archive ends it, Restore opens it again; the row stays.

    `managed_by` is the id of the connection that brought it or vouched for it; null for one made by hand. While its person is
    absent from complete readings, `missing_runs` counts them and `missing_since` is the first day: the grace before Archive.
    """

    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, models.PROTECT, related_name="memberships")
    school = models.ForeignKey(School, models.PROTECT, related_name="memberships")
    group = models.CharField(max_length=16, choices=RoleGroup.choices)
    grade = models.CharField(max_length=16, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by_hand = models.BooleanField(default=False)
    managed_by = models.BigIntegerField(null=True, blank=True, db_index=True)
    missing_runs = models.PositiveIntegerField(default=0, db_default=0)
    missing_since = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "school", "group"], name="one_membership_of_a_kind")
        ]
        indexes = [
            models.Index(fields=["school", "group", "ended_at"], name="membership_active"),
            models.Index(fields=["school"], name="membership_missing", condition=Q(missing_runs__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.get_group_display()} at {self.school_id}"


class Contact(models.Model):
    """A guardian: name, e-mail, phone. Siblings share one."""

    district = models.ForeignKey(District, models.PROTECT, related_name="contacts")
    given_name = models.CharField(max_length=200, blank=True)
    family_name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=320, blank=True)
    phone = models.CharField(max_length=64, blank=True)
    kept_fields = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index("district", Lower("email"), name="contact_email", condition=~Q(email=""))]

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}".strip() or f"contact {self.pk}"


class ContactLink(models.Model):
    """One contact of one student. At most one active link of a student is primary; `reason` says why it was chosen."""

    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="links")
    person = models.ForeignKey(Person, models.PROTECT, related_name="contact_links")
    position = models.PositiveSmallIntegerField(default=0)
    primary = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    managed_by = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "contact"], name="one_link_of_a_pair"),
            models.UniqueConstraint(
                fields=["person"], condition=Q(primary=True, ended_at=None), name="one_primary_contact"
            ),
        ]

    def __str__(self) -> str:
        return f"contact {self.contact_id} of person {self.person_id}"
