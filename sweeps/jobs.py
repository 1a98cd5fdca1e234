"""A job: one run to do, in the plain form in which it travels to the process that trains."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from causalmer_core.config import RunConfig
from causalmer_core.identity import config_id
from results.layout import SweepLayout
from results.records import RunKey
from results.run_journal import RunJournal


@dataclass(frozen=True, slots=True)
class Job:
    """One run to do.

    Attributes:
        config: the configuration.
        seed: the replicate.
        phase: what it is done for: `search`, `confirm` or `evaluate`.
        role: what the configuration is: `candidate`, `paper` or `undebiased`.
        number: the proposal's number in the search; none for contenders.
        values: the searched parameters as proposed, by dotted path.
        bars: for each rung, an epoch, the score below which the run is pruned there (see `sweeps.scheduling`).
        patience: after so many epochs without a new best the run ends; none: only as its configuration says.
    """

    config: RunConfig
    seed: int
    phase: str
    role: str
    number: int | None = None
    values: Mapping[str, Any] | None = None
    bars: Mapping[int, float] = field(default_factory=dict)
    patience: int | None = None

    def begin(
        self, layout: SweepLayout, *, parameters: int | None = None, notes: str = "", **where: Any
    ) -> RunJournal:
        """Begin the journal of an attempt at the run; `where` says by whom, as `RunJournal.begin` takes it."""
        return RunJournal.begin(
            layout,
            self.key,
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
    def key(self) -> RunKey:
        """The run's key in all records."""
        return RunKey(config_id(self.config), self.seed)

    def to_json(self) -> str:
        """The job as text."""
        return json.dumps({**asdict(self), "config": self.config.model_dump(mode="json")})

    @staticmethod
    def from_json(text: str) -> Job:
        """The job from its text."""
        tree = json.loads(text)
        tree["config"] = RunConfig.model_validate_json(json.dumps(tree["config"]))
        tree["bars"] = {int(epoch): bar for epoch, bar in tree["bars"].items()}
        return Job(**tree)
