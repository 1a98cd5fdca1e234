"""The weights of runs: used only if they are those of the run's best epoch on record."""

from __future__ import annotations

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.datasets.base import TrainingData
from causalmer_core.training.trained_model import TrainedModel, WeightsOrigin, load_trained, read_weights
from results.records.histories import RunHistory, read_run
from results.records.layout import SweepLayout
from results.records.schemas import RunKey

REMEDY = "'causalmer resume' trains the run again"


def weights_fault(layout: SweepLayout, run: RunHistory) -> str:
    """Why a run's weights cannot be used: they are missing, damaged or from elsewhere. Empty: they can be used.

    The weights are fetched from the sweep's store.

    Raises:
        UserError: the file cannot be read, or a newer version wrote it.
        StoreError: the object store does not answer.
    """
    path = layout.best_weights(run.key)
    if not layout.store.pull(path):
        return "no weights"
    try:
        read_weights(path, weights_origin(run))
    except DamagedFileError as error:
        return f"{path.name}: {error.what}"
    return ""


def trained_model(layout: SweepLayout, key: RunKey, data: TrainingData) -> TrainedModel:
    """The model of a run at its best epoch, on the CPU.

    Args:
        layout: the sweep's folder, with the weights.
        key: the run, which is on record.
        data: the data set of the sweep.

    Raises:
        DamagedFileError: the weights are missing or damaged, or from another run, epoch or data set.
        UserError: the file cannot be read, a newer version wrote it, or it does not fit the data.
    """
    run, path = read_run(layout, key), layout.best_weights(key)
    if run is None:
        raise DamagedFileError(path, "its run is not on record", REMEDY)
    return load_trained(path, data, weights_origin(run), remedy=REMEDY)


def weights_origin(run: RunHistory) -> WeightsOrigin:
    """The origin that a run's weights must have."""
    # Without a best epoch there are no weights, and no file has the epoch 0.
    fingerprint = run.config["data"]["fingerprint"]
    return WeightsOrigin(run.key.config_id, run.key.seed, run.best_epoch or 0, fingerprint)
