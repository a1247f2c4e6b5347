"""Who may call the OneRoster API, and with what: secured users, their keys, the tokens these were given."""

from django.db import models

from homeroom.web.secrets import SecretField


class SecuredUser(models.Model):
    """An organisation or person that was let in. It needs no permission but to be active; it has no password."""

    class Kind(models.TextChoices):
        ORGANIZATION = "organization", "Organization"
        PERSON = "person", "Person"

    name = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.ORGANIZATION)
    active = models.BooleanField(default=True)
    address = models.CharField(max_length=500, blank=True)
    contact_name = models.CharField(max_length=200, blank=True)
    contact_phone = models.CharField(max_length=64, blank=True)
    contact_email = models.EmailField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    share = models.IntegerField(default=0)  # which share of the records it is given; 0 is all of them

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Key(models.Model):
    """A key and its secret. `ends_at` is set when a newer one takes its place, at once or after an overlap."""

    secured_user = models.ForeignKey(SecuredUser, models.CASCADE, related_name="keys")
    key = models.CharField(max_length=64, unique=True)
    secret = SecretField()
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    calls = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"key of {self.secured_user}"


class Token(models.Model):
    """A bearer token, kept as the hash of it. `scopes` are short names separated by spaces."""

    hash = models.BinaryField(max_length=32, unique=True)
    key = models.ForeignKey(Key, models.CASCADE, related_name="tokens")
    scopes = models.TextField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"token of {self.key_id}"


class Fetch(models.Model):
    """What a secured user fetched in one hour by one kind of call: calls, records and bytes. It names no person.

    `call` is the version and the operation with the names of what was asked for, without values: "1.1 /users filter=status sort=sourcedId".
    """

    secured_user = models.ForeignKey(SecuredUser, models.CASCADE, related_name="fetches")
    hour = models.DateTimeField()
    call = models.CharField(max_length=200)
    status = models.IntegerField()
    calls = models.BigIntegerField(default=0)
    records = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-hour", "-last_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["secured_user", "hour", "call", "status"], name="one_fetch_a_call_an_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.call} by {self.secured_user}"


class Nonce(models.Model):
    """A nonce of a signed request, kept while that request could be sent again."""

    client_key = models.CharField(max_length=64)
    nonce = models.CharField(max_length=255)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_key", "nonce", "at"], name="one_use_of_a_nonce")
        ]

    def __str__(self) -> str:
        return f"nonce of {self.client_key}"
