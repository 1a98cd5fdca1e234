"""The plan says of the search what the sweep's file asks for."""

from __future__ import annotations

from pathlib import Path

from sweeps.cli.plan_table import search_lines
from sweeps.spec.sweep_spec import load_spec

TEXT = """\
name: x
data: {name: x}
space:
  loss.alpha: {constant: 0.5}
  model.fusion: {choice: [mask, sum]}
  optimiser.learning_rates.audio: {same_as: optimiser.learning_rates.backbone, times: 0.5}
search: {points: [{model.fusion: sum}], warm_start: {sweep: earlier, top: 7}}
scheduler: {name: hyperband, grace_epochs: 2, reduction_factor: 3}
"""


def test_a_plan_names_what_is_fixed_first_taught_and_cut(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(TEXT, encoding="utf-8")
    follows = "optimiser.learning_rates.audio: same as optimiser.learning_rates.backbone times 0.5"
    assert search_lines(load_spec(path), 10) == [
        ("fixed", f"loss.alpha: constant 0.5; {follows}"),
        ("first #0", "loss.alpha: 0.5, model.fusion: mask, optimiser.learning_rates.audio: 0.001"),
        ("first #1", "loss.alpha: 0.5, model.fusion: sum, optimiser.learning_rates.audio: 0.001"),
        ("warm start", "the best 7 finished configurations of earlier, in this space"),
        (
            "scheduler",
            "hyperband: bracket 0 cuts after epochs 2, 6; bracket 1 cuts after epochs 6; "
            "bracket 2 cuts after no epoch",
        ),
    ]
    patient = load_spec(path, {"scheduler": {"name": "patience", "epochs": 4}})
    assert search_lines(patient, 10)[-1] == (
        "scheduler",
        "patience: a run ends after 4 epochs without a new best",
    )
    assert search_lines(load_spec(path, {"scheduler": {"name": "none"}}), 10)[-1] == (
        "scheduler",
        "none: cuts after no epoch",
    )
