"""The trainer: a generator of epoch results.

It trains one configuration with one seed and yields after every epoch. Its caller decides whether to record, report,
checkpoint or stop. It knows no Ray, no result files and no test split.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.modality import Batch
from causalmer_core.basics.seeding import drawing_from
from causalmer_core.config.identity import config_id
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.batches import batches_for, epoch_order
from causalmer_core.datasets.folds import folded
from causalmer_core.measures.ablation import NO_ABLATION, Ablation
from causalmer_core.measures.metrics import checked_metric, oriented
from causalmer_core.models.build import AnyModel, build_model
from causalmer_core.training.checkpoint import load_tensors, pack_optimiser, save_tensors, unpack_optimiser
from causalmer_core.training.compute import layers_in
from causalmer_core.training.evaluation import Evaluation, LossMeter, MeanLosses, evaluate


class NonFiniteLossError(Exception):
    """The training or the validation loss became NaN or infinite; earlier epochs stay valid."""


class StopReason(StrEnum):
    """Why training ended by itself."""

    MAX_EPOCHS = "max_epochs"
    EARLY_STOPPING = "early_stopping"


@dataclass(frozen=True, slots=True)
class EpochResult:
    """The result of one epoch.

    Attributes:
        epoch: its number, from 1.
        train, valid: mean losses over the samples.
        metrics: every metric of the task on the validation split.
        learning_rate: the backbone's learning rate in this epoch.
        constants: the no-treatment constants of text, audio and vision after the epoch. None: the model has none.
        is_best: whether the monitored metric is the best so far.
        best_epoch, best_value: the best epoch so far, and the monitored metric in it.
        seconds: wall time of training and validation, in seconds.
        stop: the reason why this is the last epoch, or None.
    """

    epoch: int
    train: MeanLosses
    valid: MeanLosses
    metrics: dict[str, float]
    learning_rate: float
    constants: tuple[float, float, float] | None
    is_best: bool
    best_epoch: int
    best_value: float
    seconds: float
    stop: StopReason | None


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of one step of the optimiser.

    Attributes:
        losses: means over the batch, before the step.
        grad_norm: the norm of the gradient over all parameters together, before it was clipped.
    """

    losses: MeanLosses
    grad_norm: float


