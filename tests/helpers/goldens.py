"""What must not change, read from outside: through the command line and the files that a sweep writes.

Nothing of the product is imported here, so that its modules may move. `tests/goldens/freeze.py` writes the fixtures
with these functions, and `tests/test_goldens.py` compares with them.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

ROOT = Path(__file__).parents[2]
GOLDENS = ROOT / "tests" / "goldens"

SWEEPS = ("quickstart", "tiny")
TABLES = {
    "epochs": ["config_id", "seed", "phase", "epoch"],
    "runs": ["config_id", "seed", "phase"],
    "evaluations": ["contender", "config_id", "seed", "split", "present", "ablation", "rate", "prediction"],
}
"""The tables whose rows are kept whole, with the columns that order them."""
PREDICTIONS_KEY = ["contender", "config_id", "seed", "split", "sample"]

OF_ONE_SWEEP = {
    "sweep_id",
    "attempt",
    "time",
    "seconds",
    "started",
    "created",
    "selected_at",
    "host",
    "causalmer_journals",
    "sha256",
    "spec_sha256",
}
OF_ONE_MACHINE = {"device", "peak_bytes"}
OF_ONE_INSTALLATION = {"causalmer", "python", "torch", "git_commit", "git_dirty", "versions", "environment"}
OF_ONE_VERSION = {"schema_version", "causalmer_schema_version", "manifest_version"}
NOT_KEPT = OF_ONE_SWEEP | OF_ONE_MACHINE | OF_ONE_INSTALLATION | OF_ONE_VERSION
"""Columns and keys that two equal sweeps may differ in."""
WORDS = {"reason", "reasons", "notes", "note"}
"""Columns and keys that hold sentences; sentences may be said better at any time."""
RENAMED_COLUMNS = {"removal": "ablation"}
RENAMED_IN_YAML = {"fidelity: mended": "method: corrected", "removals:": "ablations:"}
RENAMED_IN_SCHEMA = {
    "Objective": "ObjectiveEntry",
    "Constraint": "ConstraintEntry",
    "fidelity": "method",
    "removals": "ablations",
    "mended": "corrected",
    "paper": "published",
}
RENAMED_OPTIONS = {"--take": "--map"}
"""What has another name since it was frozen (see the changelog)."""

ARITHMETIC = ("numpy", "optuna", "scikit-learn", "scipy", "torch")
"""The packages that decide the last digits."""

QUICK_COMMANDS = (("--help",), ("status", "tiny"), ("plan", "tiny.yaml"))
"""Commands that answer soon because they import little."""

LEFT_OUT = ("ray", "report.html")
"""Of a sweep's folder what an archive has not: Ray's own files, and the page, which is made anew in a second."""
PATIENCE = 480.0


def run_command(*arguments: str, cwd: Path, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """The command line with these arguments, run to its end; `options` are the interpreter's."""
    done = subprocess.run(
        [sys.executable, *options, "-c", program("main()"), *arguments],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done


def program(then: str) -> str:
    """A program that imports the function behind the command `causalmer` as `main`, and does something then.

    pyproject.toml says where that function is: a command that was installed before modules moved would still look
    in the old place.
    """
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, _, function = scripts["causalmer"].partition(":")
    return f"import sys; from {module} import {function} as main; sys.argv[0] = 'causalmer'\n{then}"


def environment() -> dict[str, str]:
    """Of the caller's environment what changes no output: 80 columns without colour, and this tree's packages first."""
    dropped = re.compile(
        r"RAY_|CAUSALMER_|TYPER_|MKL_|OMP_|FORCE_COLOR|GITHUB_ACTIONS|PY_COLORS|COLUMNS|LINES|_TYPER"
    )
    kept = {key: value for key, value in os.environ.items() if not dropped.match(key)}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": path, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The installed versions of packages, without local ones (+cpu); empty where one is absent."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            found[package] = ""
    return found


def arithmetic() -> dict[str, str]:
    """What the last digits of a sweep's numbers depend on: these versions, and the processor's instructions."""
    return {**versions(ARITHMETIC), "torch on": torch.backends.cpu.get_cpu_capability(), "maker": _maker()}


def _maker() -> str:
    """Who made the processor: MKL computes differently on others than its maker's."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r"^vendor_id\s*:\s*(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


# --- what a sweep writes ---


def sweep_file(name: str, tiny: str) -> str:
    """The text of a frozen sweep's file; `tiny` is that of the tests' tiny sweep."""
    if name == "tiny":
        return tiny
    elsewhere = {".venv", "build"}
    found = ROOT.glob("*/**/quickstart.yaml")
    (file,) = (path for path in found if not elsewhere & set(path.relative_to(ROOT).parts))
    return file.read_text(encoding="utf-8")


def run_sweep(name: str, text: str, folder: Path, *arguments: str) -> Path:
    """Run a sweep in a folder; where it lies."""
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    run_command("run", f"{name}.yaml", *arguments, cwd=folder)
    return folder / "causalmer_runs" / name


def read_table(sweep: Path, table: str) -> pa.Table:
    """The rows of a table in their canonical order, without what two equal sweeps may differ in."""
    rows = pq.read_table(sweep / table)
    key = PREDICTIONS_KEY if table == "predictions" else TABLES[table]
    rows = rows.sort_by([(column, "ascending") for column in key])
    return rows.drop_columns([name for name in rows.column_names if name in NOT_KEPT])


def records(sweep: Path) -> dict[str, Any]:
    """What a sweep has beside the rows of its tables, as far as two equal sweeps agree."""
    runs = read_table(sweep, "runs")
    return {
        "files": folder_files(sweep),
        "config_ids": sorted(set(runs["config_id"].to_pylist())),
        "proposals": [kept(row) for row in journal(sweep / "journals" / "proposals.jsonl")],
        "debiasing": [kept(row) for row in journal(sweep / "journals" / "debiasing.jsonl")],
        "predictions": digests(read_table(sweep, "predictions")),
        "metadata": {table: metadata(sweep / table) for table in (*TABLES, "predictions")},
        "manifest": kept(json.loads((sweep / "manifest.json").read_text(encoding="utf-8"))),
        "selection": kept(json.loads((sweep / "selection.json").read_text(encoding="utf-8"))),
        "sweep.yaml": without_digest((sweep / "sweep.yaml").read_text(encoding="utf-8")),
    }


def without_digest(text: str) -> str:
    """The text of a sweep's file without the comments that hold its digest."""
    return re.sub(r"^# (The last line|sha256:).*\n", "", text, flags=re.MULTILINE)


def folder_files(sweep: Path) -> list[str]:
    """The files of a sweep, without Ray's own."""
    paths = (path.relative_to(sweep) for path in sweep.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in paths if path.parts[0] != "ray")


def journal(path: Path) -> list[dict[str, Any]]:
    """The rows of a journal: a line has a checksum and JSON. A last line that was cut off is left out."""
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line.partition(" ")[2]) for line in lines]


