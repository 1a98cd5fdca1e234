"""A job: what one trial does, in the plain form in which it travels to the process that trains."""

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
    """A configuration with a block of seeds that are trained side by side; each seed is a run with records of its own.

    Attributes:
        config: the configuration.
        seeds: the replicates, one or more.
        phase: what it is done for: `search`, `confirm` or `evaluate`.
        role: what the configuration is: `candidate`, `paper` or `undebiased`.
        number: the proposal's number in the search; none for contenders.
        values: the searched parameters as proposed, by dotted path.
        rung_thresholds: for each rung, an epoch, the mean score of the block below which it is pruned there (see
            `sweeps.search.early_stopping`).
        patience: after so many epochs in which no run of the block has a new best all of them end; none: only as their
            configuration says.
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
        """Begin the journal of an attempt at one of the runs; `where` says by whom, as `RunJournal.begin` takes it."""
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
        """The keys of the runs in all records."""
        identity = config_id(self.config)
        return tuple(RunKey(identity, seed) for seed in self.seeds)

    @property
    def key(self) -> RunKey:
        """The first run's key, by which jobs are told apart: no run is part of two jobs."""
        return self.keys[0]

    @property
    def name(self) -> str:
        """The runs' common name: `<config_id>-s<seed>`, or `-s<first>to<last>` of a block."""
        block = f"to{self.seeds[-1]}" if len(self.seeds) > 1 else ""
        return self.key.stem + block

    def to_json(self) -> str:
        """The job as text."""
        return json.dumps({**asdict(self), "config": self.config.model_dump(mode="json")})

    @staticmethod
    def from_json(text: str) -> Job:
        """The job from its text."""
        tree = json.loads(text)
        tree["config"] = RunConfig.read(tree["config"])
        tree["seeds"] = tuple(tree["seeds"])
        tree["rung_thresholds"] = {int(epoch): bar for epoch, bar in tree["rung_thresholds"].items()}
        return Job(**tree)
