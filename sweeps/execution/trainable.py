"""A job as a class trainable of Ray Tune, whose actor is reused from job to job.

Ray's own result files and checkpoints are never the record. So it gets few results, and saves no checkpoint.
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
    """One step is one epoch of every run of a job.

    The configuration is `{"job": <JSON>, "context": {...}, "share": {...}, "labels": {...}}`.
    """

    _session: BlockSession | None = None

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> tune.PlacementGroupFactory:
        """The job's resources: `share`, by the names of Ray's resources, on a node with these `labels`.

        An actor is reused for a job with an equal request.
        """
        if not config["labels"]:
            return tune.PlacementGroupFactory([config["share"]])
        return tune.PlacementGroupFactory([config["share"]], bundle_label_selector=[config["labels"]])

    def setup(self, config: dict[str, Any]) -> None:
        """Begin the configuration's job."""
        context = RunContext(**config["context"])
        claim_threads(context.threads)
        self._session = BlockSession(Job.from_json(config["job"]), context)

    def step(self) -> dict[str, Any]:
        """Train and record one epoch of every run.

        Returns:
            The result for Ray: `score` of the block, `done`, and lists with one entry a run.

        Raises:
            RuntimeError: before `setup`.
        """
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
        """Begin another job in the same process. Ray does not call `cleanup` in between."""
        self.cleanup()
        self.setup(new_config)
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Do nothing: the session writes its own checkpoints, one a run."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Do nothing: the session finds its own checkpoints."""

    def cleanup(self) -> None:
        """Interrupt the runs that have not ended. Later attempts resume them from their checkpoints."""
        if self._session is not None:
            self._session.interrupt("the sweep was stopped")
            self._session = None
