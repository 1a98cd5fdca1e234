"""What users rely on stays as it was frozen: records of two sweeps, the schema, the help, the wheel, sweeps on disk.

Through the command line and files alone, so that modules may move. `tests/goldens/freeze.py` writes the fixtures.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

import goldens
import pyarrow.parquet as pq
import pytest
from tiny_sweep import YAML

FROZEN = goldens.GOLDENS


def frozen_json(*parts: str) -> Any:
    return json.loads(FROZEN.joinpath(*parts).read_text(encoding="utf-8"))


def frozen_text(name: str) -> str:
    return (FROZEN / name).read_text(encoding="utf-8")


def same_arithmetic() -> bool:
    """Whether the last digits must be as frozen: the same versions compute on a processor of the same kind."""
    return frozen_json("tiny", "records.json")["made with"] == goldens.arithmetic()


@pytest.fixture(scope="module", params=goldens.SWEEPS)
def sweep(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that is run anew, undisturbed."""
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    return goldens.run_sweep(name, goldens.sweep_file(name, YAML), folder)


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A finished sweep that an earlier version wrote."""
    return goldens.unpack(FROZEN / "sweep_finished.tar.gz", tmp_path)


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """A sweep that was killed in its search, under an earlier version."""
    return goldens.unpack(FROZEN / "sweep_interrupted.tar.gz", tmp_path)


@pytest.mark.slow
def test_a_sweep_writes_the_frozen_rows(sweep: Path) -> None:
    goldens.assert_rows_equal(sweep, FROZEN / sweep.name, exact=same_arithmetic())


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    ["files", "config_ids", "proposals", "debiasing", "metadata", "manifest", "selection", "sweep.yaml"],
)
def test_a_sweep_writes_the_frozen_records_beside_its_tables(sweep: Path, part: str) -> None:
    found, frozen = goldens.records(sweep)[part], frozen_json(sweep.name, "records.json")[part]
    if part == "sweep.yaml":
        for old, new in goldens.RENAMED_IN_YAML.items():
            frozen = frozen.replace(old, new)
    found, frozen = (goldens.without_versions(goldens.without_words(value)) for value in (found, frozen))
    assert found == (frozen if same_arithmetic() else goldens.close(frozen))


@pytest.mark.slow
def test_a_sweep_predicts_each_sample_as_frozen(sweep: Path) -> None:
    found = goldens.records(sweep)["predictions"]
    frozen = frozen_json(sweep.name, "records.json")["predictions"]
    frozen["columns"] = goldens.without_versions(frozen["columns"])
    assert found["rows"] == frozen["rows"]
    assert {name: column["type"] for name, column in found["columns"].items()} == {
        name: column["type"] for name, column in frozen["columns"].items()
    }
    if not same_arithmetic():
        pytest.skip(
            "digests of numbers are compared only where the frozen versions compute on such a processor"
        )
    assert found["columns"] == frozen["columns"]


def test_the_schema_is_the_frozen_one(tmp_path: Path) -> None:
    """Its sentences aside, and but for the names that changed."""
    frozen = frozen_text("schema.json")
    for old, new in goldens.RENAMED_IN_SCHEMA.items():
        frozen = frozen.replace(f'"{old}"', f'"{new}"').replace(f'/{old}"', f'/{new}"')
    found = goldens.bare_schema(json.loads(goldens.schema_text(tmp_path)))
    assert found == goldens.bare_schema(json.loads(frozen))


def test_every_command_and_option_that_was_frozen_is_there(tmp_path: Path) -> None:
    found = goldens.options_in(goldens.help_pages(tmp_path))
    frozen = frozen_json("help.json")["options"]
    assert found.keys() >= frozen.keys()
    for command, options in frozen.items():
        wanted = {goldens.RENAMED_OPTIONS.get(option, option) for option in options}
        assert set(found[command]) >= wanted, command


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files in the wheel of this tree."""
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("no setuptools here to build a wheel with")
    if shutil.which("git") is None or not (goldens.ROOT / ".git").exists():
        pytest.skip("no checkout whose files git could list")
    return goldens.wheel_files(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_every_file_of_the_packages(wheel: list[str]) -> None:
    packages = ("causalmer", "causalmer_core", "cluster", "results", "sweeps")
    tracked = {file.as_posix() for file in goldens.checkout_files() if file.parts[0] in packages}
    assert {name for name in wheel if ".dist-info/" not in name} == tracked


def test_the_wheel_has_every_data_file_wherever_packages_move(wheel: list[str]) -> None:
    """Told by their names and what they lie in, so that this also holds after modules moved."""
    assert data_files(wheel) >= data_files(frozen_text("wheel_data.txt").splitlines())


def data_files(files: list[str]) -> set[str]:
    paths = (PurePosixPath(name) for name in files)
    return {"/".join(p.parts[-2:]) for p in paths if p.suffix != ".py" and p.name != "py.typed"}


@pytest.mark.parametrize("words", goldens.QUICK_COMMANDS, ids=" ".join)
def test_a_quick_command_imports_no_other_package_than_it_did(finished: Path, words: tuple[str, ...]) -> None:
    frozen = frozen_json("imports.json")[" ".join(words)]
    assert set(goldens.imported(*words, cwd=finished.parents[1])) - set(frozen) == set()


@pytest.mark.slow
def test_a_finished_sweep_of_an_earlier_version_is_read(finished: Path) -> None:
    assert goldens.leaderboard(finished) == frozen_text("finished_leaderboard.txt")
    assert goldens.standing(finished) == frozen_text("finished_status.txt")
    goldens.run_command("results", "report", finished.name, cwd=finished.parents[1])
    assert (finished / "report.html").stat().st_size > 100_000


@pytest.mark.slow
def test_weights_of_an_earlier_version_are_read_and_predict_as_they_did(finished: Path) -> None:
    assert goldens.checkpoint_words(finished) == frozen_text("finished_weights.txt")


@pytest.mark.slow
def test_an_interrupted_sweep_of_an_earlier_version_goes_on_to_the_rows_of_an_undisturbed_one(
    interrupted: Path,
) -> None:
    ended = {path.name: path.read_bytes() for path in goldens.ended_runs(interrupted)}
    (open_run,) = goldens.unended_runs(interrupted)
    epochs = [row for row in goldens.journal(open_run) if row["kind"] == "epoch"]
    assert len(ended) >= 2
    assert epochs
    proposals = interrupted / "journals" / "proposals.jsonl"
    proposed = proposals.read_bytes()

    goldens.run_command("resume", f"{interrupted.name}.yaml", cwd=interrupted.parents[1])

    goldens.assert_rows_equal(interrupted, FROZEN / "tiny", exact=same_arithmetic())
    assert proposals.read_bytes().startswith(proposed)
    again = {path.name for path in goldens.run_journals(interrupted) if not path.stem.endswith("-a1")}
    assert again == {open_run.name.replace("-a1", "-a2")}, "what had ended was not trained again"
    assert {name: (open_run.parent / name).read_bytes() for name in ended} == ended
    went_on = [row for row in goldens.journal(open_run.with_name(*again)) if row["kind"] == "epoch"]
    assert went_on[0]["epoch"] > 1, "it went on from its checkpoint"
    tables = {name: pq.read_table(interrupted / name) for name in ("runs", "epochs")}
    attempts = {
        f"{run}-s{seed}-a{attempt}.jsonl"
        for run, seed, attempt in zip(
            *(tables["runs"][name].to_pylist() for name in ("config_id", "seed", "attempt")), strict=True
        )
    }
    assert set(ended) <= attempts
    assert again <= attempts