def kept(row: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what two equal sweeps may differ in."""
    return {key: value for key, value in row.items() if key not in NOT_KEPT}


def digests(table: pa.Table) -> dict[str, Any]:
    """How many rows, and for each column its type and a digest of its values with numbers rounded to 4 digits."""
    columns = {
        field.name: {"type": str(field.type), "digest": _digest(table[field.name].to_pylist())}
        for field in table.schema
    }
    return {"rows": len(table), "columns": columns}


def _digest(values: list[Any]) -> str:
    text = json.dumps(_rounded(values), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(np.round(value, 4)) + 0.0 if isinstance(value, float) else value


def metadata(folder: Path) -> dict[str, str]:
    """The product's own Parquet metadata of a table's first file, without the digest of this sweep's journals."""
    found = pq.read_schema(min(folder.glob("*.parquet"))).metadata or {}
    text = {key.decode(): value.decode() for key, value in found.items()}
    return {key: text[key] for key in sorted(text) if key.startswith("causalmer_") and key not in NOT_KEPT}


def assert_rows_equal(sweep: Path, frozen: Path, *, exact: bool) -> None:
    """The rows of all tables are the frozen ones, sentences aside; not `exact`: numbers up to a thousandth."""
    for table in TABLES:
        found, wanted = read_table(sweep, table), frozen_table(frozen / f"{table}.parquet")
        assert typed(found) == typed(wanted), table
        words = [name for name in found.column_names if name in WORDS]
        left, right = (rows.drop_columns(words).to_pandas() for rows in (found, wanted))
        tolerance = {"check_exact": True} if exact else {"rtol": 1e-3, "atol": 1e-4}
        pd.testing.assert_frame_equal(left, right, obj=table, **tolerance)


def frozen_table(file: Path) -> pa.Table:
    """The frozen rows, with the columns' names of today."""
    rows = pq.read_table(file)
    rows = rows.drop_columns([name for name in rows.column_names if name in NOT_KEPT])
    return rows.rename_columns([RENAMED_COLUMNS.get(name, name) for name in rows.column_names])


def typed(table: pa.Table) -> list[tuple[str, str]]:
    """Columns with their types, in their order."""
    return [(field.name, str(field.type)) for field in table.schema]


def without_words(value: Any) -> Any:
    """A JSON value without the texts that have rounded numbers in them."""
    if isinstance(value, dict):
        return {key: without_words(one) for key, one in value.items() if key not in WORDS}
    return [without_words(one) for one in value] if isinstance(value, list) else value


def close(value: Any) -> Any:
    """A JSON value whose numbers equal others up to a thousandth."""
    if isinstance(value, dict):
        return {key: close(one) for key, one in value.items()}
    if isinstance(value, list):
        return [close(one) for one in value]
    return pytest.approx(value, rel=1e-3, abs=1e-4) if isinstance(value, float) else value


def without_versions(value: Any) -> Any:
    """A JSON value without the keys that name a version of the format."""
    if isinstance(value, dict):
        return {key: without_versions(one) for key, one in value.items() if key not in OF_ONE_VERSION}
    return value


# --- what the command line says ---


def bare_schema(schema: Any) -> Any:
    """A JSON schema without its sentences."""
    if isinstance(schema, dict):
        return {
            key: bare_schema(one)
            for key, one in schema.items()
            if not (key == "description" and isinstance(one, str))
        }
    return [bare_schema(one) for one in schema] if isinstance(schema, list) else schema


def options_in(pages: str) -> dict[str, list[str]]:
    """The options that each help page lists, by its command."""
    found: dict[str, list[str]] = {}
    for page in pages.split("$ causalmer")[1:]:
        command, _, text = page.partition("\n")
        found[command.strip()] = sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)))
    return found


