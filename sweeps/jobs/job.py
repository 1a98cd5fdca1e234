"""A job: a configuration and its seeds, in plain values that are sent to the training process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from causalmer_core.config.identity import config_id
from causalmer_core.config.run_config import RunConfig
from results.records.layout import SweepLayout
from results.records.run_journal import RunJournal
from results.records.schemas import RunKey


@dataclass(frozen=True, slots=True)
class Job:
    """A configuration with a block of seeds that are trained side by side. Each seed is a run with its own records.

    Attributes:
        config: the configuration.
        seeds: the block, one seed or more.
        phase: `search`, `confirm` or `evaluate`.
        role: the configuration's role: `candidate`, `paper` or `undebiased`.
        number: the proposal's number in the search; None for a contender that the search did not propose.
        values: the searched parameters as proposed, by dotted path.
        rung_thresholds: for each rung, an epoch, the mean score of the block below which it is pruned there (see
            `sweeps.search.early_stopping`).
        patience: epochs without a new best in any run of the block, after which all its runs end. None: the runs end
            as their configuration says.
    """

    config: RunConfig
    seeds: tuple[int, ...]
    phase: str
    role: str
    number: int | None = None
    values: Mapping[str, Any] | None = None
    rung_thresholds: Mapping[int, float] = field(default_factory=dict)
    patience: int | None = None

    def begin(
        self,
        layout: SweepLayout,
        key: RunKey,
        *,
        parameters: int | None = None,
        notes: str = "",
        **where: Any,
    ) -> RunJournal:
        """Begin the journal of an attempt at one of the runs.

        Args:
            layout: the sweep's folder.
            key: the run.
            parameters: the number of the model's parameters, if it is known.
            notes: remarks on the run, for its record.
            where: the device and further keywords of `RunJournal.begin`.
        """
        return RunJournal.begin(
            layout,
            key,
            phase=self.phase,
            role=self.role,
            number=self.number,
            config=self.config.model_dump(mode="json"),
            values=self.values,
            parameters=parameters,
            notes=notes,
            **where,
        )

    @property
    def keys(self) -> tuple[RunKey, ...]:
        """The keys of the runs, one a seed."""
        identity = config_id(self.config)
        return tuple(RunKey(identity, seed) for seed in self.seeds)

    @property
    def key(self) -> RunKey:
        """The first run's key. It identifies the job, because no run is part of two jobs."""
        return self.keys[0]

    @property
    def name(self) -> str:
        """The job's name: `<config_id>-s<seed>`, or `<config_id>-s<first>to<last>` for several seeds."""
        block = f"to{self.seeds[-1]}" if len(self.seeds) > 1 else ""
        return self.key.stem + block

    def to_json(self) -> str:
        """The job as JSON."""
        return json.dumps({**asdict(self), "config": self.config.model_dump(mode="json")})

    @staticmethod
    def from_json(text: str) -> Job:
        """The job from its JSON."""
        tree = json.loads(text)
        tree["config"] = RunConfig.read(tree["config"])
        tree["seeds"] = tuple(tree["seeds"])
        tree["rung_thresholds"] = {
            int(epoch): threshold for epoch, threshold in tree["rung_thresholds"].items()
        }
        return Job(**tree)
