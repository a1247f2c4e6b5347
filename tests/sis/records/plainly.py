"""A plain reading of the rules of sharing, over the JSON (1.2) that a caller of everything is served: what the server is held against."""

from typing import Any

from homeroom.oneroster.endpoints import Endpoint
from homeroom.sis.records.sharing import HIDEABLE, Narrowing, group_of

Json = dict[str, Any]
Served = dict[str, list[Json]]  # collections by kind
FIELDS = {  # the fields of 1.2 that are left out, by the names of the page
    "users.username": ("username", "userProfiles"),
    "users.preferredNames": ("preferredFirstName", "preferredMiddleName", "preferredLastName"),
    "users.userIds": ("userIds", "userMasterIdentifier"),
    "demographics.race": ("asian",),
    "demographics.birthplace": ("countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth"),
    "demographics.residence": ("publicSchoolResidenceStatus",),
}


def of(record: Json, name: str) -> str:
    """The id that a reference names."""
    return str(record[name]["sourcedId"]) if name in record else ""


def narrow(served: Served, narrowing: Narrowing) -> Served:
    """What a caller that is narrowed so shall be served."""
    above = {org["sourcedId"]: of(org, "parent") for org in served["orgs"]}
    chain = lambda org: [org, *chain(above.get(org, ""))] if org else []  # noqa: E731
    places = {org for org in above if not narrowing.schools or narrowing.schools & set(chain(org))}
    orgs = {one for place in places for one in chain(place)}
    roles = {
        u["sourcedId"]: [one for one in u["roles"] if _role_shown(one, narrowing, places, orgs)]
        for u in served["users"]
    }
    classes = {c["sourcedId"] for c in served["classes"] if of(c, "school") in places}
    followed = {of(c, "course") for c in served["classes"] if c["sourcedId"] in classes}
    users = {
        one for one, held in roles.items() if held and _belongs(one, held, served["users"], narrowing, places)
    }
    shown: Served = {
        "orgs": [_org(org, orgs) for org in served["orgs"] if org["sourcedId"] in orgs],
        "academicSessions": served["academicSessions"],
        "courses": [_course(c, orgs) for c in served["courses"] if of(c, "org") in orgs or c["sourcedId"] in followed],
        "classes": [c for c in served["classes"] if c["sourcedId"] in classes],
        "users": [_user(u, roles[u["sourcedId"]], users) for u in served["users"] if u["sourcedId"] in users],
        "enrollments": [
            e for e in served["enrollments"]
            if of(e, "user") in users and of(e, "class") in classes and of(e, "school") in places
            and group_of(e["role"]) in narrowing.groups
        ],
        "demographics": [d for d in served["demographics"] if d["sourcedId"] in users],
    }  # fmt: skip
    if {name for name in HIDEABLE if name.startswith("demographics.")} <= narrowing.hidden:
        shown["demographics"] = []
    return {kind: [_less(kind, one, narrowing) for one in found] for kind, found in shown.items()}


def _role_shown(role: Json, narrowing: Narrowing, places: set[str], orgs: set[str]) -> bool:
    group, org = group_of(role["role"]), of(role, "org")
    return group in narrowing.groups and (org in places or (group == "parents" and org in orgs))


def _belongs(one: str, held: list[Json], users: list[Json], narrowing: Narrowing, places: set[str]) -> bool:
    """Whoever is shown only as a guardian must be one of an active student of the schools, whoever of the two says so."""
    if not narrowing.schools or any(group_of(role["role"]) != "parents" for role in held):
        return True
    agents = {u["sourcedId"]: {agent["sourcedId"] for agent in u.get("agents", ())} for u in users}
    students = [
        u["sourcedId"]
        for u in users
        if u["status"] == "active"
        and any(r["role"] == "student" and of(r, "org") in places for r in u["roles"])
    ]
    return any(one in agents[student] or student in agents[one] for student in students)


def _org(org: Json, orgs: set[str]) -> Json:
    return _listed(
        org, "children", [child for child in org.get("children", ()) if child["sourcedId"] in orgs]
    )


def _course(course: Json, orgs: set[str]) -> Json:
    return (
        course
        if of(course, "org") in orgs
        else {name: said for name, said in course.items() if name != "org"}
    )


def _user(user: Json, roles: list[Json], users: set[str]) -> Json:
    user = _listed(user, "agents", [one for one in user.get("agents", ()) if one["sourcedId"] in users])
    if "primaryOrg" in user and of(user, "primaryOrg") not in {of(role, "org") for role in roles}:
        user = user | {"primaryOrg": roles[0]["org"]}
    return user | {"roles": roles}


def _listed(record: Json, name: str, kept: list[Json]) -> Json:
    """A record with a shorter list, which is left out when it is empty."""
    if kept:
        return record | {name: kept}
    return {field: said for field, said in record.items() if field != name}


def _less(kind: str, record: Json, narrowing: Narrowing) -> Json:
    gone = {field for name in narrowing.hidden if name.startswith(f"{kind}.")
            for field in FIELDS.get(name, (name.partition(".")[2],))}  # fmt: skip
    kept = {field: said for field, said in record.items() if field not in gone}
    if "userProfiles" in gone:
        kept["roles"] = [
            {name: said for name, said in role.items() if name != "userProfile"} for role in kept["roles"]
        ]
    return kept


def listed(endpoint: Endpoint, ids: tuple[str, ...], served: Served) -> list[Json]:
    """What an operation that lists gives of these records, in order of sourcedId."""
    parents = dict(zip(endpoint.parents, ids, strict=True)) if endpoint.parents else {}
    found = [one for one in served[endpoint.kind] if _fits(one, endpoint, parents, served)]
    return sorted(found, key=lambda one: one["sourcedId"])


def _fits(one: Json, endpoint: Endpoint, parents: dict[str, str], served: Served) -> bool:
    subset, own = endpoint.subset, one["sourcedId"]
    if endpoint.kind == "users":
        return _user_fits(one, subset, parents, served)
    if subset and one["type"] != subset:
        return False
    taught = [(of(e, "class"), of(e, "user"), e["role"]) for e in served["enrollments"]]
    for name, parent in parents.items():
        fits = {
            "school": own in {term["sourcedId"] for c in served["classes"] if of(c, "school") == parent for term in c["terms"]}
            if endpoint.kind == "academicSessions" else of(one, "org" if endpoint.kind == "courses" else "school") == parent,
            "term": parent in {term["sourcedId"] for term in one["terms"]} if "terms" in one else of(one, "parent") == parent,
            "course": of(one, "course") == parent,
            "class": of(one, "class") == parent,
            **{who: any(c == own and user == parent and who in ("user", role) for c, user, role in taught)
               for who in ("user", "student", "teacher")},
        }  # fmt: skip
        if not fits[name]:
            return False
    return True


def _user_fits(user: Json, subset: str, parents: dict[str, str], served: Served) -> bool:
    if "class" in parents:
        there = any(
            c["sourcedId"] == parents["class"] and of(c, "school") == parents.get("school", of(c, "school"))
            for c in served["classes"]
        )
        if "school" in parents and not there:
            return False
        return any(
            of(e, "class") == parents["class"] and of(e, "user") == user["sourcedId"] and e["role"] == subset
            for e in served["enrollments"]
        )
    if "school" in parents:
        return any(role["role"] == subset and of(role, "org") == parents["school"] for role in user["roles"])
    return not subset or any(role["role"] == subset for role in user["roles"])
