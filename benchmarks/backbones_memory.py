"""Memory and time of a training step of every backbone at the lengths of MOSEI, unaligned: 50/500/500 steps.

    python benchmarks/backbones_memory.py [--batches 8 32] [--only pmr,mult] [--limit 12]

Widths are 300/74/35, there is one output, and options are the defaults; a step is forward and backward through the
backbone's loss in training mode, on one CPU thread. Each measurement is a process of its own. Memory is what
`ru_maxrss` grew by after importing and building; seconds are the median of three steps behind a first one. What needs
more than the limit in GiB fails, and is shown as such. Rows "no attention dropout" set every `attn_dropout*` to 0: only
then does torch's attention on a CPU get along without keeping the map of all pairs of steps.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from causalmer_core.backbones.base import InputShape
from causalmer_core.backbones.build import BACKBONES, build_backbone
from causalmer_core.basics.modality import MODALITIES, Batch
from causalmer_core.basics.seeding import drawing_from
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.config.backbone_config import BUILT_IN
from causalmer_core.method.losses import task_loss

LENGTHS = (50, 500, 500)
WIDTHS = (300, 74, 35)
STEPS = 3
MIB_IN_KIB = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--only", help="names of backbones, with commas between them")
    parser.add_argument("--limit", type=float, default=12.0, help="GiB that a process may take")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measured(**json.loads(arguments.measure))))
        return
    names = arguments.only.split(",") if arguments.only else list(BACKBONES)
    headings = [f"batch {size}: {what}" for size in arguments.batches for what in ("MiB", "s a step")]
    table = Table("backbone", "parameters", *headings)
    for column in table.columns[1:]:
        column.justify = "right"
    for label, options in variants(names):
        found = [
            in_process({"options": options, "size": n, "limit": arguments.limit}) for n in arguments.batches
        ]
        parameters = next((f"{one['parameters']:,}" for one in found if one), "?")
        cells = [cell for one in found for cell in shown(one, arguments.limit)]
        table.add_row(label, parameters, *cells)
        print(label, parameters, *cells, file=sys.stderr)
    Console(width=120).print(table)


def variants(names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every backbone as it is by default, and where it has attention without the dropout of it."""
    for name in names:
        yield name, {"name": name}
        dropouts = [field for field in BUILT_IN[name].model_fields if field.startswith("attn_dropout")]
        if dropouts:
            yield f"{name}, no attention dropout", {"name": name, **dict.fromkeys(dropouts, 0.0)}


def in_process(task: dict[str, Any]) -> dict[str, float] | None:
    """What `measured` finds in a process of its own, or nothing where that fails for want of memory."""
    command = [sys.executable, str(Path(__file__)), "--measure", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        if "allocate memory" not in done.stderr:
            raise RuntimeError(done.stderr)
        return None
    found: dict[str, float] = json.loads(done.stdout)
    return found


def shown(found: dict[str, float] | None, limit: float) -> tuple[str, str]:
    if found is None:
        return f"over {limit:g} GiB", "-"
    return f"{found['mib']:,.0f}", f"{found['seconds']:.3f}"


def measured(*, options: dict[str, Any], size: int, limit: float) -> dict[str, float]:
    """Parameters, MiB and seconds of a backbone's training step in this process."""
    resource.setrlimit(resource.RLIMIT_AS, (int(limit * 2**30),) * 2)
    torch.set_num_threads(1)
    shape = InputShape(
        widths=dict(zip(MODALITIES, WIDTHS, strict=True)),
        lengths=dict(zip(MODALITIES, LENGTHS, strict=True)),
        task=Task(kind=TaskKind.REGRESSION, labels=("sentiment",)),
    )
    with drawing_from(0, "init"):
        model = build_backbone(BUILT_IN[options["name"]](**options), shape)
        text, audio, vision = (torch.randn(size, shape.lengths[m], shape.widths[m]) for m in MODALITIES)
        batch = Batch(text, audio, vision, torch.randn(size))
    before = peak()
    taken = []
    for _ in range(1 + STEPS):
        started = time.perf_counter()
        model.zero_grad()
        output = model(batch)
        (task_loss(shape.task, output.logits, batch.labels) + output.auxiliary_loss).backward()
        taken.append(time.perf_counter() - started)
    parameters = sum(p.numel() for p in model.parameters())
    return {"parameters": parameters, "mib": (peak() - before) / MIB_IN_KIB, "seconds": median(taken[1:])}


def peak() -> int:
    """KiB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
