"""Every backbone at a size that is built and trained in milliseconds, and batches for it; a third party's installed."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_data import LENGTHS, TASKS, WIDTHS
from torch import nn

from causalmer_core.backbones.base import Backbone, InputShape
from causalmer_core.backbones.build import BACKBONES, build_backbone
from causalmer_core.basics.modality import MODALITIES, Batch, Modality
from causalmer_core.basics.seeding import drawing_from
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.backbone_config import BUILT_IN, ENTRY_POINTS, BackboneConfig, installed_class

ROOT = Path(__file__).parents[2]
INSTALLED = "mean_pool"
"""The third party's backbone: the one that `docs/backbones.md` shows."""
NAMES = (*BACKBONES, INSTALLED)
"""Every backbone that is held to the contract."""
EVERY_BACKBONE = pytest.mark.parametrize("name", NAMES)
EVERY_KIND = pytest.mark.parametrize("kind", list(TaskKind))

_SMALL = {
    "hidden_dim": 8,
    "num_heads": 2,
    "layers": 1,
    "memory_layers": 1,
    "head_layers": 1,
    "kernel_text": 1,
    "kernel_audio": 3,
    "kernel_vision": 1,
    "score_steps": 3,
}


@contextmanager
def distribution(
    folder: Path, modules: Mapping[str, str], backbones: Mapping[str, str], *, name: str = "their_package"
) -> Iterator[None]:
    """Within the block a distribution stands on the path, as `pip install` would leave it.

    Args:
        folder: where it is written.
        modules: the source of each of its modules, by dotted name.
        backbones: its entry points in our group, by name.
    """
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    points = "".join(f"{point} = {target}\n" for point, target in backbones.items())
    (information / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{points}", "utf-8")
    for module, source in modules.items():
        path = folder.joinpath(*module.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield
        for module in modules:
            for part in (module, module.split(".")[0]):
                sys.modules.pop(part, None)


def documented() -> tuple[dict[str, str], dict[str, str]]:
    """The modules and the entry points of the backbone that `docs/backbones.md` shows."""
    text = (ROOT / "docs" / "backbones.md").read_text(encoding="utf-8")
    (code,), (project,) = (
        re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("python", "toml")
    )
    points: dict[str, str] = tomllib.loads(project)["project"]["entry-points"][ENTRY_POINTS]
    return {points[INSTALLED].split(":")[0]: code}, points


def config_type(name: str) -> type[BackboneConfig]:
    """The class of a backbone's configuration: ours, or a third party's."""
    found: type[BackboneConfig] = BUILT_IN[name] if name in BUILT_IN else installed_class(name).config_type
    return found


def small_options(name: str, *, dropout: bool = True, **changes: Any) -> dict[str, Any]:
    """`model.backbone` for a small backbone of that name, with or without all of its dropouts."""
    fields = config_type(name).model_fields
    sizes = {key: value for key, value in _SMALL.items() if key in fields}
    dropouts = {} if dropout else {key: 0.0 for key in fields if "dropout" in key}
    return {"name": name, **sizes, **dropouts, **changes}


def small_config(name: str, *, dropout: bool = True, **changes: Any) -> BackboneConfig:
    """The configuration that `small_options` describes."""
    return config_type(name)(**small_options(name, dropout=dropout, **changes))


def tiny_shape(
    kind: TaskKind = TaskKind.EMOTIONS,
    *,
    widths: Mapping[Modality, int] = WIDTHS,
    lengths: Mapping[Modality, int] = LENGTHS,
) -> InputShape:
    """The shape of `tiny_data`'s samples, or another."""
    return InputShape(widths=widths, lengths=lengths, task=TASKS[kind])


def built(config: BackboneConfig, shape: InputShape | None = None, *, seed: int = 0) -> Backbone:
    """A backbone with the weights of a seed."""
    with drawing_from(seed, "init"):
        return build_backbone(config, shape or tiny_shape())


def small(name: str, *, dropout: bool = True, seed: int = 0, **changes: Any) -> Backbone:
    """A small backbone of that name."""
    return built(small_config(name, dropout=dropout, **changes), seed=seed)


def tiny_batch(
    shape: InputShape | None = None, samples: int = 6, *, masks: bool = False, key: int = 0
) -> Batch:
    """Random features and labels. With masks samples have 3 steps or more, and features beyond them too."""
    shape = shape or tiny_shape()
    generator = torch.Generator().manual_seed(key)
    features = [
        torch.randn(samples, shape.lengths[m], shape.widths[m], generator=generator) for m in MODALITIES
    ]
    there = {m: _lengths(samples, shape.lengths[m], generator) for m in MODALITIES}
    found = {m: torch.arange(shape.lengths[m]) < lengths[:, None] for m, lengths in there.items()}
    return Batch(*features, labels(shape, samples, generator), found if masks else {})


def padded(batch: Batch, steps: Mapping[Modality, int], *, key: int = 1) -> Batch:
    """The batch with so many steps more of some modalities, of random features, that are not there."""
    generator = torch.Generator().manual_seed(key)
    features, masks = {}, dict(batch.masks)
    for modality, more in steps.items():
        x = batch[modality]
        features[modality] = torch.cat([x, torch.randn(len(x), more, x.shape[2], generator=generator)], dim=1)
        masks[modality] = nn.functional.pad(batch.masks[modality], (0, more), value=False)
    return replace(batch.replaced(features), masks=masks)


def labels(shape: InputShape, samples: int, generator: torch.Generator) -> torch.Tensor:
    """Random labels of a task."""
    count = len(shape.task.labels)
    if shape.task.kind is TaskKind.EMOTIONS:
        return torch.randint(2, (samples, count), generator=generator)
    if shape.task.kind is TaskKind.CLASSES:
        return torch.randint(count, (samples,), generator=generator)
    return torch.randn(samples, generator=generator)


def _lengths(samples: int, steps: int, generator: torch.Generator) -> torch.Tensor:
    found = torch.randint(min(3, steps), steps + 1, (samples,), generator=generator)
    found[0], found[1:2] = steps, min(3, steps)
    return found


def copied(module: nn.Module) -> dict[str, torch.Tensor]:
    """The module's tensors as they are now, by name."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
