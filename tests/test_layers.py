"""Imports point only to the left, and each outside library is known where the design says so.

The check is a function over a module's path and its source, so that it can be shown to fail.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("causalmer_core", "cluster", "results", "sweeps")

ALLOWED_IN = {
    "ray": (
        "cluster/",
        "sweeps/trainable.py",
        "sweeps/runner.py",
        "sweeps/ended_trials.py",
        "sweeps/trial_order.py",
        "sweeps/tracking.py",
        "sweeps/wandb_callback.py",
        "sweeps/search.py",
        "sweeps/scheduling.py",
    ),
    "optuna": (
        "sweeps/search.py",
        "sweeps/samplers.py",
        "sweeps/study_trials.py",
        "sweeps/study_file.py",
        "sweeps/debiasing_search.py",
        "sweeps/parameter_importance.py",
    ),
    "pyarrow": ("results/",),
    "torch": (
        "causalmer_core/",
        "sweeps/trainable.py",
        "sweeps/run_session.py",
        "sweeps/plan.py",
        "results/final_evaluation.py",
    ),
    "open_test_split": (
        "causalmer_core/datasets/store.py",
        "results/final_evaluation.py",
        "results/checkpoint_evaluation.py",  # where a user asks for the test split by name
    ),
}
"""Files or folders in which a library, or the way into the test split, may be named."""


def violations(path: str, source: str) -> Iterator[str]:
    """What a module names that it may not: other layers to its right, libraries, the test split.

    Args:
        path: the module's path from the repository's root, with `/`.
        source: its text.
    """
    layer = path.split("/")[0]
    for line, name in _names(ast.parse(source), path):
        top = name.split(".")[0]
        if top in LAYERS and LAYERS.index(top) > LAYERS.index(layer):
            yield f"{path}:{line}: {layer} imports {name}; allowed {' <- '.join(LAYERS)}"
        if top in ALLOWED_IN and not path.startswith(ALLOWED_IN[top]):
            yield f"{path}:{line}: names {top}; allowed in {', '.join(ALLOWED_IN[top])}"


def _names(tree: ast.Module, path: str) -> Iterator[tuple[int, str]]:
    """Everything a module imports, whole names, and each mention of the way into the test split."""
    folder = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else []
            yield node.lineno, ".".join([*above, *([node.module] if node.module else [])])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from ((node.lineno, str(arg.value)) for arg in node.args if isinstance(arg, ast.Constant))
        if "open_test_split" in (getattr(node, field, None) for field in ("id", "attr", "name", "value")):
            yield getattr(node, "lineno", 0), "open_test_split"


def modules() -> list[str]:
    files = (file for layer in LAYERS for file in (ROOT / layer).rglob("*.py"))
    return sorted(file.relative_to(ROOT).as_posix() for file in files)


def test_every_module_imports_to_the_left_and_keeps_to_its_libraries() -> None:
    paths = modules()
    assert {path.split("/")[0] for path in paths} == set(LAYERS)
    found = [line for path in paths for line in violations(path, (ROOT / path).read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("causalmer_core/trainer.py", "import results.records"),
        ("causalmer_core/trainer.py", "from sweeps.spec import SweepSpec"),
        ("cluster/connect.py", "def f():\n    from results import layout"),
        ("results/report.py", "import sweeps"),
        ("results/report.py", "if TYPE_CHECKING:\n    from sweeps.spec import SweepSpec"),
        ("results/report.py", "from importlib import import_module\nimport_module('sweeps.spec')"),
        ("results/report.py", "import ray.tune"),
        ("results/report.py", "import torch.nn as nn"),
        ("sweeps/spec.py", "from optuna.trial import Trial"),
        ("sweeps/runner.py", "import pyarrow as pa"),
        ("causalmer_core/trainer.py", "import ray"),
        ("causalmer_core/trainer.py", "from causalmer_core.datasets.store import open_test_split"),
        ("sweeps/cli/data.py", "from causalmer_core.datasets import store\nstore.open_test_split('x')"),
        ("sweeps/cli/data.py", "getattr(store, 'open_test_split')"),
        ("sweeps/cli/checkpoint.py", "from causalmer_core.datasets.store import open_test_split"),
    ],
)
def test_a_wrong_import_is_found(path: str, source: str) -> None:
    found = list(violations(path, source))
    assert len(found) == 1
    assert found[0].startswith(f"{path}:")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("sweeps/spec.py", "from results.layout import SweepLayout\nfrom cluster import resources"),
        ("results/report.py", "from results.records import RunKey\nfrom causalmer_core import config"),
        ("results/compaction.py", "import pyarrow.parquet as pq"),
        ("results/report.py", "from .records import RunKey"),
        ("cluster/connect.py", "import ray"),
        ("causalmer_core/datasets/store.py", "def open_test_split(): ..."),
        ("results/final_evaluation.py", "from causalmer_core.datasets.store import open_test_split"),
        ("sweeps/trainable.py", "import torch\nfrom ray import tune"),
        ("sweeps/search.py", "import optuna"),
        ("results/report.py", "import torchless\nfrom rayon import x"),
    ],
)
def test_a_right_import_is_left_alone(path: str, source: str) -> None:
    assert not list(violations(path, source))


def test_the_command_line_starts_without_torch_and_ray() -> None:
    """A sweep's file is checked in a fraction of a second: nothing that `sweeps.spec` imports loads torch."""
    check = "import sys, sweeps.spec; print(sorted({'torch', 'ray', 'optuna'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_training_starts_without_transformers() -> None:
    """It takes seconds of every process that trains, and only the published branches need it."""
    check = "import sys, sweeps.trainable, sweeps.driver; print('transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"
