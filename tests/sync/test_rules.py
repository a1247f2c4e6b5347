"""Whose lists suffice: by school only where nobody is wanted who stands in no such list."""

import pytest

from homeroom.sync.rules import GroupPolicy, Policy, SchoolRule, schools_that_suffice

ON = GroupPolicy(roster=True)


@pytest.mark.parametrize(
    ("policies", "schools"),
    [
        ([Policy(students=ON)], ("o0",)),
        ([Policy(students=ON, teachers=ON), Policy(teachers=ON)], ("o0", "o1")),
        ([Policy(students=ON), Policy()], ("o0",)),
        ([Policy(students=ON), Policy(staff=ON)], ()),
        ([Policy(students=ON, admins=ON)], ()),
        ([Policy(students=ON, parents=True)], ()),
        ([Policy()], ()),
        ([], ()),
    ],
)
def test_the_lists_of_schools_suffice_for_students_and_teachers_alone(
    policies: list[Policy], schools: tuple[str, ...]
) -> None:
    rules = [SchoolRule(number, f"o{number}", policy) for number, policy in enumerate(policies)]
    assert schools_that_suffice(rules) == schools
