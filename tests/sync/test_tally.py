"""Problems by cause: the first ones each, the rest as a number."""

from homeroom.problems import Problem
from homeroom.sync.tally import EACH, Tally


def test_a_flood_of_one_cause_leaves_room_for_others() -> None:
    tally = Tally()
    tally.add(Problem("bent_value", "users", f"u{number}", "grades") for number in range(EACH + 50))
    tally.add([Problem("missing_id", "users", field="sourcedId")])
    assert len(tally.kept) == EACH + 1
    assert tally.more == {Problem("bent_value", "users", field="grades"): 50}
