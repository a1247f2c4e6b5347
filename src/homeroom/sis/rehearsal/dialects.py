"""How the servers of the field differ from the standard, a row each, as far as there is evidence of it.

A dialect is what a client meets on the wire (addresses, credentials, paging, headers) and how people are kept (`retold`).
docs/rehearsal.md says for each what is rehearsed and what is not known.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from homeroom.oneroster.endpoints import ENDPOINTS, V1P1, V1P2


class Auth(StrEnum):
    """How a client shows who it is: by a token of the token service, by signing each call, or by a bearer that never changes."""

    TOKEN = "token"  # noqa: S105
    SIGNED = "signed"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One SIS as its clients know it. What is not said is as the standard says.

    `shown` is the path of the address on the SIS's own screens, `base` that of the API, `token` that of the tokens; `prefix`
    (before /ims/oneroster), `segment` (after it) and `tokens` are patterns of what is answered, where there is more than one.
    """

    label: str
    says: str  # what is different, for people
    shown: str
    base: str
    token: str
    versions: tuple[str, ...]
    prefix: str = ""
    segment: str = ""
    tokens: str = ""
    token_parameter: str = ""  # in the query of the address of tokens, without which there is none
    auth: Auth = Auth.TOKEN
    basic: bool = False  # key and secret are taken from a Basic header alone
    needs_scope: bool = False
    cookie: bool = False
    seconds: int = 3600  # that a token lives
    largest: int = 10_000  # pages are cut to this, and nothing says so
    totals: bool = True
    links: bool = True
    page_counts: bool = False  # X-Count
    revision: bool = False  # X-Perm-Rev
    refused: frozenset[str] = frozenset()  # operations that are 404
    once_each: bool = False  # a parameter that comes twice is 400
    filterable: dict[str, str] = field(default_factory=dict)  # kinds to the only fields that may be filtered
    emptied: dict[str, tuple[str, ...]] = field(default_factory=dict)  # kinds to fields that are always null
    nulls: tuple[str, ...] = ()  # fields that are null where others leave them out
    blanks: tuple[str, ...] = ()  # fields that are "" where others leave them out
    tilde: bool = False  # hrefs begin with ~/
    retold: tuple[str, ...] = ()

    @property
    def before(self) -> str:
        """The pattern of what stands before /ims/oneroster."""
        return self.prefix or re.escape(self.base.partition("/ims/oneroster")[0])

    @property
    def after(self) -> str:
        """The pattern of the version's segment."""
        return self.segment or re.escape(self.base.partition("/ims/oneroster/")[2])

    @property
    def token_path(self) -> str:
        """The pattern of the address of tokens; nothing where there are none."""
        return self.tokens or re.escape(self.token.partition("?")[0])

    def addresses(self, site: str) -> dict[str, str]:
        """What an administrator of this SIS types into the app: by its screens, and in full for apps that add nothing."""
        said = {"OneRoster API URL": site + self.shown, "OneRoster API URL, in full": site + self.base}
        return said | ({"Token URL": site + self.token} if self.token else {})


_V1P1, _V1P2 = "/ims/oneroster/v1p1", "/ims/oneroster/rostering/v1p2"
_WITH_PARENT = frozenset(endpoint.operation for endpoint in ENDPOINTS if endpoint.parents)
_CAMPUS = "/campus/api/oneroster/v1p2/homeroom"
_PROXY = "/proxy/v1p0/SG9tZXJvb20="  # the id of an application there ends with the = of base64
_COMMON = "sourcedId status dateLastModified"

