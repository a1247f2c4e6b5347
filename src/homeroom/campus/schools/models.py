"""Districts, their schools, and who may do what there."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class District(models.Model):
    """The unit of separation: everything carries its district, nothing joins across two."""

    name = models.CharField(max_length=200, unique=True)

    def __str__(self) -> str:
        return self.name


class School(models.Model):
    """One school of a district. Times are shown and schedules kept in its time zone."""

    district = models.ForeignKey(District, models.PROTECT, related_name="schools")
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="America/New_York")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["district", "name"], name="one_school_of_a_name")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    MANAGER = "manager", "Manager"
    DISTRICT_MANAGER = "district_manager", "District Manager"


class Grant(models.Model):
    """What one account may do: Owner or Manager of a school, or District Manager of a whole district."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="grants")
    role = models.CharField(max_length=20, choices=Role.choices)
    district = models.ForeignKey(District, models.CASCADE, related_name="grants")
    school = models.ForeignKey(School, models.CASCADE, null=True, blank=True, related_name="grants")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "role", "district", "school"],
                nulls_distinct=False,
                name="one_grant_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(role="district_manager", school__isnull=True)
                | (~Q(role="district_manager") & Q(school__isnull=False)),
                name="school_roles_name_a_school",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.school or self.district}"