WALK = """
import contextlib, io, json, re
def said(path):
    sys.argv[1:] = [*path, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.suppress(SystemExit):
        main()
    return output.getvalue()
def walk(path):
    text = said(path)
    pages[" ".join(path)] = text
    _, _, below = text.partition(" Commands ")
    for name in re.findall(r"^\\W ([a-z][\\w-]*) ", below, re.MULTILINE):
        walk([*path, name])
pages = {}
walk([])
print(json.dumps(pages))
"""


def help_pages(folder: Path) -> str:
    """The help of the command line and of each command below it, in one text."""
    done = subprocess.run(
        [sys.executable, "-c", program(WALK)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages: dict[str, str] = json.loads(done.stdout)
    lines = [f"$ causalmer {path} --help".replace("  ", " ") + f"\n{text}" for path, text in pages.items()]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"


def schema_text(folder: Path) -> str:
    """The JSON schema of a sweep's file, as the command prints it."""
    return run_command("schema", cwd=folder).stdout


def standing(sweep: Path) -> str:
    """What `causalmer status` says of a sweep, without the lines that depend on the clock."""
    said = run_command("status", sweep.name, cwd=sweep.parents[1]).stdout
    lines = [line.rstrip() for line in said.splitlines()]
    return "\n".join(line for line in lines if not line.startswith(("driver", "pace"))) + "\n"


def leaderboard(sweep: Path) -> str:
    """What `causalmer results leaderboard` prints of a sweep."""
    said = run_command("results", "leaderboard", sweep.name, cwd=sweep.parents[1]).stdout
    return "\n".join(line.rstrip() for line in said.splitlines()) + "\n"


def imported(*arguments: str, cwd: Path) -> list[str]:
    """The other projects' packages that a command imports, by their top-level names.

    Not those that the interpreter imports before any program, which are of the installation.
    """
    said = run_command(*arguments, cwd=cwd, options=("-X", "importtime")).stderr
    bare = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "pass"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    others = {
        name
        for name, projects in importlib.metadata.packages_distributions().items()
        if "causalmer" not in projects and name not in sys.stdlib_module_names
    }
    return sorted((_top_level(said) - _top_level(bare)) & others)


def _top_level(said: str) -> set[str]:
    return set(re.findall(r"^import time:.*\|\s+(\w+)", said, re.MULTILINE))


# --- the wheel ---

BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def wheel_files(folder: Path) -> list[str]:
    """The files in the wheel of this tree, built in a copy and without a network; its version left out."""
    copy, out = folder / "copy", folder / "wheel"
    out.mkdir()
    for path in checkout_files():
        if path.parts[0] not in {"tests", "benchmarks"}:
            place = copy / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((ROOT / path).read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    return sorted(re.sub(r"^causalmer-[^/]+\.dist-info/", "causalmer.dist-info/", name) for name in names)


def checkout_files() -> Iterator[Path]:
    """The files that git tracks here, or would if they were added."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = {Path(name) for name in listed.split("\0") if name}
    return (path for path in sorted(paths) if (ROOT / path).is_file())


# --- whole sweeps ---


def interrupt_sweep(name: str, text: str, folder: Path) -> Path:
    """Run a sweep until some of its runs have ended and one is amidst its epochs, and kill all its processes."""
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    sweep = folder / "causalmer_runs" / name
    driver = subprocess.Popen(
        [sys.executable, "-c", program("main()"), "run", f"{name}.yaml", "--cpus", "1"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _wait(lambda: amidst(sweep), driver)
    started = psutil.Process(driver.pid).children(recursive=True)
    os.killpg(driver.pid, signal.SIGKILL)
    for process in started:
        if process.is_running():
            process.kill()
    driver.wait()
    _, alive = psutil.wait_procs(started, timeout=60)
    assert not alive
    assert amidst(sweep), "the run ended before it was killed: try again"
    return sweep


def _wait(condition: Callable[[], bool], driver: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert driver.poll() is None, "the sweep ended before it was interrupted"
        assert time.monotonic() < end
        time.sleep(0.005)


def amidst(sweep: Path) -> bool:
    """Whether runs have ended, and another has epochs on record and a checkpoint to go on from."""
    ended, going = ended_runs(sweep), unended_runs(sweep)
    return len(ended) >= 2 and any(
        len(journal(path)) >= 2
        and (sweep / "checkpoints" / path.stem.rpartition("-")[0] / "last.safetensors").is_file()
        for path in going
    )


def run_journals(sweep: Path) -> list[Path]:
    """The journals of a sweep's runs: one an attempt."""
    return sorted((sweep / "journals" / "runs").glob("*.jsonl"))


def ended_runs(sweep: Path) -> list[Path]:
    """Journals that say how the run ended."""
    return [path for path in run_journals(sweep) if _has_end(path)]


def unended_runs(sweep: Path) -> list[Path]:
    """Journals that do not."""
    return [path for path in run_journals(sweep) if not _has_end(path)]


def _has_end(path: Path) -> bool:
    return any(row.get("kind") == "end" for row in journal(path))


def checkpoint_words(sweep: Path) -> str:
    """What is said of the weights that a sweep's selected configuration left, evaluated anew on the test split."""
    run = min((sweep / "predictions").glob("selected-*.parquet")).stem.partition("-")[2]
    weights = (sweep / "checkpoints" / run).relative_to(sweep.parents[1])
    said = run_command(
        *("results", "evaluate", "--checkpoint", weights.as_posix(), "--data", sweep.name, "--split", "test"),
        cwd=sweep.parents[1],
    ).stdout
    return "\n".join(line.rstrip() for line in said.splitlines()) + "\n"


def pack(folder: Path, archive: Path, leave: Callable[[Path], bool]) -> None:
    """Put a folder with a sweep into an archive, without what is to be left; who packed it is not said."""

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        path = Path(member.name)
        if leave(path) or (path.parts[:1] == ("causalmer_runs",) and set(path.parts[2:3]) & set(LEFT_OUT)):
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tarfile.open(archive, "w:gz", compresslevel=9) as packed:
        for entry in sorted(folder.iterdir()):
            packed.add(entry, arcname=entry.name, filter=anonymous)


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack an archive that has one sweep; where the sweep lies."""
    with tarfile.open(archive) as packed:
        # Python before 3.11.4 has no filters, and later ones warn without one.
        packed.extraction_filter = getattr(tarfile, "data_filter", None)
        packed.extractall(folder)
    (sweep,) = (path for path in (folder / "causalmer_runs").iterdir() if not path.name.startswith("."))
    return sweep
