"""The phase `debias`: chooses vectors for the selected configuration on validation alone.

It trains nothing: each run takes one pass over the validation split, then arithmetic on cached logits. The choices are
on record before the test split is opened, and a recorded choice is never made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from causalmer_core.config.identity import config_id
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.store import open_training_data
from causalmer_core.debiasing.cached_logits import CachedLogits, collect, scores, trained_constants
from causalmer_core.debiasing.fit import learned
from causalmer_core.debiasing.vector import DebiasingVector, Triple, fixed
from results.evaluation.debiasing_records import (
    CONFIGURED,
    LEARNED,
    PAPER_VECTOR,
    SEARCHED,
    VectorRecord,
    append_record,
    read_records,
)
from results.evaluation.final_evaluation import check_runs, evaluated_runs
from results.evaluation.run_weights import trained_model
from results.records.layout import SweepLayout
from results.records.manifest import SweepManifest, read_sweep_manifest
from results.records.schemas import RunKey
from results.storage.journal import Journal
from sweeps.debiasing.folds import fold_gains, sample_folds
from sweeps.debiasing.search import search_vector
from sweeps.spec.sweep_spec import SweepSpec

KEPT_PAPER = "the paper's vector was kept: the search's gain is within its error"


def chooses_after_training(spec: SweepSpec, selected: RunConfig) -> bool:
    """Whether a vector can be chosen: not without counterfactuals, nor with `debiasing: {methods: []}`."""
    return selected.model.debiasing == "counterfactual" and bool(spec.debiasing.methods)


def debias(
    layout: SweepLayout, spec: SweepSpec, selected: RunConfig, *, data_root: Path
) -> Iterator[tuple[RunKey, VectorRecord]]:
    """Choose and record the vectors that are not on record yet, for every seed of the test split's runs.

    Nothing is chosen for a run that was evaluated on the test split. A seed that is added later is a new run, which the
    test split has not evaluated. It gets its vectors by the same rule.

    Args:
        layout: the sweep's folder.
        spec: the sweep.
        selected: the selected configuration.
        data_root: the folder of data sets.

    Yields:
        Each run with a new record, after the record is durable.

    Raises:
        UserError: a run has not finished; its weights are missing, damaged or not its own; the sweep's version of the
            data set is not in the store, or is damaged; or the validation split has fewer than three samples.
        JournalError: a record cannot be written.
    """
    if not chooses_after_training(spec, selected):
        return
    methods = (PAPER_VECTOR, CONFIGURED, *spec.debiasing.methods)
    manifest = read_sweep_manifest(layout)
    recorded = read_records(layout)
    seen = evaluated_runs(layout)
    keys = [RunKey(config_id(selected), seed) for seed in manifest.test_seeds]
    keys = [key for key in keys if key not in seen]
    missing = {key: [m for m in methods if m not in recorded.get(key, {})] for key in keys}
    if not any(missing.values()):
        return
    # makes sure that their weights are here
    check_runs(layout, [config_id(selected)], {key for key in keys if missing[key]})
    data = open_training_data(data_root, manifest.dataset, manifest.dataset_fingerprint)
    with Journal.open(layout.debiasing_journal, layout.store.push) as journal:
        for key in keys:
            if not missing[key]:
                continue
            choice = _Choice(layout, spec, selected, key, data, manifest)
            for method in missing[key]:
                record = choice.record(method)
                append_record(journal, key, record)
                yield key, record


class _Choice:
    """The choices for one run, by method."""

    def __init__(
        self,
        layout: SweepLayout,
        spec: SweepSpec,
        selected: RunConfig,
        key: RunKey,
        data: TrainingData,
        manifest: SweepManifest,
    ) -> None:
        trained = trained_model(layout, key, data)
        self._section = spec.debiasing
        self._seed = spec.search.seed
        self._metric, self._direction = manifest.monitor, manifest.direction
        self._cached = collect(trained, trained.data.valid)
        self._constants: Triple = trained_constants(trained)
        weights = selected.model.debiasing_weights
        self._configured = fixed(self._constants, (weights.text, weights.audio, weights.vision))
        self._paper = fixed(self._constants)
        self._folds = sample_folds(trained.data.valid.ids, spec.debiasing.folds, self._seed)

    def record(self, method: str) -> VectorRecord:
        """The record of one method."""
        choices: dict[str, Callable[[], VectorRecord]] = {
            PAPER_VECTOR: lambda: self._given(PAPER_VECTOR, self._paper),
            CONFIGURED: lambda: self._given(CONFIGURED, self._configured),
            LEARNED: self._learned,
            SEARCHED: self._searched,
        }
        return choices[method]()

    def _given(self, method: str, vector: DebiasingVector) -> VectorRecord:
        return VectorRecord(method, vector, self._score(vector))

    def _learned(self) -> VectorRecord:
        def choose(cached: CachedLogits) -> DebiasingVector:
            return learned(cached, self._constants, constraint=self._section.constraint)

        gains = fold_gains(
            self._cached, self._folds, choose, self._paper, metric=self._metric, direction=self._direction
        )
        vector = choose(self._cached)
        return VectorRecord(LEARNED, vector, self._score(vector), gains)

    def _searched(self) -> VectorRecord:
        found = search_vector(
            self._cached,
            self._constants,
            self._folds,
            metric=self._metric,
            direction=self._direction,
            trials=self._section.trials,
            seed=self._seed,
        )
        note = KEPT_PAPER if found.kept_paper else ""
        return VectorRecord(SEARCHED, found.vector, self._score(found.vector), found.fold_gains, note)

    def _score(self, vector: DebiasingVector) -> float:
        return float(scores(self._cached, vector.as_row()[None], self._metric)[0])
