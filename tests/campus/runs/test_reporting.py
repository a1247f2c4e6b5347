"""The mail after a run: what it says, to whom, and that it goes out once, over a real SMTP server."""

from homeroom.campus.runs import reporting
from homeroom.campus.runs.models import Mail, Run
from tests.campus.world import World
from tests.invented import LINCOLN, student
from tests.postbox import Postbox

MANY = [student(f"s{number:02d}") for number in range(40)]


def test_an_owner_gets_a_mail_with_the_results(trusting: World, mails: Postbox) -> None:
    trusting.configure("notify=owner@lincoln.example")
    run = trusting.night(MANY)
    (mail,) = mails.mails
    text = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert (mail["to"], mail["subject"]) == ("owner@lincoln.example", "[OK] Lincoln High: 40 added")
    assert "40 added" in text
    assert f"/schools/{trusting.lincoln.pk}/rostering/runs/{run.pk}/" in text


def test_the_plain_text_and_the_html_say_the_same(trusting: World, mails: Postbox) -> None:
    trusting.configure("notify=owner@lincoln.example")
    trusting.night(MANY)
    (mail,) = mails.mails
    plain = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    html = mail.get_body(("html",)).get_content()  # type: ignore[attr-defined]
    assert all(line.strip() in html for line in plain.splitlines() if line.strip() and "http" not in line)


def test_a_mail_names_no_person(trusting: World, mails: Postbox) -> None:
    trusting.configure("notify=owner@lincoln.example")
    trusting.night(MANY)
    trusting.night([student("s00", email=""), *MANY[5:]])
    text = "".join(str(mail) for mail in mails.mails)
    assert "Lopez" not in text
    assert "s00@" not in text


def test_a_hold_asks_for_a_decision(trusting: World, mails: Postbox) -> None:
    trusting.configure("notify=owner@lincoln.example")
    trusting.night(MANY)
    trusting.night(MANY[10:])
    assert mails.mails[-1]["subject"] == "[Action needed] Lincoln High: 10 removals held"


def test_a_failed_run_says_why_and_what_to_do(trusting: World, mails: Postbox) -> None:
    from homeroom.sync.reading import SourceFailed
    from tests.invented import Told

    class Dead(Told):
        def orgs(self):  # type: ignore[no-untyped-def]
            raise SourceFailed("The key or secret was refused", "Generate a new secret.", retry=False)

    trusting.configure("notify=owner@lincoln.example")
    run = trusting.sync(Dead([]))
    assert run.state == "failed"
    text = mails.mails[-1].get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "The key or secret was refused" in text
    assert "Generate a new secret." in text


def test_each_school_gets_its_own_numbers(trusting: World, mails: Postbox) -> None:
    trusting.configure("notify=owner@lincoln.example")
    trusting.configure("notify=owner@oakwood.example", school=trusting.oakwood)
    trusting.night(MANY)
    assert {mail["to"]: mail["subject"] for mail in mails.mails} == {
        "owner@lincoln.example": "[OK] Lincoln High: 40 added",
        "owner@oakwood.example": "[OK] Oakwood: nothing changed",
    }


def test_a_report_repeated_mails_nobody_twice(trusting: World, mails: Postbox) -> None:
    trusting.configure("notify=owner@lincoln.example")
    run = trusting.night(MANY)
    reporting.report(Run.objects.get(pk=run.pk), trusting.clock)
    assert len(mails.mails) == 1


def test_a_mail_server_that_refuses_costs_no_run(trusting: World, mails: Postbox) -> None:
    mails.refuse = True
    trusting.configure("notify=owner@lincoln.example")
    run = trusting.night(MANY)
    assert run.state == "done"
    assert Mail.objects.get(run=run).error.startswith("the mail server refused")


def test_an_incomplete_reading_is_said(trusting: World, mails: Postbox) -> None:
    trusting.configure("notify=owner@lincoln.example")
    trusting.night(MANY, trouble="the server claimed 41 and sent 40")
    text = mails.mails[-1].get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "The reading was not complete" in text
    assert LINCOLN not in text
