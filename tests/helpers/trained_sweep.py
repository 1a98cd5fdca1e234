"""A sweep whose three contenders are trained, and its final evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiny_sweep import begin, checked_sweep, train

from causalmer_core.config.run_config import RunConfig
from causalmer_core.measures.ablation import ModalityAblation
from results.evaluation.final_evaluation import final_evaluation
from results.records.layout import SweepLayout
from results.storage.journal import Journal, read_journal
from sweeps.jobs.evaluate import contender_configs
from sweeps.jobs.job import Job
from sweeps.setup.preflight import CheckedSweep
from sweeps.spec.configurations import undebiased

SEEDS = (1000, 1001)


class Killed(BaseException):
    """The process is gone."""


def journal_that_dies(rows: int) -> type[Journal]:
    """A journal that takes so many rows, and then the process is gone."""

    class Dying(Journal):
        left = rows

        def append(self, row: Any) -> None:
            if not Dying.left:
                raise Killed
            Dying.left -= 1
            super().append(row)

    return Dying


def forget(layout: SweepLayout, path: Path) -> None:
    """Remove a journal as if it had never been written."""
    path.unlink()
    lines = layout.seals.read_bytes().splitlines(keepends=True)
    layout.seals.write_bytes(b"".join(line for line in lines if f'"{path.name}"'.encode() not in line))


class Trained:
    """A sweep whose three contenders are trained on both seeds, and the split not yet opened."""

    def __init__(self, folder: Path) -> None:
        self.sweep: CheckedSweep = checked_sweep(folder, base__trainer__max_epochs=1)
        self.layout = self.sweep.layout
        base = self.sweep.configurations.base
        self.selected = base.with_values({"model.fusion": "sum"})
        self.contenders = contender_configs(self.sweep.configurations, self.selected)

    @property
    def configs(self) -> list[RunConfig]:
        return [self.selected, self.sweep.configurations.paper, undebiased(self.selected)]

    def train(self) -> None:
        begin(self.sweep)
        for config in self.configs:
            for seed in SEEDS:
                train(Job(config=config, seeds=(seed,), phase="evaluate", role="candidate"), self.sweep)

    def evaluate(
        self,
        contenders: dict[str, str] | None = None,
        *,
        kinds: Sequence[ModalityAblation] = ("zero",),
        step_rates: Sequence[float] = (),
        again: bool = False,
    ) -> bool:
        return final_evaluation(
            self.layout,
            self.contenders if contenders is None else contenders,
            data_root=self.sweep.data_root,
            kinds=kinds,
            step_rates=step_rates,
            again=again,
        )

    @property
    def rows(self) -> list[dict[str, Any]]:
        return read_journal(self.layout.evaluation_journal)

    @property
    def openings(self) -> list[str]:
        return [row["config_id"] for row in self.rows if row["kind"] == "opening"]

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["kind"] == "evaluation"]
