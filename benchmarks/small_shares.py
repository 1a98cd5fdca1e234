"""What many trials with small shares cost: `python benchmarks/small_shares.py [--at-once 200] [--starting 1]`.

Trials of a class that trains nothing, one step a second, each with 0.9/N of a GPU and of a CPU core, under a private
Ray with one GPU that is one to Ray alone. They come one after another from a searcher and their actors are reused, as
in a sweep. Two waves: in the first every trial starts a process, in the second none does. Measured are the seconds
until so many run at once, the wall time of a trial in either wave beyond its own steps, and the memory of all of Ray's
processes (proportional set size, which counts what they share once). Importing torch comes on top for real trials:
about 300 MB and 2 to 5 s of a core for each process; `benchmarks/overhead.py` measures sweeps whole.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from ray import tune
from ray.tune.search import Searcher

from cluster.connection.connect import local_ray

STEP_SECONDS = 1.0


class Idle(tune.Trainable):
    """Trains nothing."""

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> tune.PlacementGroupFactory:
        return tune.PlacementGroupFactory([{"CPU": config["share"], "GPU": config["share"]}])

    def setup(self, config: dict[str, Any]) -> None:
        self._until = config["until"]

    def step(self) -> dict[str, Any]:
        time.sleep(STEP_SECONDS)
        # those of the first wave wait for each other, so that all do run at once
        return {"score": 0.0, "done": not self._until or Path(self._until).exists()}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing."""


class Waves(Searcher):
    """First so many trials that wait for each other, then as many that do not."""

    def __init__(self, at_once: int, share: float, until: str) -> None:
        super().__init__(metric="score", mode="max")
        self._at_once, self._share, self._until = at_once, share, until
        self._given, self._begun, self._running = 0, time.monotonic(), set[str]()
        self.filled = self.second = self.ended = 0.0
        self.memory: dict[int, float] = {}

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: Mapping[str, Any], **spec: Any
    ) -> bool:
        return True

    def suggest(self, trial_id: str) -> Any:
        if self._given == self._at_once and not self.second:
            return None
        if self._given == 2 * self._at_once:
            return Searcher.FINISHED
        self._given += 1
        return {"share": self._share, "until": "" if self.second else self._until}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if self.second:
            return
        self._running.add(trial_id)
        running = len(self._running)
        if running % max(self._at_once // 4, 1) == 0 and running not in self.memory:
            self.memory[running] = pss_of_ray() / 2**20
        if running == self._at_once and not self.filled:
            self.filled = time.monotonic() - self._begun
            Path(self._until).touch()

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self._running.discard(trial_id)
        self.ended = time.monotonic()
        if self.filled and not self.second:
            self.second = self.ended

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        raise RuntimeError("nothing to restore")

    def __getstate__(self) -> dict[str, Any]:
        return {}


def pss_of_ray() -> float:
    """Of this process and all that it started, in bytes."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def main() -> None:
    """Run both waves, and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--starting", type=int, default=1, help="trials that may wait for their processes")
    given = parser.parse_args()
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(given.starting)
    with tempfile.TemporaryDirectory() as folder, local_ray(cpus=1, gpus=1):
        waves = Waves(given.at_once, round(0.9 / given.at_once, 4), f"{folder}/go")
        tune.Tuner(
            Idle,
            tune_config=tune.TuneConfig(search_alg=waves, num_samples=-1, reuse_actors=True),
            run_config=tune.RunConfig(
                storage_path=folder,
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()
    count = given.at_once
    print(f"{count} trials at once after {waves.filled:.1f} s: {waves.filled / count:.3f} s for each of them")
    beyond = waves.ended - waves.second - STEP_SECONDS
    print(f"{count} further ones with their processes: {beyond / count:.3f} s each beyond their step")
    for running, megabytes in waves.memory.items():
        print(f"{running:6d} at once: {megabytes:.0f} MB of all of Ray's processes")


if __name__ == "__main__":
    main()
