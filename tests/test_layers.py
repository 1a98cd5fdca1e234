"""Imports point only to earlier rooms, and each outside library is known where the design says so.

The check is a function over a module's path and its source, so that it can be shown to fail.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rooms import MOST_ENTRIES, ORDER, ROOT, by_name, folders, modules, public_children, with_table

LAYERS = tuple(ORDER)

ALLOWED_IN = {
    "ray": (
        "cluster/",
        "sweeps/execution/runner.py",
        "sweeps/execution/trainable.py",
        "sweeps/execution/tune_hooks.py",
        "sweeps/progress/trackers.py",
        "sweeps/progress/wandb_callback.py",
    ),
    "optuna": (
        "sweeps/debiasing/search.py",
        "sweeps/search/importance.py",
        "sweeps/search/optuna_file.py",
        "sweeps/search/optuna_space.py",
        "sweeps/search/optuna_trials.py",
        "sweeps/search/proposer.py",
        "sweeps/search/samplers.py",
    ),
    "pyarrow": ("results/",),
    "torch": (
        "causalmer_core/",
        "sweeps/execution/run_session.py",
    ),
    "open_test_split": (
        "causalmer_core/datasets/store.py",
        "results/evaluation/checkpoint_evaluation.py",  # where a user asks for the test split by name
        "results/evaluation/final_evaluation.py",
    ),
}
"""Files or folders in which a library, or the way into the test split, may be named; a test keeps out stale ones."""

MAY_SHARE_A_NAME: dict[str, str] = {
    "main": "entry points",
}
"""Public names that may stand in more than one module, and why."""


def violations(path: str, source: str) -> Iterator[str]:
    """What a module names that it may not: later packages and rooms, private modules, libraries, the test split.

    Args:
        path: the module's path from the repository's root, with `/`.
        source: its text.
    """
    package, room = path.split("/")[0], path.split("/")[1].removesuffix(".py")
    for line, name in _names(ast.parse(source), path):
        top, *below = name.split(".")
        if top in ORDER and LAYERS.index(top) > LAYERS.index(package):
            yield f"{path}:{line}: {package} imports {name}; allowed {' <- '.join(LAYERS)}"
        elif top == package and below and below[0] != room and _place(top, below[0]) >= _place(top, room):
            yield f"{path}:{line}: {room} imports {name}; allowed {' <- '.join(map(', '.join, ORDER[top]))}"
        if top in ALLOWED_IN and not path.startswith(ALLOWED_IN[top]):
            yield f"{path}:{line}: names {top}; allowed in {', '.join(ALLOWED_IN[top])}"


def _place(package: str, room: str) -> int:
    """Where a room stands in the order of its package; `__init__`, which imports nothing, first."""
    places = {name: place for place, names in enumerate(ORDER[package]) for name in names}
    return places.get(room, -1)


def _names(tree: ast.Module, path: str) -> Iterator[tuple[int, str]]:
    """Everything a module imports, whole names, and each mention of the way into the test split."""
    folder = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            # `from results import report` names a room, `from results.report.report import X` a module
            names = [f"{module}.{alias.name}" for alias in node.names] if module in ORDER else [module]
            yield from ((node.lineno, name) for name in names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from ((node.lineno, str(arg.value)) for arg in node.args if isinstance(arg, ast.Constant))
        if "open_test_split" in (getattr(node, field, None) for field in ("id", "attr", "name", "value")):
            yield getattr(node, "lineno", 0), "open_test_split"


def test_every_module_imports_from_earlier_rooms_and_keeps_to_its_libraries() -> None:
    paths = [module.as_posix() for module in modules()]
    found = [line for path in paths for line in violations(path, (ROOT / path).read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


def test_every_room_has_its_place_in_the_order() -> None:
    for package, groups in ORDER.items():
        rooms = {module.parts[1].removesuffix(".py") for module in modules() if module.parts[0] == package}
        assert rooms - {"__init__"} == {room for group in groups for room in group}


def test_no_right_to_a_library_is_stale() -> None:
    for library, places in ALLOWED_IN.items():
        users = {
            module.as_posix()
            for module in modules()
            if library in {name.split(".")[0] for _, name in _names(_tree(module), module.as_posix())}
        }
        assert [place for place in places if not any(user.startswith(place) for user in users)] == []


def test_no_folder_has_more_entries_than_a_reader_takes_in_at_once() -> None:
    for folder in [Path(package) for package in ORDER] + folders():
        entries = [path.name for path in (ROOT / folder).iterdir() if path.name != "__pycache__"]
        assert len(entries) <= MOST_ENTRIES, f"{folder}: {sorted(entries)}"


def test_other_folders_import_from_a_folders_face() -> None:
    """The face of a folder is the list of its public modules, `__all__`: the others are its own business."""
    for folder in folders():
        if folder == Path("causalmer"):
            continue
        tree = _tree(folder / "__init__.py")
        (face,) = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        assert face is not None
        assert ast.literal_eval(face) == sorted(public_children(folder)), folder


def test_the_table_of_each_folder_says_what_its_files_say() -> None:
    for folder in folders():
        if folder != Path("causalmer"):
            written = ast.get_docstring(_tree(folder / "__init__.py"))
            wanted = ast.get_docstring(ast.parse(with_table(folder)))
            assert written == wanted, f"{folder}: write it anew with: python tests/helpers/rooms.py"


def test_a_public_name_stands_in_one_module() -> None:
    shared = {name: places for name, places in by_name().items() if len(places) > 1}
    assert shared.keys() == MAY_SHARE_A_NAME.keys(), shared


def _tree(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("causalmer_core/training/trainer.py", "import results.records.schemas"),
        ("causalmer_core/training/trainer.py", "from sweeps.spec.sweep_spec import SweepSpec"),
        ("cluster/connection/connect.py", "def f():\n    from results import records"),
        ("results/report/report.py", "import sweeps"),
        ("results/report/report.py", "if TYPE_CHECKING:\n    from sweeps.spec.sweep_spec import SweepSpec"),
        ("results/report/report.py", "from importlib import import_module\nimport_module('sweeps.spec')"),
        ("results/report/report.py", "import ray.tune"),
        ("results/report/report.py", "import torch.nn as nn"),
        ("sweeps/spec/sweep_spec.py", "from optuna.trial import Trial"),
        ("sweeps/execution/runner.py", "import pyarrow as pa"),
        ("causalmer_core/training/trainer.py", "import ray"),
        ("causalmer_core/training/trainer.py", "from causalmer_core.datasets.store import open_test_split"),
        ("sweeps/cli/data/app.py", "from causalmer_core.datasets import store\nstore.open_test_split('x')"),
        ("sweeps/cli/data/app.py", "getattr(store, 'open_test_split')"),
        ("sweeps/cli/checkpoint/app.py", "from causalmer_core.datasets.store import open_test_split"),
        ("causalmer_core/method/fusion.py", "from causalmer_core.models.causalmer import CausalMER"),
        ("causalmer_core/backbones/mult.py", "from causalmer_core.measures.metrics import Direction"),
        ("causalmer_core/config/run_config.py", "from causalmer_core import training"),
        ("results/storage/locks.py", "import results.records.manifest"),
        ("results/ranking/selection.py", "from results.evaluation import final_evaluation"),
        ("results/records/manifest.py", "from results.ranking.leaderboard import Leaderboard"),
        ("sweeps/spec/sweep_spec.py", "from sweeps.search.proposer import Proposer"),
        ("sweeps/jobs/search.py", "def f():\n    from sweeps.execution.runner import run_jobs"),
        ("sweeps/driver.py", "from sweeps.cli.output import console"),
        ("cluster/resources/gpu_share.py", "from cluster.connection.connect import local_ray"),
    ],
)
def test_a_wrong_import_is_found(path: str, source: str) -> None:
    found = list(violations(path, source))
    assert len(found) == 1
    assert found[0].startswith(f"{path}:")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "sweeps/spec/sweep_spec.py",
            "from results.records.layout import SweepLayout\nfrom cluster import resources",
        ),
        (
            "results/report/report.py",
            "from results.records import schemas\nfrom causalmer_core import config",
        ),
        ("results/records/compaction.py", "import pyarrow.parquet as pq"),
        ("results/report/report.py", "from results.report.report_content import sections"),
        ("cluster/connection/connect.py", "import ray"),
        ("causalmer_core/datasets/store.py", "def open_test_split(): ..."),
        (
            "results/evaluation/final_evaluation.py",
            "from causalmer_core.datasets.store import open_test_split",
        ),
        ("sweeps/execution/trainable.py", "from ray import tune"),
        ("sweeps/search/proposer.py", "import optuna"),
        ("results/report/report.py", "import torchless\nfrom rayon import x"),
        ("causalmer_core/models/causalmer.py", "from causalmer_core.method.fusion import fuse"),
        ("sweeps/driver.py", "from sweeps.gpu_memory.share_plan import plan_shares"),
    ],
)
def test_a_right_import_is_left_alone(path: str, source: str) -> None:
    assert not list(violations(path, source))


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("sweeps.spec.sweep_spec", {"torch", "ray", "optuna"}),  # a file is checked in a fraction of a second
        (
            "sweeps.execution.trainable, sweeps.driver",
            {"transformers"},
        ),  # only the published branches need it
    ],
)
def test_what_is_not_needed_is_not_imported(modules: str, heavy: set[str]) -> None:
    check = f"import sys, {modules}; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
