"""What a secured user rehearses: whose dialect its answers speak, and which faults they have."""

from typing import Optional

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, When

from homeroom.sis.secured_users.models import SecuredUser

EVERY = 3  # a fault of the wire strikes each third call, so that a client that tries again gets through


class Rehearsal(models.Model):
    """One rehearsal, from its start until it is ended. `calls` and `tokens` count since then, so that faults come in turn.

    `spared` tells that the last token will not be refused in mid-run, since the one before it was.
    """

    secured_user = models.OneToOneField(SecuredUser, models.CASCADE, related_name="rehearsal")
    dialect = models.CharField(max_length=40, blank=True)
    faults = ArrayField(models.CharField(max_length=40), default=list)
    school = models.CharField(max_length=255, blank=True)  # the one that vanishes
    seconds = models.PositiveIntegerField(default=90)  # how long a time-out takes
    since = models.DateTimeField()
    calls = models.BigIntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    calls_with_token = models.BigIntegerField(default=0)
    spared = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"rehearsal of {self.secured_user}"

    @classmethod
    def of_next_call(cls, user: int) -> Optional["Rehearsal"]:
        """The rehearsal of a secured user as its next call finds it, counted; None when there is none."""
        counted = (
            "UPDATE rehearsal_rehearsal SET calls = calls + 1, calls_with_token = calls_with_token + 1 "
            "WHERE secured_user_id = %s RETURNING *"
        )
        return next(iter(cls.objects.raw(counted, [user])), None)

    def give_token(self) -> None:
        """Counts a token that is given."""
        was_refused = When(spared=False, calls_with_token__gte=EVERY, then=True)
        Rehearsal.objects.filter(pk=self.pk).update(
            tokens=F("tokens") + 1, calls_with_token=0, spared=Case(was_refused, default=False)
        )
