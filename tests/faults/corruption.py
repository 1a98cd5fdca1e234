"""Damages every kind of file of a sweep, and counts wrong answers: `python tests/faults/corruption.py --cases 2000`.

Three small sweeps are trained once: a finished one, one whose test split is closed, and one whose driver was killed
in the search. Each case copies one of them with its data set, damages one file in one way, and asks the command line.
An answer is right if it equals that of the undamaged sweep. A refusal ends with exit 2 and says what is damaged. Rows
that were not sealed yet can be lost as by an earlier kill; then the answer says which runs are open ("told"). All else
is a fault: another answer with exit 0, or a traceback. Some cases resume the damaged sweep, and then the answers must
equal those of the finished one.

The same seed gives the same damage. `tests/faults/test_corruption.py` runs a few cases of each kind.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

import torch
from driven_sweep import Sweep
from tiny_sweep import YAML

from results.storage.journal import read_journal
from sweeps.cli import main as command_line

_UNFINISHED = re.compile(r"[Uu]nfinished: [^\"\n]*")
"""What an answer says of runs and proposals that are open."""

FINISHED, CLOSED, UNFINISHED = "finished", "closed", "unfinished"
STATES = (FINISHED, CLOSED, UNFINISHED)

QUESTIONS: dict[str, tuple[tuple[str, ...], ...]] = {
    FINISHED: (
        ("results", "leaderboard", "tiny", "--json"),
        ("status", "tiny", "--json"),
        ("results", "select", "tiny"),
        ("results", "evaluate", "tiny", "--json"),
        ("results", "report", "tiny", "--out", "page.html"),
    ),
    CLOSED: (
        ("results", "leaderboard", "tiny", "--json"),
        ("results", "select", "tiny"),
        ("results", "evaluate", "tiny", "--json"),
    ),
    UNFINISHED: (
        ("results", "leaderboard", "tiny", "--json"),
        ("status", "tiny", "--json"),
    ),
}
"""What is asked of a sweep in each state."""

KINDS: dict[str, str] = {
    "run journal": "causalmer_runs/tiny/journals/runs/*.jsonl",
    "seals": "causalmer_runs/tiny/journals/seals.jsonl",
    "proposals": "causalmer_runs/tiny/journals/proposals.jsonl",
    "evaluations and ledger": "causalmer_runs/tiny/journals/evaluations.jsonl",
    "debiasing": "causalmer_runs/tiny/journals/debiasing.jsonl",
    "manifest": "causalmer_runs/tiny/manifest.json",
    "sweep file": "causalmer_runs/tiny/sweep.yaml",
    "selection": "causalmer_runs/tiny/selection.json",
    "tables": "causalmer_runs/tiny/[er][vpu]*/*.parquet",
    "table checksums": "causalmer_runs/tiny/.tables.json",
    "predictions": "causalmer_runs/tiny/predictions/*.parquet",
    "best weights": "causalmer_runs/tiny/checkpoints/*/best.safetensors",
    "last checkpoint": "causalmer_runs/tiny/checkpoints/*/last.safetensors",
    "data manifest": "causalmer_data/tiny/**/*.json",
    "data arrays": "causalmer_data/tiny/**/*.npy",
    "log, study, report": "causalmer_runs/tiny/[sor][wpe][etp]*.[lh]*",
}
"""The kinds of files, with the pattern of their paths."""

Damage = Callable[[Path, random.Random, Sequence[Path]], None]


def _flip_bit(path: Path, draw: random.Random, _: Sequence[Path]) -> None:
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def _change_bytes(path: Path, draw: random.Random, _: Sequence[Path]) -> None:
    content = bytearray(path.read_bytes())
    start = draw.randrange(len(content))
    for place in range(start, min(start + draw.choice((1, 4, 64)), len(content))):
        content[place] = draw.randrange(256)
    path.write_bytes(content)


def _truncate(path: Path, draw: random.Random, _: Sequence[Path]) -> None:
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    at_line = sum(map(len, lines[: draw.randrange(len(lines))]))
    path.write_bytes(content[: draw.choice((at_line, draw.randrange(len(content))))])


def _empty(path: Path, _: random.Random, __: Sequence[Path]) -> None:
    path.write_bytes(b"")


def _remove(path: Path, _: random.Random, __: Sequence[Path]) -> None:
    path.unlink()


def _swap(path: Path, draw: random.Random, others: Sequence[Path]) -> None:
    other = draw.choice(others)
    content = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(content)


def _double(path: Path, draw: random.Random, others: Sequence[Path]) -> None:
    """Put a copy under a name that does not exist yet, or over another file of the kind."""
    stem, dot, rest = path.name.partition(".")
    further = re.sub(r"-a(\d+)$", lambda found: f"-a{int(found[1]) + 1}", stem)
    names = [f"{stem} (1){dot}{rest}", f"{further if further != stem else stem + '-2'}{dot}{rest}"]
    shutil.copyfile(path, draw.choice([*(path.with_name(name) for name in names), *others]))


DAMAGES: dict[str, Damage] = {
    "flip a bit": _flip_bit,
    "change bytes": _change_bytes,
    "truncate": _truncate,
    "empty": _empty,
    "remove": _remove,
    "swap": _swap,
    "double": _double,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed and wrote, without times and without the folder's name."""

    code: int
    output: str
    errors: str
    crash: str = ""


