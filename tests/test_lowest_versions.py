"""Every dependency has a lower bound, which `make lowest` installs and runs."""

from __future__ import annotations

import pytest
from lowest_versions import dependencies, lowest_versions


def test_every_dependency_has_a_lowest_version() -> None:
    found = dict(constraint.split("==") for constraint in lowest_versions(dependencies()))
    assert len(found) == len(dependencies())
    assert found["torch"] == "2.13.0"
    assert found["pydantic"] == "2.14"


def test_an_extra_and_an_upper_bound_are_left_out() -> None:
    assert lowest_versions(["ray[tune]>=2.56,<3", "numpy >= 2.0"]) == ["ray==2.56", "numpy==2.0"]


@pytest.mark.parametrize("requirement", ["numpy", "numpy<3", "numpy!=2.1,>=2.0"])
def test_a_range_without_a_plain_lower_bound_is_refused(requirement: str) -> None:
    with pytest.raises(ValueError, match="has no lower bound"):
        lowest_versions([requirement])
