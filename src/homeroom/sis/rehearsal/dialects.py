"""How the servers of the field differ from the standard, a row each, as far as there is evidence of it.

A dialect is what a client meets on the wire (addresses, credentials, paging, headers) and how records are kept (`retold`).
"""

import re
from dataclasses import dataclass

from homeroom.oneroster.endpoints import V1P1, V1P2


@dataclass(frozen=True, slots=True)
class Dialect:
    """One SIS as its clients know it. What is not said is as the standard says."""

    label: str
    says: str  # what is different, for people
    prefix: str = ""  # before /ims/oneroster, as a pattern
    segment: str = (
        ""  # the only version segment answered: "v1p1", "v1p2" or "rostering/v1p2"; "" for every one
    )
    token: str = ""  # the only address of tokens, as a pattern; "" for every one
    versions: tuple[str, ...] = (V1P1, V1P2)
    signed: bool = False  # OAuth 1.0a and no tokens
    needs_scope: bool = False
    cookie: bool = False
    largest: int = 10_000  # pages are cut to this, and nothing says so
    counts: bool = True
    links: bool = True
    refused: tuple[str, ...] = ()  # operations that are 404
    only_active: bool = False
    nulls: tuple[str, ...] = ()  # fields that are null where others leave them out
    blanks: tuple[str, ...] = ()  # fields that are "" where others leave them out
    tilde: bool = False  # hrefs begin with ~/
    retold: tuple[str, ...] = ()

    def addresses(self, root: str) -> dict[str, str]:
        """What an administrator of this SIS would type into the app, with words of our own where it has some of its own."""
        segment = re.sub(r"\[(.)[^\]]*\]", r"\1", self.segment) or "v1p1"
        said = {"OneRoster API URL": f"{root}{_instance(self.prefix)}/ims/oneroster/{segment}"}
        return said if self.signed else said | {"Token URL": root + (_instance(self.token) or "/oauth/token")}


def _instance(pattern: str) -> str:
    """An address that a pattern of ours matches."""
    return re.sub(r"\(([^)]*)\)\?|\[[^\]]*\]\+", lambda found: found[1] or "district", pattern)


_OF_SCHOOL = (
    *("getClassesForSchool", "getCoursesForSchool", "getEnrollmentsForSchool", "getStudentsForSchool"),
    *("getTeachersForSchool", "getTermsForSchool", "getEnrollmentsForClassInSchool"),
    *("getStudentsForClassInSchool", "getTeachersForClassInSchool"),
)
_CAMPUS = r"/campus/api/oneroster/v1p2/[^/]+"

DIALECTS: dict[str, Dialect] = {
    "skyward_sms": Dialect(
        "Skyward SMS 2.0",
        "OneRoster 1.1 below /api; no totals and no links, so the end is a page that is not full.",
        prefix="/api",
        segment="v1p1",
        versions=(V1P1,),
        counts=False,
        links=False,
    ),
    "skyward_qmlativ": Dialect(
        "Skyward Qmlativ",
        "1.2 without /rostering/ in its address; tokens below an integration key; no totals and no links.",
        segment="v1p[12]",
        token=r"/[\w-]+/oauth/token",  # noqa: S106 # an address
        counts=False,
        links=False,
    ),
    "classlink": Dialect(
        "ClassLink",
        "1.1, each call signed with OAuth 1.0a; empty texts for phone numbers; no guardians.",
        segment="v1p1",
        versions=(V1P1,),
        signed=True,
        blanks=("sms", "phone"),
        retold=("without_guardians",),
    ),
    "infinite_campus": Dialect(
        "Infinite Campus",
        "1.2 below /campus/api/oneroster/v1p2/APP; tokens at /campus/oauth2/token?appName=APP; links but no totals; "
        "the id of the older version in metadata.",
        prefix=_CAMPUS,
        segment="rostering/v1p2",
        token="/campus/oauth2/token",  # noqa: S106
        versions=(V1P2,),
        counts=False,
        retold=("legacy_ids",),
    ),
    "powerschool": Dialect(
        "PowerSchool SIS",
        "1.1 below /api; tokens at /oauth/access_token; pages cut to 1,000 without a word; ids with a blank behind them; "
        "staff once for each school.",
        prefix="/api",
        segment="v1p1",
        token="(/api)?/oauth/access_token",  # noqa: S106
        versions=(V1P1,),
        largest=1000,
        links=False,
        retold=("staff_a_record_a_school", "padded"),
    ),
    "aeries": Dialect(
        "Aeries",
        "1.1 below /aeries; tokens at /aeries/token, with a scope and a cookie that every call must bring back; null for what is "
        "not known; no classes, courses or terms by school; hrefs that lead nowhere; teachers' ids begin with TCH_; no guardians.",
        prefix="/aeries",
        segment="v1p1",
        token="/aeries/token",  # noqa: S106
        versions=(V1P1,),
        needs_scope=True,
        cookie=True,
        refused=("getClassesForSchool", "getCoursesForSchool", "getTermsForSchool", "getClassesForStudent"),
        nulls=("identifier", "parent", "metadata"),
        tilde=True,
        retold=("without_guardians", "prefixed_staff"),
    ),
    "ed_fi": Dialect(
        "Ed-Fi",
        "1.2; pages cut to 500 without a word, no totals, no links; nothing by school; one user for each person and school, "
        "agents null, nobody ever tobedeleted.",
        segment="rostering/v1p2",
        versions=(V1P2,),
        largest=500,
        counts=False,
        links=False,
        refused=_OF_SCHOOL,
        only_active=True,
        nulls=("agents",),
        retold=("a_record_a_school",),
    ),
}
