"""`causalmer checkpoint` and `causalmer results evaluate --checkpoint`, as typed by a user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import published_standins as standins
import pytest
import torch
from typer.testing import CliRunner

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.datasets.base import Split
from causalmer_core.datasets.store import write_dataset
from causalmer_core.measures.metrics import compute_metrics, predicted_labels
from sweeps.cli.main import app

TASK = Task(kind=TaskKind.EMOTIONS, labels=("neutral", "happy", "sad", "angry"))
SAMPLES = {"train": 4, "valid": 9, "test": 7}


def split(name: str) -> Split:
    rng = np.random.default_rng(SAMPLES[name])
    shapes = zip(MODALITIES, (7, 12, 9), standins.WIDTHS.values(), strict=True)
    samples = SAMPLES[name]
    return Split(
        features={m: rng.standard_normal((samples, t, w)).astype(np.float32) for m, t, w in shapes},
        labels=rng.integers(0, 2, (samples, 4)),
        ids=[f"{name}{i}" for i in range(samples)],
    )


@pytest.fixture(scope="module")
def original() -> standins.CAUSALMER:
    return standins.published_model()


@pytest.fixture(scope="module")
def folder(original: standins.CAUSALMER, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `published.pt`, the checkpoint `mine` imported from it, and the data set `field`."""
    folder = tmp_path_factory.mktemp("cli")
    standins.save(original, folder / "published.pt")
    write_dataset(folder / "data", "field", task=TASK, splits={name: split(name) for name in SAMPLES})
    (folder / "imported.txt").write_text(
        called(folder, "checkpoint", "import", "published.pt", "--out", "mine")
    )
    return folder


def called(folder: Path, *arguments: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CAUSALMER_DATA", "data")
        result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def row(output: str, *beginning: str) -> list[str]:
    """The cells of the line that begins with these words."""
    lines = [line.split() for line in output.splitlines()]
    return next(cells for cells in lines if cells[: len(beginning)] == list(beginning))


def test_an_import_says_what_it_found_and_what_it_assumed(folder: Path) -> None:
    output = (folder / "imported.txt").read_text()
    assert "whole module src.causal_mer_model.CAUSALMER" in output
    assert "hidden_dim 8, layers 2, memory_layers 3, kernels 1/3/3" in output
    assert row(output, "constants")[1:7] == ["c_t", "0.1,", "c_a", "-0.2,", "c_v", "0.3"]
    assert row(output, "fusion") == ["fusion", "mask", "in", "the", "file"]
    assert row(output, "labels") == ["labels", "neutral,", "happy,", "sad,", "angry", "assumed"]
    assert row(output, "standardise") == ["standardise", "never", "assumed"]
    assert row(output, "written") == ["written", "to", "mine"]
    assert (folder / "mine" / "best.safetensors").is_file()


@pytest.mark.parametrize("removed", ["", "t", "a,v"])
def test_the_metrics_are_those_of_the_original_with_the_same_modalities_removed(
    folder: Path, original: standins.CAUSALMER, removed: str
) -> None:
    output = called(
        folder,
        "results",
        "evaluate",
        "--checkpoint",
        "mine",
        "--data",
        "field",
        "--remove",
        removed or "none",
    )
    valid = split("valid")
    features = [
        torch.from_numpy(valid.features[m]) * (m.letter not in removed.split(",")) for m in MODALITIES
    ]
    with torch.no_grad():
        expected = original(*features)
    assert "data set field, split valid, 9 samples" in output
    assert "TEST" not in output
    for name, logits in expected.items():
        metrics = compute_metrics(TASK, predicted_labels(TASK, logits.numpy()), valid.labels)
        beginning = [removed or "none", "tie"] if name == "tie" else [name]
        wanted = [f"{metrics[m]:.4f}" for m in ("accuracy", "weighted_f1", "exact_match")]
        assert row(output, *beginning)[len(beginning) :] == wanted
        if name == "tie":
            per_emotion = [f"{metrics[f'accuracy_{label}']:.4f}" for label in TASK.labels]
            assert row(output, removed or "none", "accuracy")[2:] == per_emotion


def test_every_subset_is_removed_unless_some_are_named(folder: Path) -> None:
    output = called(folder, "checkpoint", "evaluate", "mine", "--data", "field")
    shown = [line.split()[0] for line in output.splitlines() if line.split()[1:2] == ["tie"]]
    assert shown == ["none", "t", "a", "v", "t,a", "t,v", "a,v", "t,a,v"]
    output = called(
        folder, "checkpoint", "evaluate", "mine", "--data", "field", "--remove", "text", "--remove", "v,t"
    )
    shown = [line.split()[0] for line in output.splitlines() if line.split()[1:2] == ["tie"]]
    assert shown == ["t", "t,v"]


def test_the_test_split_is_opened_only_by_name_and_said_to_be_it(folder: Path) -> None:
    output = called(
        folder,
        "checkpoint",
        "evaluate",
        "mine",
        "--data",
        "field",
        "--remove",
        "none",
        "--split",
        "test",
    )
    assert output.startswith("this is the TEST split")
    assert "data set field, split test, 7 samples" in output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("checkpoint", "evaluate", "mine", "--data", "other"), "no data set 'other'.*there: field"),
        (("checkpoint", "evaluate", "yours", "--data", "field"), "yours: no such checkpoint"),
        (("checkpoint", "evaluate", "published.pt", "--data", "field"), "not a readable checkpoint"),
        (
            ("checkpoint", "evaluate", "mine", "--data", "field", "--remove", "x"),
            "'x' is no modality; allowed: none, or t, a and v",
        ),
        (("checkpoint", "import", "published.pt", "--out", "mine"), "holds a checkpoint already"),
        (("checkpoint", "import", "absent.pt", "--out", "new"), r"absent\.pt: cannot be read"),
        (("results", "evaluate", "--checkpoint", "mine"), "give --data NAME"),
        (("results", "evaluate", "sweep", "--checkpoint", "mine", "--data", "field"), "no SWEEP"),
        (("results", "evaluate", "sweep", "--split", "test"), "go with --checkpoint"),
        (("results", "evaluate"), "give a sweep"),
    ],
)
def test_a_mistake_is_said_in_a_line(folder: Path, arguments: tuple[str, ...], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        called(folder, *arguments)