class Trainer:
    """Training of one configuration with one seed.

    Args:
        config: the configuration.
        data: the training and the validation split; with `data.split` the trainer uses the seed's fold of them.
        seed: the replicate; every random stream derives from it.
        device: where to train.

    Raises:
        UserError: the configuration does not fit the data.
    """

    def __init__(self, config: RunConfig, data: TrainingData, *, seed: int, device: torch.device) -> None:
        self.config = config
        self.seed = seed
        self.device = device
        self._direction = checked_metric(data.task, config.trainer.monitor)
        self._fingerprint = data.fingerprint
        data = folded(data, config.data.split, seed)
        with drawing_from(seed, "init"):
            self.model: AnyModel = build_model(config.model, data).to(device)
        size = config.trainer.batch_size
        self._train_batches = batches_for(config.data, data, data.train, size=size, device=device)
        self._valid_batches = batches_for(config.data, data, data.valid, size=size, device=device)
        self._parameters = [p for group in self.model.parameter_groups().values() for p in group]
        self._optimiser = self._build_optimiser()
        self._schedule = ReduceLROnPlateau(
            self._optimiser,
            mode="max" if config.trainer.plateau_by == "monitor" else "min",
            factor=config.trainer.plateau_factor,
            patience=config.trainer.plateau_patience,
            threshold=0.0,  # torch's default is relative: a slightly worse negative value would count as a new best
        )
        self.epoch = 0
        self.best_epoch = 0
        self.best_value = oriented(-math.inf, self._direction)

    @property
    def num_parameters(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.numel() for parameter in self._parameters)

    @property
    def stop_reason(self) -> StopReason | None:
        """The reason why training has ended by itself, or None while it continues."""
        trainer = self.config.trainer
        patience = trainer.early_stopping
        if patience is not None and self.epoch - self.best_epoch >= patience and self.epoch > 0:
            return StopReason.EARLY_STOPPING
        return StopReason.MAX_EPOCHS if self.epoch >= trainer.max_epochs else None

    def epochs(self) -> Iterator[EpochResult]:
        """Train from the current epoch on, and yield after every epoch until training ends by itself.

        Raises:
            NonFiniteLossError: the training or the validation loss is NaN or infinite.
        """
        while self.stop_reason is None:
            started = time.perf_counter()
            learning_rate = float(self._optimiser.param_groups[0]["lr"])
            train = self._train_epoch(self.epoch + 1)
            valid = self.validate()
            _finite(valid.losses, "validation", self.epoch + 1)
            self.epoch += 1
            value = valid.metrics[self.config.trainer.monitor]
            is_best = oriented(value, self._direction) > oriented(self.best_value, self._direction)
            if is_best:
                self.best_epoch, self.best_value = self.epoch, value
            self._schedule.step(self._plateau_value(value, valid.losses))
            yield EpochResult(
                epoch=self.epoch,
                train=train,
                valid=valid.losses,
                metrics=valid.metrics,
                learning_rate=learning_rate,
                constants=self._constants(),
                is_best=is_best,
                best_epoch=self.best_epoch,
                best_value=self.best_value,
                seconds=time.perf_counter() - started,
                stop=self.stop_reason,
            )

    def validate(self, ablation: Ablation = NO_ABLATION) -> Evaluation:
        """Evaluate the current model on the validation split; training is not affected.

        Args:
            ablation: the ablation of the samples.
        """
        return evaluate(
            self.model,
            self._valid_batches,
            self.config.loss,
            ablation=ablation,
            precision=self.config.trainer.precision,
        )

    def step(self, batch: Batch) -> StepResult:
        """One step of the optimiser on a batch; the model should be in training mode."""
        return self._step([batch])

    def _step(self, batches: Sequence[Batch]) -> StepResult:
        """One step of the optimiser on the sum of the batches' gradients; the losses are means over their samples."""
        self._optimiser.zero_grad()
        losses = torch.stack([self._backward(batch) for batch in batches])
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, self.config.optimiser.clip_norm)
        self._optimiser.step()
        *of_batches, grad_norm = torch.cat([losses.flatten(), norm[None]]).tolist()  # one wait for the device
        total, task, kl = np.average(
            np.reshape(of_batches, losses.shape), axis=0, weights=[len(b) for b in batches]
        ).tolist()
        return StepResult(MeanLosses(total, task, kl), grad_norm)

    def _backward(self, batch: Batch) -> Tensor:
        """Add a batch's gradients; return its total, task and KL loss, `(3,)`."""
        with layers_in(self.config.trainer.precision, self.device):
            output = self.model(batch)
        terms = self.model.loss(output, batch.labels, self.config.loss)
        terms.total.backward()
        return torch.stack([terms.total.detach(), terms.task.detach(), terms.kl.detach()])

    def save(self, path: Path) -> None:
        """Write everything that training resumes from."""
        optimiser_tensors, optimiser_plain = pack_optimiser(self._optimiser)
        model_tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        save_tensors(
            path,
            {**model_tensors, **optimiser_tensors},
            {
                **self._identity(),
                "epoch": self.epoch,
                "best_epoch": self.best_epoch,
                "best_value": self.best_value,
                "schedule": self._schedule.state_dict(),
                "optimiser": optimiser_plain,
            },
        )

    def restore(self, path: Path) -> None:
        """Resume from a file of `save`. On a CPU the next epochs equal those of an uninterrupted run bit for bit.

        After an error the trainer may be partly restored, so make a new one.

        Raises:
            DamagedFileError: the file is missing or damaged, or of another configuration, seed, data set or model.
            UserError: the file cannot be read, or a newer version wrote it.
        """
        remedy = "remove it, and the run trains from its start"
        tensors, state = load_tensors(path, remedy=remedy)
        for key, value in self._identity().items():
            # Checkpoints of older versions have no fingerprint; their config_id depends on it.
            found = state.get(key, value if key == "fingerprint" else None)
            if found != value:
                raise DamagedFileError(
                    path, f"it is the checkpoint of {key} {found!r}, needed {value!r}", remedy
                )
        prefix = "model."
        weights = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        if _shapes(weights) != _shapes(self.model.state_dict()):
            raise DamagedFileError(path, "its weights are of another model", remedy)
        self.model.load_state_dict(weights)
        try:
            unpack_optimiser(self._optimiser, tensors, state["optimiser"])
            self._schedule.load_state_dict(state["schedule"])
            self.epoch = state["epoch"]
            self.best_epoch, self.best_value = state["best_epoch"], state["best_value"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DamagedFileError(
                path, f"its state of the optimiser does not fit ({error})", remedy
            ) from error

    def save_weights(self, path: Path) -> None:
        """Write the model's weights alone, with the run, the epoch and the configuration that they are from."""
        save_tensors(
            path,
            self.model.state_dict(),
            {**self._identity(), "epoch": self.epoch, "config": self.config.model_dump(mode="json")},
        )

    def _identity(self) -> dict[str, Any]:
        return {"config_id": config_id(self.config), "seed": self.seed, "fingerprint": self._fingerprint}

    def _build_optimiser(self) -> torch.optim.Optimizer:
        rates = self.config.optimiser.learning_rates
        groups = [
            {"params": parameters, "lr": getattr(rates, name)}
            for name, parameters in self.model.parameter_groups().items()
        ]
        return torch.optim.Adam(groups, weight_decay=self.config.optimiser.weight_decay)

    def _train_epoch(self, epoch: int) -> MeanLosses:
        self.model.train()
        meter = LossMeter()
        order = epoch_order(len(self._train_batches.split), self.seed, epoch)
        with drawing_from(self.seed, "dropout", epoch, device=self.device):
            for batches in self._accumulated(order):
                meter.add(self._step(batches).losses, sum(map(len, batches)))
        return _finite(meter.means(), "training", epoch)

    def _accumulated(self, order: NDArray[np.int64]) -> Iterator[tuple[Batch, ...]]:
        """The batches of each step. An epoch with too few batches for one step still makes one step."""
        optimiser = self.config.optimiser
        size = optimiser.accumulate_batches
        batches = self._train_batches(order)
        for number, together in enumerate(iter(lambda: tuple(islice(batches, size)), ())):
            if len(together) == size or number == 0 or not optimiser.drop_last_batches:
                yield together

    def _plateau_value(self, monitored: float, losses: MeanLosses) -> float:
        by = self.config.trainer.plateau_by
        return {
            "monitor": oriented(monitored, self._direction),
            "loss": losses.total,
            "task_loss": losses.task,
        }[by]

    def _constants(self) -> tuple[float, float, float] | None:
        constants = self.model.constants
        if constants is None:
            return None
        text, audio, vision = constants.tolist()
        return text, audio, vision


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _finite(losses: MeanLosses, split: str, epoch: int) -> MeanLosses:
    if not math.isfinite(losses.total):
        raise NonFiniteLossError(f"the {split} loss of epoch {epoch} is {losses.total}")
    return losses
