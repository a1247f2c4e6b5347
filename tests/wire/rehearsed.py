"""What comes of a full sync against each rehearsal of the SIS side: its dialects and its faults, by their names there.

The tests try every row, and that every dialect and fault there has one; docs/reliability.md shows them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """Whether the reading is complete, and words of the reason when it is not; `failed` = nothing could be read at all, `held` =
    a person is asked."""

    complete: bool = True
    why: str = ""
    failed: bool = False
    held: bool = False


ALL = Outcome()
FAULTS = {
    "expired_secret": Outcome(False, "does not accept the API Key and Client Secret", failed=True),
    "token_ends": ALL,
    "too_many_seconds": ALL,
    "too_many_date": ALL,
    "too_many_silent": ALL,
    "server_errors": ALL,
    "time_outs": ALL,
    "half_pages": ALL,
    "html": ALL,
    "cut_json": ALL,
    "odd_records": ALL,
    "wrong_totals": Outcome(False, "claims"),
    "short_totals": Outcome(False, "claims"),
    "moving_rows": Outcome(False, "came twice"),
    "empty_lists": Outcome(False, "sent no people at all"),
    "vanished_school": Outcome(False, "is not in the SIS's list"),
    "last_year": ALL,
    "rekeyed": Outcome(False, "the ids of many people are new, as after a re-key", held=True),
}
# Everybody of the school comes in, by the address that the dialect is known by; so often as the SIS has records of them.
DIALECTS = (
    *(
        "skyward_sms",
        "skyward_qmlativ",
        "classlink",
        "classlink_proxy",
        "infinite_campus",
        "infinite_campus_1_1",
    ),
    *("powerschool", "aeries", "ed_fi"),
)
