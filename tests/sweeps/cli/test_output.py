"""Every command that shows tables gives them as JSON and as CSV with their raw values, and cuts none at 80 columns."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import goldens
import handmade
import numpy as np
import published_standins as standins
import pytest
from field_files import plain_splits, write_pickle
from rich.console import Console
from typer.testing import CliRunner, Result

from causalmer_core.basics.errors import UserError
from cluster.nodes.check_nodes import Preflight
from cluster.nodes.node_report import Finding, NodeFacts, NodeReport
from results.ranking.selection import select
from results.records.dataset import open_sweep
from results.report.evaluation_tables import final_evaluation_tables
from results.report.leaderboard_table import leaderboard_table
from results.report.table import Column, Table
from sweeps.cli.cluster import check
from sweeps.cli.commands import COMMANDS, load
from sweeps.cli.main import app
from sweeps.cli.output import Screen, show

SYNTH = "data synth --name drawn --train 6 --valid 4 --test 4 --time 2 --root new --force"
TABLES = {
    "results leaderboard": ("results leaderboard tiny", ["leaderboard"]),
    "results evaluate": ("results evaluate tiny", ["test_scores"]),
    "results compare": ("results compare one other", ["scores", "costs"]),
    "results table": ("results table tiny", ["metrics"]),
    "results verify": ("results verify tiny", ["damage"]),
    "status": ("status tiny", ["phases", "facts"]),
    "plan": ("plan tiny.yaml", ["plan"]),
    "data info": ("data info tiny", ["data_set", "splits", "features", "scales", "steps", "probe"]),
    "data synth": (SYNTH, ["data_set", "splits"]),
    "data import": ("data import field.pkl --name field --root new --force", ["arrays", "data_set"]),
    "checkpoint import": ("checkpoint import published.pt --out mine --force", ["checkpoint"]),
    "checkpoint evaluate": ("checkpoint evaluate weights --data tiny --remove t", ["metrics", "emotions"]),
    "cluster check": ("cluster check", ["nodes", "findings", "here"]),
}
"""The commands that show tables: how each is called here, and names of tables that it has then."""
ALONE = ("results leaderboard", "results table", "results verify", "plan", "checkpoint import")
"""The commands whose CSV is one table, and nothing before it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the commands above name."""
    place = tmp_path_factory.mktemp("tables")
    sweep = goldens.unpack(goldens.GOLDENS / "sweep_finished.tar.gz", place)
    root = sweep.parents[1]
    run = min((sweep / "predictions").glob("selected-*.parquet")).stem.partition("-")[2]
    (root / "weights").symlink_to(sweep / "checkpoints" / run)
    for name in ("one", "other"):
        select(open_sweep(handmade.whole_sweep(sweep.parent, name)))
    write_pickle(root / "field.pkl", plain_splits())
    standins.save(standins.published_model(), root / "published.pt")
    return root


@pytest.fixture
def at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = NodeFacts(
        host="a", memory=2**34, python="3.11", versions={"torch": "2"}, cuda=None, gpu_models=(), driver=None
    )
    node = NodeReport(address="10.0.0.1", cpus=2.0, gpus=0.0, is_head=True, facts=here, skew=1 / 3)
    note = Finding(kind="note", node="a", what="its clock is off", fix="set it")
    found = Preflight(here=here, nodes=(node,), storage=None, findings=(note,))
    monkeypatch.setattr(check, "look", lambda *_: found)
    monkeypatch.setattr(check, "local_ray", io.StringIO)
    monkeypatch.chdir(folder)
    return folder


def call(words: str) -> Result:
    result = CliRunner().invoke(app, words.split())
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    # The archived sweep has the weights of one run only, and 'verify' tells of the others by its exit code.
    assert result.exit_code == int(words.startswith("results verify")), result.output
    return result


def takes_form(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    """The commands at and below a command that have the option."""
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from takes_form(below, (*words, name))
    elif any("--json" in parameter.opts for parameter in command.params):
        yield " ".join(words)


def test_every_command_that_shows_tables_is_tried_here() -> None:
    found = {words for name in COMMANDS for words in takes_form(load(name), (name,))}
    assert found == TABLES.keys()


@pytest.mark.slow
@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("command", TABLES)
def test_json_and_csv_hold_the_raw_values_of_every_table(command: str) -> None:
    words, names = TABLES[command]
    told = json.loads(call(f"{words} --json").stdout, parse_constant=pytest.fail)
    assert set(names) <= told.keys()
    assert all(isinstance(note, str) for note in told.pop("notes"))
    text = call(f"{words} --csv").stdout
    parts = {names[0]: text} if command in ALONE else sections(text)
    assert parts.keys() == told.keys()
    measured = {"plan", "metrics"} if command == "plan" else set()
    for name, rows in told.items():
        head, *lines = csv.reader(io.StringIO(parts[name]))
        assert len(head) == len(set(head))
        assert [len(line) for line in lines] == [len(head)] * len(rows)
        if name not in measured | {"facts"}:  # costs are measured anew, and a clock goes on
            assert numbers(rows) == sorted(float(cell) for line in lines for cell in line if is_number(cell))


def sections(text: str) -> dict[str, str]:
    """The tables of a CSV by the lines before them."""
    found = re.split(r"(?m)\n?^# (\w+)\n", text)
    assert found[0] == ""
    return dict(zip(found[1::2], found[2::2], strict=True))


def numbers(value: Any) -> list[float]:
    """All numbers in a value, those in texts too, as CSV does not tell them apart."""
    if isinstance(value, dict):
        return sorted(number for item in value.values() for number in numbers(item))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return sorted(number for item in value for number in numbers(item))
    return [float(value)] if isinstance(value, str | int | float) and is_number(str(value)) else []


def is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) is not None


@pytest.mark.usefixtures("at_home")
def test_the_values_are_whole_where_readers_see_four_decimals() -> None:
    first = json.loads(call("results leaderboard tiny --json").stdout)["leaderboard"][0]
    assert first["mean"]["mean"] == np.mean([*first["scores"].values()])
    assert f"{first['mean']['low']:.4f}" in call("results leaderboard tiny").stdout
    assert first["mean"]["low"] != round(first["mean"]["low"], 4)


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("command", TABLES)
def test_one_command_prints_one_form_and_says_so_before_it_does_anything(command: str) -> None:
    with pytest.raises(UserError, match=r"--json and --csv: .* leave one of them out"):
        call(f"{TABLES[command][0]} --csv --json")


@pytest.mark.usefixtures("at_home")
def test_what_is_no_table_does_not_get_among_the_data() -> None:
    result = call("data info tiny --verify --no-probe --json")
    assert json.loads(result.stdout)
    assert "verified" in result.stderr
    with pytest.raises(UserError, match="--watch shows tables in the terminal"):
        call("status tiny --watch 1 --csv")


DECIMALS = re.compile(r"-?\d+\.\d+")


def drawn(tables: list[Table], width: int) -> str:
    text = io.StringIO()
    Console(file=text, width=width).print(Screen(tables))
    return text.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_number_of_a_sweep_is_cut_on_a_narrow_terminal(tmp_path: Path, width: int) -> None:
    layout = handmade.whole_sweep(tmp_path)
    handmade.write_removals(layout)
    select(open_sweep(layout))
    results = open_sweep(layout)
    tables = [leaderboard_table(results), *final_evaluation_tables(results)]
    narrow = drawn(tables, width)
    assert max(map(len, narrow.splitlines())) <= width
    assert sorted(DECIMALS.findall(narrow)) == sorted(DECIMALS.findall(drawn(tables, 400)))
    assert "…" not in narrow


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("command", [name for name in TABLES if name != "plan"])
def test_every_table_fits_a_terminal_of_80_columns(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    for module in ("results.app", "status", "data.app", "data.importing", "checkpoint.app", "cluster.check"):
        monkeypatch.setattr(f"sweeps.cli.{module}.show", lambda tables, _: shown.append(tables))
    monkeypatch.setattr("sweeps.cli.results.papers.show", lambda tables, _: shown.append(tables))
    call(TABLES[command][0])
    for found in shown:
        tables = [found] if isinstance(found, Table) else found
        narrow = drawn(tables, 80)
        assert max(map(len, narrow.splitlines())) <= 80
        assert sorted(DECIMALS.findall(narrow)) == sorted(DECIMALS.findall(drawn(tables, 400)))


def test_a_wide_table_comes_in_blocks_that_repeat_the_names_of_the_rows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    columns = [Column("name"), *(Column(f"score{n}", align="right") for n in range(4))]
    table = Table("wide", "Wide", columns, [("a long name", *np.arange(4) / 3)], ["that is all"])
    assert [line.rstrip() for line in drawn([table], 30).splitlines()] == [
        "Wide",
        "name         score0  score1",
        "a long name  0.0000  0.3333",
        "",
        "name         score2  score3",
        "a long name  0.6667  1.0000",
        "that is all",
    ]
    show(table, [False])
    assert capsys.readouterr().out.splitlines()[0] == "name,score0,score1,score2,score3"
