"""A school's own rules on a real database: what they make of people, and the page that says of anybody why."""

from django.test import Client

from homeroom.campus.connections.policy import policy_of, read_words, settings_of
from homeroom.campus.people.models import Membership
from homeroom.campus.runs.previewing import preview
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import Told, adult, student

LUNCH = "role: administrator & title: Lunch > staff"
PEOPLE = [
    *(student(f"s{number}", grade="PK" if number < 2 else "03") for number in range(6)),
    adult("cook", "administrator", title="Lunch lady"),
    adult("head", "administrator", title="Principal"),
]


def client(email: str, world: World, school: object) -> Client:
    grant(email, Role.OWNER, school=school)  # type: ignore[arg-type]
    one = Client()
    one.force_login(Account.objects.get(email=email))
    return one


def test_rules_let_in_and_leave_out_and_say_so(trusting: World) -> None:
    trusting.configure(f"rules={LUNCH}; grade: PK > out")
    assert settings_of(trusting.link())["rules"] == [LUNCH, "grade: PK > out"]
    trusting.night(PEOPLE)
    groups = dict(Membership.objects.values_list("person__source_records__sourced_id", "group"))
    assert groups == {
        **dict.fromkeys(["s2", "s3", "s4", "s5"], "students"),
        "cook": "staff",
        "head": "admins",
    }
    verdict = trusting.connection.records.get(sourced_id="s0").verdict
    assert verdict == "left out by rule 2 (grade: PK > out)"


def test_a_preview_says_of_anybody_why_and_only_to_those_of_the_school(trusting: World) -> None:
    trusting.night(PEOPLE)
    policy, _ = read_words(policy_of(trusting.link()), [f"rules={LUNCH}; grade: PK > out"])
    run = preview(trusting.link(), policy, None, trusting.now, Told([]))
    assert run is not None
    page = f"/schools/{trusting.lincoln.pk}/rostering/runs/{run.pk}/why/"
    owner = client("owner@lincoln.example", trusting, trusting.lincoln)
    text = owner.get(page).content.decode()
    assert "left out by rule 2 (grade: PK &gt; out)" in text
    found = owner.get(page, {"q": "Stone cook"}).content.decode()
    assert "let through; rule 1 (role: administrator &amp; title: Lunch &gt; staff)" in found
    assert "<code>head</code>" not in found
    assert b"n/a" not in owner.get(page, {"format": "csv"}).content
    far = client("owner@oakwood.example", trusting, trusting.oakwood)
    assert far.get(page).status_code == 404
    assert far.get(page.replace(str(trusting.lincoln.pk), str(trusting.oakwood.pk), 1)).status_code == 404
