"""A sweep goes on with the file it began with, but for what no record depends on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_sweep import begin, checked_sweep

from causalmer_core.errors import UserError
from sweeps.sweep_folder import check_unchanged


def test_what_is_evaluated_may_be_asked_for_later(tmp_path: Path) -> None:
    begin(checked_sweep(tmp_path))
    check_unchanged(checked_sweep(tmp_path, evaluation={"removals": ["zero", "mean"], "step_rates": [0.5]}))


def test_a_key_that_records_depend_on_is_named(tmp_path: Path) -> None:
    begin(checked_sweep(tmp_path))
    with pytest.raises(UserError, match=r"differed in debiasing\.trials; change that back"):
        check_unchanged(checked_sweep(tmp_path, debiasing__trials=65))