DIALECTS: dict[str, Dialect] = {
    "skyward_sms": Dialect(
        "Skyward SMS 2.0",
        "OneRoster 1.1 below /api, which is all that its screen shows. The token address cannot be guessed from it and must be "
        "typed; key and secret travel in a Basic header. No totals and no links: the end is a page that is not full. Some people "
        "have no name, some teachers no number. Users who leave are tobedeleted, classes and enrollments are simply gone. "
        "Guardians are there only while a student of theirs is.",
        shown="/api",
        base="/api" + _V1P1,
        token="/skyward/oauth/token",  # noqa: S106 # an address, and ours: the true one is not known
        versions=(V1P1,),
        basic=True,
        totals=False,
        links=False,
        retold=("guardians_of_students", "some_nameless", "some_unnumbered", "only_users_tobedeleted"),
    ),
    "skyward_qmlativ": Dialect(
        "Skyward Qmlativ",
        "1.1 and 1.2, the latter without /rostering/ in its address. The token address has an integration key in it. "
        "No totals and no links.",
        shown="",
        base="/ims/oneroster/v1p2",
        segment="v1p[12]",
        token="/integration-key/oauth/token",  # noqa: S106
        tokens=r"/[\w-]+/oauth/token",
        versions=(V1P1, V1P2),
        totals=False,
        links=False,
    ),
    "classlink": Dialect(
        "ClassLink",
        "1.1, each call signed with OAuth 1.0a: there is no token. Counts of each page (X-Count) and of all, and a revision of the "
        "data (X-Perm-Rev) that must not move during a reading. Empty texts for phone numbers, no guardians, nobody who is in no class.",
        shown="",
        base=_V1P1,
        token="",
        versions=(V1P1,),
        auth=Auth.SIGNED,
        page_counts=True,
        revision=True,
        blanks=("sms", "phone"),
        retold=("without_guardians", "only_enrolled"),
    ),
    "classlink_proxy": Dialect(
        "ClassLink, by its proxy",
        "As ClassLink, but each call brings a bearer that never changes and that no token service gives: type the Secret as the "
        "bearer. The address has the application's id in it, already encoded: encoded once more it is another one.",
        shown=_PROXY.replace("=", "%3D"),
        base=_PROXY.replace("=", "%3D") + _V1P1,
        prefix=_PROXY,
        token="",
        versions=(V1P1,),
        auth=Auth.BEARER,
        page_counts=True,
        revision=True,
        blanks=("sms", "phone"),
        retold=("without_guardians", "only_enrolled"),
    ),
    "infinite_campus": Dialect(
        "Infinite Campus",
        "1.2, with the version and the app's name in the address. The query of the token address (?appName=) must survive. Links but "
        "no totals. GUIDs for people and schools, other ids for the rest; the id of the 1.1 connection is in metadata.",
        shown=_CAMPUS + _V1P2,
        base=_CAMPUS + _V1P2,
        prefix=r"/campus/api(?:/oneroster/v1p2/[^/]+)?",
        token="/campus/oauth2/token?appName=homeroom",  # noqa: S106
        token_parameter="appName",  # noqa: S106
        versions=(V1P2,),
        totals=False,
        retold=("legacy_ids", "mixed_ids"),
    ),
    "infinite_campus_1_1": Dialect(
        "Infinite Campus, a 1.1 connection",
        "1.1, signed with OAuth 1.0a; such a connection lapses a year after it was made unless it is renewed. One user for each role, "
        "its id with the role's letter before it, so that a move to 1.2 changes every id. Staff who do not teach are administrators. "
        "No guardians, and nobody without a username.",
        shown="/campus/api" + _V1P1,
        base="/campus/api" + _V1P1,
        token="",
        versions=(V1P1,),
        auth=Auth.SIGNED,
        totals=False,
        retold=("without_guardians", "with_username", "a_record_a_role"),
    ),
    "powerschool": Dialect(
        "PowerSchool SIS",
        "1.1 below /api; tokens at /oauth/access_token. Pages are cut to 1,000, the administrator's limit, without a word. Ids of users "
        "with a blank behind them; staff once for each school.",
        shown="",
        base="/api" + _V1P1,
        token="/oauth/access_token",  # noqa: S106
        versions=(V1P1,),
        largest=1000,
        retold=("staff_a_record_a_school", "padded"),
    ),
    "aeries": Dialect(
        "Aeries",
        "1.1 below /aeries; tokens at /aeries/token, only with a scope, living six hours, and with a cookie that every call must "
        "bring back. The id of a school is its number, and it has no identifier. null for what is not known; hrefs lead nowhere. "
        "No classes, courses or terms by school. Ids of staff begin with TCH_; no guardians.",
        shown="/aeries",
        base="/aeries" + _V1P1,
        token="/aeries/token",  # noqa: S106
        versions=(V1P1,),
        needs_scope=True,
        cookie=True,
        seconds=21_600,
        refused=frozenset(("getClassesForSchool", "getCoursesForSchool", "getTermsForSchool")),
        emptied={"orgs": ("identifier",)},
        nulls=("parent", "metadata"),
        tilde=True,
        retold=("without_guardians", "codes_as_ids", "prefixed_staff"),
    ),
    "ed_fi": Dialect(
        "Ed-Fi",
        "1.2, with tenant and year in the address; tokens come from another service, whose address must be typed. Pages are cut to "
        "500 without a word, no totals, no links, and nothing by school or class. Only some fields may be filtered. Ids that nobody "
        "can know; one user for each person and school; guardians are parents, linked to nobody; nobody is ever tobedeleted.",
        shown="/district/2027" + _V1P2,
        base="/district/2027" + _V1P2,
        prefix=r"(?:/[a-z][\w-]*/\d{4})?",
        token="/identity/connect/token",  # noqa: S106
        versions=(V1P2,),
        largest=500,
        totals=False,
        links=False,
        refused=_WITH_PARENT,
        once_each=True,
        filterable={
            "academicSessions": f"{_COMMON} title type startDate endDate schoolYear",
            "classes": f"{_COMMON} title classCode classType location periods",
            "courses": f"{_COMMON} title courseCode",
            "enrollments": f"{_COMMON} role primary beginDate endDate",
            "orgs": f"{_COMMON} name type identifier",
            "users": f"{_COMMON} username enabledUser givenName familyName middleName preferredFirstName preferredMiddleName "
            "preferredLastName roles identifier email",
        },
        blanks=("username",),
        retold=("a_record_a_school", "rekeyed", "nothing_tobedeleted"),
    ),
}
