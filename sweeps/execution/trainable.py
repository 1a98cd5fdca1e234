"""A job as Ray Tune sees it: a class trainable whose actor is reused from job to job.

Ray's own result files and checkpoints are never the record, so it is told little and saves nothing.
"""

from __future__ import annotations

from typing import Any

from ray import tune

from causalmer_core.training.compute import claim_threads
from sweeps.execution.block_session import BlockSession
from sweeps.execution.run_session import RunContext
from sweeps.jobs.job import Job
from sweeps.search.early_stopping import mean_score


class JobTrainable(tune.Trainable):
    """One step is one epoch of every run. The configuration is `{"job": <JSON>, "context": {...}, "share": {...},
    "labels": {...}}`.
    """

    _session: BlockSession | None = None

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> tune.PlacementGroupFactory:
        """What the job takes of a node: `share`, by the names of Ray's resources, on a node with these `labels`. An
        actor is reused for equal ones.
        """
        if not config["labels"]:
            return tune.PlacementGroupFactory([config["share"]])
        return tune.PlacementGroupFactory([config["share"]], bundle_label_selector=[config["labels"]])

    def setup(self, config: dict[str, Any]) -> None:
        """Begin the job that the configuration describes."""
        context = RunContext(**config["context"])
        claim_threads(context.threads)
        self._session = BlockSession(Job.from_json(config["job"]), context)

    def step(self) -> dict[str, Any]:
        """Train and record one epoch of every run, and report how they stand: lists, one entry a run."""
        if self._session is None:
            raise RuntimeError("a step before setup")
        runs = self._session.advance()
        done = all(run.state.is_final for run in runs)
        if done:
            self._session.close()
        scores = [run.score for run in runs]
        return {
            "score": mean_score(scores),
            "scores": scores,
            "epochs": [run.epoch for run in runs],
            "states": [run.state.value for run in runs],
            "rows": [run.row for run in runs],
            "done": done,
        }

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Go on to another job in the same process; Ray does not call `cleanup` in between."""
        self.cleanup()
        self.setup(new_config)
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing: checkpoints are the session's, keyed by run."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing: the session finds its own checkpoint."""

    def cleanup(self) -> None:
        """Let go of the runs; those that have not ended go on from their checkpoints in another attempt."""
        if self._session is not None:
            self._session.interrupt("the sweep was stopped")
            self._session = None
