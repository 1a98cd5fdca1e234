"""The section `tracking` of a sweep's file: where else runs are shown while they train."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from pydantic import Field

from causalmer_core.errors import UserError
from causalmer_core.frozen import Frozen

TrackerName = Literal["tensorboard", "mlflow", "wandb"]

MODULES: dict[TrackerName, str] = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}
"""What each of them imports."""


class MLflowSection(Frozen):
    """MLflow, by Ray's callback. Its server's credentials come from the environment, as MLflow reads them.

    Attributes:
        tracking_uri: the server or store. None (default): MLflow's own, such as the variable MLFLOW_TRACKING_URI says.
        experiment: the experiment's name. None (default): the sweep's.
    """

    tracking_uri: str | None = Field(default=None, min_length=1)
    experiment: str | None = Field(default=None, min_length=1)


class WandbSection(Frozen):
    """Weights & Biases, by Ray's callback. The key comes from the variable WANDB_API_KEY or `wandb login`.

    Attributes:
        project: the project's name.
        entity: whose project. None (default): the account's own.
        mode: `online` (default), `offline` for files that `wandb sync` sends later, or `disabled`.
    """

    project: str = Field(min_length=1)
    entity: str | None = Field(default=None, min_length=1)
    mode: Literal["online", "offline", "disabled"] = "online"


class TrackingSection(Frozen):
    """Where runs are shown beside the records, which depend on none of it. One that fails is switched off.

    Attributes:
        tensorboard: event files below `tracking` in the sweep's folder (default false).
        mlflow: an MLflow server or store. None (default): not used.
        wandb: Weights & Biases. None (default): not used.
    """

    tensorboard: bool = False
    mlflow: MLflowSection | None = None
    wandb: WandbSection | None = None

    @property
    def names(self) -> tuple[TrackerName, ...]:
        """Those that are used."""
        used: dict[TrackerName, object] = {
            "tensorboard": self.tensorboard,
            "mlflow": self.mlflow,
            "wandb": self.wandb,
        }
        return tuple(name for name, section in used.items() if section)


def check_installed(name: TrackerName) -> None:
    """Checks that a tracker can be imported.

    Raises:
        UserError: its package is missing; the message says how to install it.
    """
    if find_spec(MODULES[name]) is None:
        raise UserError(
            f"tracking.{name}: the package {MODULES[name]!r} is not installed; pip install 'causalmer[{name}]', or "
            f"leave the key out"
        )
