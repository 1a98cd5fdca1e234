"""The run as Ray Tune sees it: a class trainable whose actor is reused from run to run.

Ray's own result files and checkpoints are never the record, so it is told little and saves nothing.
"""

from __future__ import annotations

from typing import Any

from ray import tune

from sweeps.jobs import Job
from sweeps.run_session import RunContext, RunSession


class RunTrainable(tune.Trainable):
    """One step is one epoch. The configuration is `{"job": <JSON>, "context": {...}}`."""

    _session: RunSession | None = None

    def setup(self, config: dict[str, Any]) -> None:
        """Begin the run that the configuration describes."""
        self._session = RunSession(Job.from_json(config["job"]), RunContext(**config["context"]))

    def step(self) -> dict[str, Any]:
        """Train and record one epoch, and report how the run stands."""
        if self._session is None:
            raise RuntimeError("a step before setup")
        advance = self._session.advance()
        done = advance.state.is_final
        if done:
            self._session.close()
        return {"state": advance.state.value, "epoch": advance.epoch, "score": advance.score, "done": done}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Go on to another run in the same process; Ray does not call `cleanup` in between."""
        self.cleanup()
        self.setup(new_config)
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing: checkpoints are the session's, keyed by run."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing: the session finds its own checkpoint."""

    def cleanup(self) -> None:
        """Let go of the run; one that has not ended goes on from its checkpoint in another attempt."""
        if self._session is not None:
            self._session.interrupt("the sweep was stopped")
            self._session = None