def ask(folder: Path, arguments: Sequence[str]) -> Answer:
    """The answer of the command line in a folder."""
    out, err, crash, code = io.StringIO(), io.StringIO(), "", 0
    before, argv = Path.cwd(), sys.argv
    os.chdir(folder)
    sys.argv = ["causalmer", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            command_line.main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        crash, code = traceback.format_exc(), 1
    finally:
        os.chdir(before)
        sys.argv = argv
    output = _without_times(out.getvalue(), folder)
    page = folder / "page.html"
    if code == 0 and page.exists():
        output += _without_times(_visible(page.read_text(encoding="utf-8")), folder)
        page.unlink()
    return Answer(code, output, err.getvalue(), crash)


def _visible(page: str) -> str:
    """A report's page without the library that draws."""
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def _without_times(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "")
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00|Z)?", "TIME", text)
    text = re.sub(r"last record [^\"]* ago", "last record AGO", text)
    return re.sub(r"\"[^\"]*(in the last \d* ?minutes|an hour)[^\"]*\"", "PACE", text)


class Sweeps:
    """The undamaged sweeps, each with its answers.

    Args:
        root: the folder of the sweeps. They are made if need be.
        text: the sweep's file.
        states: the states to make.
    """

    def __init__(self, root: Path, text: str = YAML, states: Sequence[str] = STATES) -> None:
        self.root, self.states, self._text = root, states, text
        if not (root / FINISHED).exists():
            (root / FINISHED).mkdir(parents=True)
            Sweep(root / FINISHED, text).done()
            self._close_the_test_split()
            if UNFINISHED in states:
                self._kill_in_the_search()
        self.answers = {state: self._answers(state) for state in states}
        for state, answers in self.answers.items():
            if faults := [answer for answer in answers.values() if answer.code]:
                raise RuntimeError(f"{state}: the undamaged sweep has no answer:\n{faults[0]}")
            if self._answers(state) != answers:
                raise RuntimeError(f"{state}: the answers differ from time to time")

    def _answers(self, state: str) -> dict[tuple[str, ...], Answer]:
        """The answers of a copy, because some questions write what they answer."""
        with self.copied(state) as copy:
            return {question: ask(copy, question) for question in QUESTIONS[state]}

    @contextlib.contextmanager
    def copied(self, state: str) -> Iterator[Path]:
        """A copy of a sweep and its data, without Ray's own files."""
        with tempfile.TemporaryDirectory(prefix="corruption-") as folder:
            shutil.copytree(self.root / state, Path(folder) / state, ignore=shutil.ignore_patterns("ray"))
            yield Path(folder) / state

    def _close_the_test_split(self) -> None:
        """A copy of the finished sweep, as it was before the test split was opened and vectors were chosen."""
        shutil.copytree(self.root / FINISHED, self.root / CLOSED)
        sweep = self.root / CLOSED / "causalmer_runs" / "tiny"
        seals = sweep / "journals" / "seals.jsonl"
        gone = ("evaluations", "debiasing")
        for name in gone:
            (sweep / "journals" / f"{name}.jsonl").unlink()
        lines = seals.read_bytes().splitlines(keepends=True)
        seals.write_bytes(b"".join(x for x in lines if not any(f'"{n}.jsonl"'.encode() in x for n in gone)))
        shutil.rmtree(sweep / "predictions")
        (sweep / "report.html").unlink()

    def _kill_in_the_search(self) -> None:
        (self.root / UNFINISHED).mkdir()
        sweep = Sweep(self.root / UNFINISHED, self._text)
        process = sweep.start()
        ended = lambda: sum(  # noqa: E731
            rows[-1]["kind"] == "end"
            for path in sweep.layout.run_journals.glob("*.jsonl")
            if (rows := read_journal(path))
        )
        sweep.wait_for(lambda: ended() >= 3, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(5.0)  # Ray's processes end when their driver is gone


@dataclass(frozen=True, slots=True)
class Case:
    """One damage to one file, and what came of it."""

    number: int
    state: str
    kind: str
    damage: str
    file: str
    verdict: str
    detail: str = ""


def run_case(
    sweeps: Sweeps, number: int, seed: int, *, resume: bool, kinds: Sequence[str] = tuple(KINDS)
) -> Case | None:
    """Damage one file, ask, and judge. None: the state has no file of the kind.

    Args:
        sweeps: the undamaged sweeps.
        number: the number of the case, which with the seed decides everything.
        seed: the seed of the program.
        resume: also resume the sweep, and compare with the finished one.
        kinds: the kinds of files to draw from.
    """
    draw = random.Random(f"{seed}/{number}")
    state, kind = draw.choice(sweeps.states), draw.choice(sorted(kinds))
    damage = draw.choice(sorted(DAMAGES))
    there = sorted(path for path in (sweeps.root / state).glob(KINDS[kind]) if path.stat().st_size)
    others = [path for path in sorted((sweeps.root / state).glob("causalmer_*/**/*.*")) if path.is_file()]
    others = [path for path in others if "ray" not in path.relative_to(sweeps.root / state).parts]
    if not there:
        return None
    with sweeps.copied(state) as copy:
        path = draw.choice(there)
        near = [other for other in there if other != path] or [other for other in others if other != path]
        file = path.relative_to(sweeps.root / state)
        DAMAGES[damage](copy / file, draw, [copy / other.relative_to(sweeps.root / state) for other in near])
        verdict, detail = judge(sweeps, state, copy)
        if resume and verdict in ("right", "told", "refused"):
            verdict, detail = judge_resumed(sweeps, copy)
    return Case(number, state, kind, damage, str(file), verdict, detail)


def judge(sweeps: Sweeps, state: str, copy: Path) -> tuple[str, str]:
    """The verdict over all answers of a damaged sweep, and the first faulty answer."""
    refused = told = False
    for question, right in sweeps.answers[state].items():
        answer = ask(copy, question)
        said = f"{' '.join(question)}\n{answer.crash or answer.errors}\n{_difference(right, answer)}"
        if answer.crash:
            return "traceback", said
        if answer.code == 0 and answer.output != right.output:
            if _UNFINISHED.findall(answer.output) == _UNFINISHED.findall(right.output):
                return "wrong", said
            told = True  # the first line says what is not there
        if answer.code and not answer.errors.startswith("error: "):
            return "traceback", said
        refused = refused or answer.code != 0
    verified = ask(copy, ("results", "verify", "tiny", "--json"))
    if verified.crash:
        return "traceback", verified.crash
    if refused and verified.code == 0:
        return "unnamed", f"refused, and 'results verify' finds nothing\n{verified.output}"
    return ("refused" if refused else "told" if told else "right"), ""


def judge_resumed(sweeps: Sweeps, copy: Path) -> tuple[str, str]:
    """The verdict over a damaged sweep that was resumed: it refuses, or ends as the undamaged one."""
    answer = ask(copy, ("resume", "tiny.yaml"))
    if answer.crash or (answer.code and "error: " not in answer.errors):
        return "traceback", answer.crash or answer.errors
    if answer.code:
        return "resume refused", answer.errors
    for question in QUESTIONS[FINISHED][:1]:
        found, right = ask(copy, question), sweeps.answers[FINISHED][question]
        if found.code or found.output != right.output:
            return "wrong", f"after resume: {found.errors}{_difference(right, found)}"
    verified = ask(copy, ("results", "verify", "tiny", "--json"))
    # Weights that no evaluation needs stay as they are, and stay named.
    left = [
        one
        for one in json.loads(verified.output)["damage"]
        if "if it needs its weights" not in one["resume_does"]
    ]
    return ("unnamed", verified.output) if left or verified.crash else ("resumed", "")


def _difference(right: Answer, found: Answer) -> str:
    lines = zip(right.output.splitlines(), found.output.splitlines(), strict=False)
    return "\n".join(f"- {one[:300]}\n+ {other[:300]}" for one, other in lines if one != other)[:1500]


def cases(
    sweeps: Sweeps, count: int, seed: int, resume_each: int, kinds: Sequence[str] = tuple(KINDS)
) -> Iterator[Case]:
    """So many cases of a seed. Every `resume_each`-th one resumes the sweep as well; 0: none."""
    number = done = 0
    while done < count:
        number += 1
        resume = bool(resume_each) and (done + 1) % resume_each == 0
        case = run_case(sweeps, number, seed, resume=resume, kinds=kinds)
        if case is not None:
            done += 1
            yield case


VERDICTS = ("right", "told", "refused", "resumed", "resume refused", "unnamed", "wrong", "traceback")
FAULTS = ("unnamed", "wrong", "traceback")


def table(found: Sequence[Case]) -> str:
    """The verdicts by kind of file and by damage, as text of less than 80 columns."""
    lines = [f"{'':24}" + "".join(f"{verdict:>{max(7, len(verdict)) + 1}}" for verdict in VERDICTS)]
    for group in ("kind", "damage", "state"):
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for case in found:
            counts[getattr(case, group)][case.verdict] += 1
        for name, verdicts in sorted(counts.items()):
            numbers = (f"{verdicts[v]:>{max(7, len(v)) + 1}}" for v in VERDICTS)
            lines.append(f"{name:24}" + "".join(numbers))
        lines.append("")
    total = Counter(case.verdict for case in found)
    lines.append(
        f"{'all ' + str(len(found)):24}" + "".join(f"{total[v]:>{max(7, len(v)) + 1}}" for v in VERDICTS)
    )
    return "\n".join(lines)


def main() -> None:
    """Run the cases, and print their table and every fault. Exit 1 if there was any."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume-each", type=int, default=40, help="resume each so many cases; 0: none")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument(
        "--folder", type=Path, help="where the undamaged sweeps are kept; default: a fresh one"
    )
    given = parser.parse_args()
    os.environ |= {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
    torch.set_num_threads(1)  # several of these programs may share a machine
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corruption-")))
        sweeps = Sweeps(folder)
        found = []
        for case in cases(sweeps, given.cases, given.seed, given.resume_each, given.kinds):
            found.append(case)
            if case.verdict in FAULTS:
                print(json.dumps([case.number, case.state, case.kind, case.damage, case.file, case.verdict]))
                print(case.detail, flush=True)
            elif len(found) % 100 == 0:
                print(f"{len(found)} cases", file=sys.stderr, flush=True)
        print(table(found))
    sys.exit(any(case.verdict in FAULTS for case in found))


if __name__ == "__main__":
    main()
