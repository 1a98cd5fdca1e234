"""Write the fixtures of `tests/test_goldens.py` anew, with the code of this tree.

    python tests/goldens/freeze.py rows schema help data imports    # those that are named
    unshare --uts sh -c 'hostname example; LOGNAME=someone python tests/goldens/freeze.py finished interrupted'

What is frozen is a promise: freeze anew only what a change means to change, and look at the difference. The archives of
`finished` and `interrupted` stand for what users have on their disks: new ones show nothing of whether the old ones are
still read. They are made under another host's and user's name, for records say on which host and by whom.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
sys.path.insert(0, str(Path(__file__).parents[2]))

import goldens
from tiny_sweep import YAML


def rows(folder: Path) -> None:
    """The two sweeps' tables, proposals and selections."""
    for name in goldens.SWEEPS:
        place = folder / name
        place.mkdir()
        sweep = goldens.run_sweep(name, goldens.sweep_file(name, YAML), place)
        frozen = goldens.GOLDENS / name
        frozen.mkdir(exist_ok=True)
        for table in goldens.TABLES:
            found = goldens.read_table(sweep, table).replace_schema_metadata(None)
            pq.write_table(found, frozen / f"{table}.parquet", compression="zstd")
        made = {"made with": goldens.arithmetic(), **goldens.records(sweep)}
        write(frozen / "records.json", made)


def schema(folder: Path) -> None:
    """What `causalmer schema` prints."""
    (goldens.GOLDENS / "schema.json").write_text(goldens.schema_text(folder), encoding="utf-8")


def help_(folder: Path) -> None:
    """The options of all commands."""
    write(goldens.GOLDENS / "help.json", {"options": goldens.options_in(goldens.help_pages(folder))})


def data(folder: Path) -> None:
    """The data files in the wheel, which stay in it wherever packages move."""
    files = [name for name in goldens.wheel_files(folder) if not name.endswith(".py")]
    (goldens.GOLDENS / "wheel_data.txt").write_text("\n".join(files) + "\n", encoding="utf-8")


def imports(folder: Path) -> None:
    """What the quick commands import."""
    sweep = goldens.unpack(goldens.GOLDENS / "sweep_finished.tar.gz", folder)
    found = {
        " ".join(words): goldens.imported(*words, cwd=sweep.parents[1]) for words in goldens.QUICK_COMMANDS
    }
    write(goldens.GOLDENS / "imports.json", found)


def finished(folder: Path) -> None:
    """A finished sweep, whole but for the weights of runs that no one evaluates, and what is said of it."""
    sweep = goldens.run_sweep("tiny", YAML, folder)
    (goldens.GOLDENS / "finished_leaderboard.txt").write_text(goldens.leaderboard(sweep), encoding="utf-8")
    (goldens.GOLDENS / "finished_status.txt").write_text(goldens.standing(sweep), encoding="utf-8")
    (goldens.GOLDENS / "finished_weights.txt").write_text(goldens.checkpoint_words(sweep), encoding="utf-8")
    evaluated = {path.stem.partition("-")[2] for path in (sweep / "predictions").iterdir()}
    goldens.pack(
        folder,
        goldens.GOLDENS / "sweep_finished.tar.gz",
        lambda path: path.parts[2:3] == ("checkpoints",) and not set(path.parts[3:4]) <= evaluated,
    )


def interrupted(folder: Path) -> None:
    """A sweep that was killed in its search, without its data set, which is made anew."""
    for attempt in range(20):
        place = folder / str(attempt)
        place.mkdir()
        try:
            goldens.interrupt_sweep("tiny", YAML, place)
        except AssertionError as missed:
            print(f"not amidst a run: {missed}")
            continue
        archive = goldens.GOLDENS / "sweep_interrupted.tar.gz"
        goldens.pack(place, archive, lambda path: path.parts[:1] == ("causalmer_data",))
        return
    sys.exit("no kill fell amidst a run")


def write(path: Path, value: object) -> None:
    """Write a value as JSON."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


FIXTURES: dict[str, Callable[[Path], None]] = {
    "rows": rows,
    "schema": schema,
    "help": help_,
    "data": data,
    "imports": imports,
    "finished": finished,
    "interrupted": interrupted,
}


if __name__ == "__main__":
    for chosen in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as temporary:
            FIXTURES[chosen](Path(temporary))
