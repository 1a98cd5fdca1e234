"""Damage to any file of a sweep gives the right answer or a refusal, never a wrong answer and never a traceback.

These are a few cases of `corruption.py`, which runs thousands.
"""

from __future__ import annotations

import pytest
from corruption import CLOSED, FAULTS, FINISHED, KINDS, Case, Sweeps, cases, table
from tiny_sweep import SHORTEST


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> Sweeps:
    return Sweeps(tmp_path_factory.mktemp("undamaged") / "sweeps", SHORTEST, (FINISHED, CLOSED))


@pytest.mark.slow
def test_no_damage_gives_a_wrong_answer_or_a_traceback(
    sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    found: list[Case] = []
    for kind in KINDS:
        if kind != "last checkpoint":  # a finished sweep has none
            found += cases(sweeps, 3, seed=7, resume_each=0, kinds=[kind])
    faults = [
        f"{case.number} {case.file} {case.damage} {case.verdict}\n{case.detail}"
        for case in found
        if case.verdict in FAULTS
    ]
    assert not faults, "\n".join(faults)
    verdicts = {case.verdict for case in found}
    assert {"right", "refused"} <= verdicts, table(found)
