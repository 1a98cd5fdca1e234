"""The final evaluation: the one place that opens the test split.

Before the split is read, the opening is written to a ledger, the journal of evaluations. An opening has its time and
the selected configuration. One selection opens the split once; later calls read its results from the journal. A killed
evaluation resumes with the missing parts. An opening for another selection needs an explicit request, and is written to
the ledger, too.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from causalmer_core.basics.errors import UserError
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import Split
from causalmer_core.datasets.store import open_test_split, open_training_data
from causalmer_core.measures.ablation import Ablation, ModalityAblation, ablations
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import TrainedModel
from results.evaluation.debiasing_records import VectorRecord, read_records
from results.evaluation.prediction_file import write_predictions
from results.evaluation.prediction_rows import PREDICTS_BY, ablation_columns, expected_predictions
from results.evaluation.prediction_rows import rows as prediction_rows
from results.evaluation.run_weights import trained_model, weights_fault
from results.evaluation.untrained_baselines import baseline_rows
from results.records.histories import read_run
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from results.records.predictions_table import damaged_predictions
from results.records.schemas import RunKey, RunState, evaluation_ablation
from results.records.seals import read_sealed, read_seals, seal_all
from results.storage.journal import Journal, now

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
    """Evaluate contenders on the test split, with every seed and every subset of the modalities.

    The selected configuration's runs are also evaluated with each vector that was chosen after training (see
    `results.evaluation.debiasing_records`). The baselines of `results.evaluation.untrained_baselines`, which have no
    seed, are evaluated as well. Predictions without ablation are written to the table `predictions` (see
    `results.evaluation.prediction_file`). Missing and damaged files of predictions are written again.

    Args:
        layout: the sweep's folder.
        contenders: the config_id of each contender, by name. `selected` must be among them.
        data_root: the folder of the store with the data set.
        kinds: the ablations of whole modalities.
        step_rates: the shares of steps, from 0 to 1, that are removed from all modalities, at random and in spans.
        again: allow an opening for another selection than the one that opened the split before.
        on_progress: called with the number of evaluated runs and of all runs. None: no call.

    Returns:
        Whether anything was evaluated or written. False if every evaluation is on record and every file is whole.

    Raises:
        UserError: a contender lacks a finished run; weights are missing, damaged or not the run's own; the split was
            opened for another selection; the sweep's version of the data set is not in the store, or is damaged; a
            newer program wrote a file of predictions.
        JournalError: a row cannot be written.
    """
    manifest = read_sweep_manifest(layout)
    rows = read_sealed(layout, layout.evaluation_journal)
    waiting = _waiting(layout, rows, contenders, kinds, step_rates)
    if not waiting:
        return False
    check_runs(layout, contenders.values(), {key for _, key, _, _ in waiting})
    data = open_training_data(data_root, manifest.dataset, manifest.dataset_fingerprint)
    with Journal.open(layout.evaluation_journal, layout.store.push) as journal:
        _open_ledger(journal, rows, contenders[SELECTED], again=again)
        seal_all(layout)  # the opening must not be lost with the end of the journal
        test = open_test_split(data_root, manifest.dataset, data.fingerprint)
        found = _on_record(rows)
        for row in baseline_rows(data, test):
            if not found.get((row["contender"], None, None, row["present"], "zero", None)):
                journal.append(_row(len(test), row))
        for done, (name, key, chosen, missing) in enumerate(waiting, start=1):
            trained, attempt = trained_model(layout, key, data), _attempt(layout, key)
            # The predictions are written before the rows, because the rows mark the run as evaluated.
            predictions = write_predictions(
                layout,
                trained,
                test,
                contender=name,
                key=key,
                attempt=attempt,
                sweep_id=manifest.sweep_id,
            )
            journal.append(predictions)
            run = {"config_id": key.config_id, "seed": key.seed, "attempt": attempt, "contender": name}
            for row in _evaluations(trained, test, chosen, missing):
                journal.append({**run, **row})
            if on_progress is not None:
                on_progress(done, len(waiting))
    seal_all(layout)
    return True


def runs_to_evaluate(
    layout: SweepLayout,
    contenders: Mapping[str, str],
    *,
    kinds: Sequence[ModalityAblation] = ("zero",),
    step_rates: Sequence[float] = (),
) -> set[RunKey]:
    """The runs whose weights `final_evaluation` needs, with the same arguments. Empty: every evaluation is on record.

    Raises:
        UserError: the folder is no sweep.
    """
    rows = read_sealed(layout, layout.evaluation_journal)
    return {key for _, key, _, _ in _waiting(layout, rows, contenders, kinds, step_rates)}


def check_runs(layout: SweepLayout, config_ids: Iterable[str], used: Collection[RunKey]) -> None:
    """Check that configurations have finished on every test seed, and that the weights of runs are the runs' own.

    Args:
        layout: the sweep's folder.
        config_ids: the configurations.
        used: those of their runs whose weights are used.

    Raises:
        UserError: a run is missing, or its weights are missing, damaged or from elsewhere. The message names every
            such run, with its state.
    """
    seeds, seals = read_sweep_manifest(layout).test_seeds, read_seals(layout)
    missing = []
    for key in (RunKey(config_id, seed) for config_id in config_ids for seed in seeds):
        history = read_run(layout, key, seals=seals)
        if history is None or history.state is not RunState.FINISHED:
            missing.append(f"{key.stem} ({'never started' if history is None else history.ended_as})")
        elif key in used and (fault := weights_fault(layout, history)):
            missing.append(f"{key.stem} ({fault})")
    if missing:
        raise UserError(
            f"the final evaluation needs every seed of every contender; missing: {', '.join(missing)}. "
            "Continue the sweep with 'causalmer resume', and add --retry-failed to try failed runs again"
        )


_Waiting = tuple[str, RunKey, Mapping[str, VectorRecord], list[Ablation]]
"""A run with evaluations that are not on record: its contender, its key, its vectors, the missing ablations."""


def _waiting(
    layout: SweepLayout,
    rows: list[dict[str, Any]],
    contenders: Mapping[str, str],
    kinds: Sequence[ModalityAblation],
    step_rates: Sequence[float],
) -> list[_Waiting]:
    vectors, found, damaged = read_records(layout), _on_record(rows), damaged_predictions(layout)
    waiting: list[_Waiting] = []
    for name, config_id in contenders.items():
        for seed in read_sweep_manifest(layout).test_seeds:
            key = RunKey(config_id, seed)
            chosen = vectors.get(key, {}) if name == SELECTED else {}
            missing = _missing(found, name, key, chosen, ablations(kinds, step_rates, seed))
            if damaged.pop((name, key), None) or missing:
                waiting.append((name, key, chosen, missing))
    # The files that remain are those of an earlier selection, whose weights may be gone.
    waiting += [(name, key, {}, []) for name, key in damaged if layout.store.pull(layout.best_weights(key))]
    return waiting


OnRecord = Mapping[tuple[Any, ...], set[str]]


def _on_record(rows: list[dict[str, Any]]) -> OnRecord:
    """The evaluated predictions, by contender, run and ablation."""
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
    """The wanted ablations for which a prediction of the run is not on record."""
    # Without vectors chosen after training there is one prediction, and the configuration determines its name.
    predictions = set(expected_predictions(chosen)) if chosen else set()
    missing = []
    for ablation in wanted:
        place = (contender, key.config_id, key.seed, ablation.present, ablation.kind, ablation.rate)
        if not found.get(place) or not found[place] >= predictions:
            missing.append(ablation)
    return missing


def evaluated_runs(layout: SweepLayout) -> set[RunKey]:
    """The runs of selected configurations with at least one evaluation on the test split."""
    rows = read_sealed(layout, layout.evaluation_journal)
    return {
        RunKey(row["config_id"], row["seed"])
        for row in rows
        if row["kind"] == "evaluation" and row["contender"] == SELECTED
    }


def _open_ledger(journal: Journal, rows: list[dict[str, Any]], selected: str, *, again: bool) -> None:
    openings = [row["config_id"] for row in rows if row["kind"] == "opening"]
    if selected in openings:
        return
    if openings and not again:
        raise UserError(
            f"the test split was opened for configuration {openings[-1]}, and the selection is now {selected}. "
            "A selection made after looking at test scores makes these scores worthless; --again opens the split once "
            "more, and the report shows every opening"
        )
    who = f"{_user()} on {socket.gethostname()}"
    journal.append({"kind": "opening", "config_id": selected, "time": now(), "by": who})


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container a user may have only a number
        return f"user {os.getuid()}"


def _evaluations(
    trained: TrainedModel, test: Split, chosen: Mapping[str, VectorRecord], missing: Iterable[Ablation]
) -> Iterator[dict[str, Any]]:
    """The rows of a run, without its key. A model without counterfactuals has one prediction per ablation."""
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
