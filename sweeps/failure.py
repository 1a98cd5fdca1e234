"""The section `failure` of a sweep's file: what happens when a run or the machine fails."""

from __future__ import annotations

from pydantic import Field

from causalmer_core.frozen import Frozen


class FailureSection(Frozen):
    """What happens when a run or the machine fails; no configuration's identity depends on it.

    Attributes:
        retries: how often in a row, without having got an epoch further, a run is started again after a fault of the
            machine (see `causalmer_core.faults`), and Ray after it was lost. What would repeat is never retried.
        fail_fast: the sweep stops when its first so many configurations all failed. None: it never does.
        run_timeout: seconds of training, over all attempts, after which a run ends as `timeout`; looked at after every
            epoch. None (default): no limit.
    """

    retries: int = Field(default=2, ge=0)
    fail_fast: int | None = Field(default=3, ge=1)
    run_timeout: float | None = Field(default=None, gt=0.0)
