"""What a secured user rehearses: whose dialect its answers speak, and which faults they have."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from homeroom.sis.secured_users.models import SecuredUser


class Rehearsal(models.Model):
    """One rehearsal, from its start until it is ended. `calls` and `tokens` count since then, so that faults come in turn."""

    secured_user = models.OneToOneField(SecuredUser, models.CASCADE, related_name="rehearsal")
    dialect = models.CharField(max_length=40, blank=True)
    faults = ArrayField(models.CharField(max_length=40), default=list)
    school = models.CharField(max_length=255, blank=True)  # the one that vanishes
    seconds = models.PositiveIntegerField(default=90)  # how long a time-out takes
    since = models.DateTimeField()
    calls = models.BigIntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    calls_with_token = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"rehearsal of {self.secured_user}"
