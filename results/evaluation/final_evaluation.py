"""The final evaluation: the one place that opens the test split.

Every opening is written to a ledger, the journal of evaluations, before the split is read: when, and for which
selected configuration. One selection opens it once: what was evaluated is read from the journal afterwards, and an
evaluation that was killed goes on with what is missing. Another selection is refused unless asked for explicitly,
and then stands in the ledger too.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from causalmer_core.basics.errors import UserError
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.store import open_test_split, open_training_data
from causalmer_core.measures.ablation import Ablation, ModalityAblation, ablations
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import TrainedModel, load_trained
from results.evaluation.debiasing_records import VectorRecord, read_records
from results.evaluation.prediction_file import write_predictions
from results.evaluation.prediction_rows import PREDICTS_BY, ablation_columns, expected_predictions
from results.evaluation.prediction_rows import rows as prediction_rows
from results.evaluation.untrained_baselines import baseline_rows
from results.records.histories import read_run
from results.records.journal import Journal, now, read_journal
from results.records.layout import SweepLayout
from results.records.manifest import SweepManifest, read_sweep_manifest
from results.records.schemas import RunKey, RunState, evaluation_ablation

SELECTED, PAPER, UNDEBIASED = "selected", "paper", "undebiased"
BATCH_SIZE = 256


def final_evaluation(
    layout: SweepLayout,
    contenders: Mapping[str, str],
    *,
    data_root: Path,
    kinds: Sequence[ModalityAblation] = ("zero",),
    step_rates: Sequence[float] = (),
    again: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> bool:
    """Evaluate contenders on the test split, each with every seed and every subset of the modalities present.

    The selected configuration's runs are evaluated with each vector that was chosen for them after training, too (see
    `results.evaluation.debiasing_records`). Beside all stand the baselines of `results.evaluation.untrained_baselines`,
    which have no seed. What each sample was predicted as with nothing removed goes into the table `predictions` (see
    `results.evaluation.prediction_file`).

    Args:
        layout: the sweep's folder.
        contenders: the configuration of each, by contender; `selected` must be among them.
        data_root: the store of the data set.
        kinds: how modalities are removed; each way is evaluated.
        step_rates: at which rates steps of all modalities are taken away, at random and in spans.
        again: allow an opening for another selection than the one that opened the split before.
        on_progress: hears how many runs have been evaluated, and of how many; none: nobody does.

    Returns:
        Whether anything was evaluated; false where all of it stood in the journal already.

    Raises:
        UserError: a contender lacks a finished run or its weights; the split was opened for another selection; the
            data set is not the sweep's.
    """
    manifest = read_sweep_manifest(layout)
    rows = read_journal(layout.evaluation_journal)
    vectors = read_records(layout)
    found = _on_record(rows)
    waiting = []
    for name, config_id in contenders.items():
        for seed in manifest.test_seeds:
            key = RunKey(config_id, seed)
            chosen = _chosen(vectors, name, key)
            missing = _missing(found, name, key, chosen, ablations(kinds, step_rates, seed))
            if missing:
                waiting.append((name, key, chosen, missing))
    if not waiting:
        return False
    check_runs(layout, contenders.values())
    data = open_training_data(data_root, manifest.dataset)
    _check_fingerprint(data, manifest)
    with Journal.open(layout.evaluation_journal, layout.store.push) as journal:
        _open_ledger(journal, rows, contenders[SELECTED], again=again)
        test = open_test_split(data_root, manifest.dataset)
        for row in baseline_rows(data, test):
            if not found.get((row["contender"], None, None, row["present"], "zero", None)):
                journal.append(_row(len(test), row))
        for done, (name, key, chosen, missing) in enumerate(waiting, start=1):
            trained, attempt = load_trained(layout.best_weights(key), data), _attempt(layout, key)
            # Before the rows: with them the run counts as evaluated.
            write_predictions(
                layout,
                trained,
                test,
                contender=name,
                key=key,
                attempt=attempt,
                sweep_id=manifest.sweep_id,
            )
            run = {"config_id": key.config_id, "seed": key.seed, "attempt": attempt, "contender": name}
            for row in _evaluations(trained, test, chosen, missing):
                journal.append({**run, **row})
            if on_progress is not None:
                on_progress(done, len(waiting))
    return True


def check_runs(layout: SweepLayout, config_ids: Iterable[str]) -> None:
    """See to it that configurations have finished on every test seed, with weights, before anything is made of them.

    Raises:
        UserError: a run is missing; all that are missing are named, with what became of them.
    """
    seeds = read_sweep_manifest(layout).test_seeds
    missing = []
    for key in (RunKey(config_id, seed) for config_id in config_ids for seed in seeds):
        history = read_run(layout, key)
        if history is None or history.state is not RunState.FINISHED:
            missing.append(f"{key.stem} ({'never started' if history is None else history.ended_as})")
        elif not layout.store.pull(layout.best_weights(key)):
            missing.append(f"{key.stem} (its weights are gone)")
    if missing:
        raise UserError(
            f"the final evaluation needs every seed of every contender; missing: {', '.join(missing)}. "
            "Continue the sweep with 'causalmer resume'; what failed is tried again with its --retry-failed"
        )


Vectors = Mapping[RunKey, Mapping[str, VectorRecord]]


def _chosen(vectors: Vectors, contender: str, key: RunKey) -> Mapping[str, VectorRecord]:
    return vectors.get(key, {}) if contender == SELECTED else {}


OnRecord = Mapping[tuple[Any, ...], set[str]]


def _on_record(rows: list[dict[str, Any]]) -> OnRecord:
    """The predictions that were evaluated, by contender, run and what was taken away."""
    found: defaultdict[tuple[Any, ...], set[str]] = defaultdict(set)
    for row in rows:
        if row["kind"] == "evaluation":
            ablation = (row["present"], evaluation_ablation(row), row.get("rate"))
            found[row["contender"], row["config_id"], row["seed"], *ablation].add(row["prediction"])
    return found


def _missing(
    found: OnRecord,
    contender: str,
    key: RunKey,
    chosen: Mapping[str, VectorRecord],
    wanted: Iterable[Ablation],
) -> list[Ablation]:
    """Of the removals that are wanted, those of which not every prediction of the run is on record."""
    # Without vectors chosen after training there is one prediction, whose name follows from the configuration.
    predictions = set(expected_predictions(chosen)) if chosen else set()
    missing = []
    for ablation in wanted:
        place = (contender, key.config_id, key.seed, ablation.present, ablation.kind, ablation.rate)
        if not found.get(place) or not found[place] >= predictions:
            missing.append(ablation)
    return missing


def _check_fingerprint(data: TrainingData, manifest: SweepManifest) -> None:
    if data.fingerprint != manifest.dataset_fingerprint:
        raise UserError(
            f"data set {manifest.dataset!r} has changed since the sweep began: its fingerprint is "
            f"{data.fingerprint[:16]}, the sweep's {manifest.dataset_fingerprint[:16]}; import the same file again"
        )


def evaluated_runs(layout: SweepLayout) -> set[RunKey]:
    """The runs of selected configurations of which anything on the test split is on record."""
    rows = read_journal(layout.evaluation_journal)
    return {
        RunKey(row["config_id"], row["seed"])
        for row in rows
        if row["kind"] == "evaluation" and row["contender"] == SELECTED
    }


def _openings(rows: list[dict[str, Any]]) -> list[str]:
    return [row["config_id"] for row in rows if row["kind"] == "opening"]


def _open_ledger(journal: Journal, rows: list[dict[str, Any]], selected: str, *, again: bool) -> None:
    openings = _openings(rows)
    if selected in openings:
        return
    if openings and not again:
        raise UserError(
            f"the test split was opened for configuration {openings[-1]}, and the selection is now {selected}. "
            "Choosing after looking at test scores makes them worthless; --again opens it once more, and the "
            "report will show it"
        )
    who = f"{_user()} on {socket.gethostname()}"
    journal.append({"kind": "opening", "config_id": selected, "time": now(), "by": who})


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container a user may have a number alone
        return f"user {os.getuid()}"


def _evaluations(
    trained: TrainedModel, test: Split, chosen: Mapping[str, VectorRecord], missing: Iterable[Ablation]
) -> Iterator[dict[str, Any]]:
    """Rows without the run's key: with vectors chosen after training all that `results.evaluation.prediction_rows`
    lists, else what the model predicts by.
    """
    config: RunConfig = trained.config
    if config.model.debiasing == "counterfactual":
        yield from (_row(len(test), row) for row in prediction_rows(trained, test, chosen, missing))
        return
    batches = trained.batches(test, size=BATCH_SIZE)
    prediction = PREDICTS_BY[config.model.debiasing]
    for ablation in missing:
        result = evaluate(trained.model, batches, config.loss, ablation=ablation)
        values = {**ablation_columns(ablation), "prediction": prediction, **result.metrics}
        yield _row(len(test), {**values, "notes": "; ".join(result.notes)})


def _attempt(layout: SweepLayout, key: RunKey) -> int | None:
    history = read_run(layout, key)
    return history.attempts if history else None


def _row(samples: int, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "evaluation", "split": "test", "samples": samples, "time": now(), **values}
