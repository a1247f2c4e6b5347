"""Reading records as servers really send them: orgs and users of either version, in any state of repair.

Null, missing, empty, wrong type, one object for a list, a list for one object, a boolean or "true", numbers for texts,
padded ids, keys and words in another case, references without ids, odd dates: each is met, and named as a Problem.
Nothing here raises for bad data: one bad row never costs the good ones.
"""

import msgspec

from homeroom.oneroster import records as r
from homeroom.oneroster.bounds import USUAL
from homeroom.oneroster.grades import one_form
from homeroom.oneroster.mend import mended
from homeroom.oneroster.said import Said, id_text
from homeroom.problems import Problem

_ROLES = {
    word.lower(): word
    for word in (
        *("administrator", "aide", "counselor", "districtAdministrator", "guardian", "parent", "principal"),
        *("proctor", "relative", "siteAdministrator", "student", "systemAdministrator", "teacher"),
    )
}
_GUARDIANS = frozenset({"guardian", "parent", "relative"})


def read_user(raw: bytes) -> tuple[r.User | None, tuple[Problem, ...]]:
    """A user from the JSON bytes of one object, and what was odd about it; None when it has no usable sourcedId."""
    said = _object("users", raw)
    if isinstance(said, Problem):
        return None, (said,)
    user = r.User(
        sourced_id=said.sourced_id,
        status=_status(said),
        modified=said.text("dateLastModified"),
        metadata=said.free("metadata"),
        given_name=said.text("givenName"),
        family_name=said.text("familyName"),
        middle_name=said.text("middleName"),
        username=said.text("username"),
        user_ids=_user_ids(said),
        enabled=said.truth("enabledUser", default=True),
        identifier=said.text("identifier"),
        email=said.text("email"),
        sms=said.text("sms"),
        phone=said.text("phone"),
        agents=said.ids("agents"),
        grades=_grades(said),
        roles=tuple(_roles(said)),
        primary_org=said.id("primaryOrg"),
    )
    if not user.roles:
        said.problem("no_role", "roles")
    if _leaves_open(said, user):
        said.problem("unsaid_role", "roles")
    return user, tuple(said.problems)


def read_org(raw: bytes) -> tuple[r.Org | None, tuple[Problem, ...]]:
    """An org from the JSON bytes of one object; None when it has no usable sourcedId."""
    said = _object("orgs", raw)
    if isinstance(said, Problem):
        return None, (said,)
    org = r.Org(
        sourced_id=said.sourced_id,
        status=_status(said),
        modified=said.text("dateLastModified"),
        metadata=said.free("metadata"),
        name=said.text("name"),
        type=said.text("type").lower(),
        identifier=said.text("identifier"),
        parent=said.id("parent"),
        children=said.ids("children"),
    )
    return org, tuple(said.problems)


def read_birth(raw: bytes) -> tuple[r.Demographics | None, tuple[Problem, ...]]:
    """Of the JSON bytes of somebody's demographics the birth date, and nothing else of it; None without a usable sourcedId."""
    said = _object("demographics", raw)
    if isinstance(said, Problem):
        return None, (said,)
    day = said.date("birthDate") if _status(said) == "active" else ""
    return r.Demographics(sourced_id=said.sourced_id, birth_date=day), tuple(said.problems)


def _object(where: str, raw: bytes) -> Said | Problem:
    """What one object says, or why it says nothing that one can use."""
    if len(raw) > USUAL.record_bytes:
        return Problem("record_too_large", where)
    mending = False
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        mending = True
        try:
            said = msgspec.json.decode(mended(raw))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return Problem("not_json", where)
    listed = isinstance(said, list) and len(said) == 1
    said = said[0] if listed else said
    if not isinstance(said, dict):
        return Problem("not_an_object", where)
    found = Said(where, said)
    if not found.sourced_id:
        return Problem("missing_id", where, field="sourcedId")
    if len(found.sourced_id) > r.LONGEST_ID:
        return Problem("long_id", where, found.sourced_id[:40], "sourcedId")
    if id_text(said.get("sourcedId")) != said.get("sourcedId"):
        found.bent("sourcedId", "a number, another spelling of the word, or blanks around it")
    if mending:
        found.problem("odd_text", "", "half a character, or an encoding other than UTF-8")
    if listed:
        found.bent("", "a list of one object")
    return found


def _status(said: Said) -> str:
    # 1.0 had `inactive`, which 1.1 reads as tobedeleted. Empty and unknown words mean active: feeds made from
    # CSV leave it blank, and absence of a word is no evidence that somebody left.
    word = said.text("status")
    lower = word.lower().replace("_", "").replace(" ", "")
    if lower in ("tobedeleted", "inactive"):
        return "tobedeleted"
    if lower not in ("", "active"):
        said.problem("unknown_status", "status", f"“{word[:40]}”")
    return "active"


def _user_ids(said: Said) -> tuple[r.UserId, ...]:
    pairs = [(pair.text("type"), pair.text("identifier")) for pair in said.objects("userIds")]
    return tuple(r.UserId(type=type_, identifier=identifier) for type_, identifier in pairs if identifier)


def _grades(said: Said) -> tuple[str, ...]:
    words = said.texts("grades") or said.within("metadata").texts("grade")
    grades = []
    for word in words:
        grade, known = one_form(word)
        grades.append(grade)
        if not known:
            said.problem("unknown_grade", "grades", f"“{word[:16]}”")
    return tuple(dict.fromkeys(grades))


def _roles(said: Said) -> list[r.Role]:
    """The roles of 1.2 and the role and orgs of 1.1, whichever are there; what both say counts once."""
    roles = [role for item in said.objects("roles") if (role := _role(item)).role]
    seen = {(role.role, role.org) for role in roles}
    words = [_word(said, word) for word in (*said.texts("role"), *said.words("roles"))]
    orgs = said.ids("orgs") or ("",)
    older = [r.Role(role=word, org=org) for word in words for org in orgs]
    return [*roles, *(role for role in older if (role.role, role.org) not in seen)]


def _role(item: Said) -> r.Role:
    org = item.id("org")
    if not org:
        item.problem("reference_without_id", "org")
    return r.Role(
        role=_word(item, item.text("role")),
        org=org,
        role_type=item.text("roleType").lower() or "primary",
        begin_date=item.date("beginDate"),
        end_date=item.date("endDate"),
    )


def _leaves_open(said: Said, user: r.User) -> bool:
    """Whether it is left open which role a user has at which school: by null, by nothing, by a reference without its id.
    Guardians need stand at no school."""
    if user.roles and all(role.role in _GUARDIANS for role in user.roles):
        return False
    if not user.roles:
        return not (said.says_none("roles") or said.says_none("role"))
    lost = any(
        problem.code == "reference_without_id" and problem.field == "orgs" for problem in said.problems
    )
    wordless = any(not item.text("role") for item in said.quietly("roles"))
    return lost or wordless or (any(not role.org for role in user.roles) and not said.says_none("orgs"))


def _word(said: Said, word: str) -> str:
    """A role in the standard's spelling, where it is one of its words."""
    known = _ROLES.get(word.lower().replace(" ", "").replace("_", ""), word)
    if known != word:
        said.bent("role", "another spelling")
    return known
