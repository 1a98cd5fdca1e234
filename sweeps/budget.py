"""The section `budget` of a sweep's file: what the search may use."""

from __future__ import annotations

from pydantic import Field

from causalmer_core.frozen import Frozen


class BudgetSection(Frozen):
    """What the search may use. When one is used up, running runs end, nothing more is proposed, and the sweep goes on
    to confirm what it has: cut by budget, which is no failure. With a larger budget a resumed sweep searches on.

    Attributes:
        runs: different configurations that are run; a proposal that repeats one is free. None (default): no limit.
        hours: of wall time in which runs of the search were training, over all sessions. None (default): no limit.
        gpu_hours: of GPUs that runs of the search held, a share of one counted as such. None (default): no limit.
        target: a configuration of the search that finished with a mean score at least as good ends it.
            None (default): no target.
    """

    runs: int | None = Field(default=None, ge=1)
    hours: float | None = Field(default=None, gt=0.0)
    gpu_hours: float | None = Field(default=None, gt=0.0)
    target: float | None = None
