"""The queries in README.md and in docs/ run on a sweep's folder as they stand, and name every column."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import handmade
import pandas as pd
import pyarrow as pa
import pytest

from results.records.compaction import compact
from results.records.schemas import epochs_schema, evaluations_schema, predictions_schema, runs_schema

ROOT = Path(__file__).parents[2]
RECORDS = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = [*PYTHON.findall(README), *PYTHON.findall(RECORDS)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0])
def test_an_example_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compact(handmade.whole_sweep(tmp_path / "causalmer_runs", "quickstart"))
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "example", "exec"), {})


def test_the_query_in_a_sentence_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = handmade.whole_sweep(tmp_path / "causalmer_runs", "quickstart")
    compact(layout)
    monkeypatch.chdir(tmp_path)
    sentence = re.search(r"`(duckdb\.sql\(.*?\))`", RECORDS)
    assert sentence is not None
    names: dict[str, object] = {}
    exec(f"import duckdb; rows = {sentence[1]}.fetchall()", names)
    assert len(names["rows"]) == 8  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "schema",
    [epochs_schema({}), runs_schema({}, {}), evaluations_schema({}), predictions_schema()],
    ids=["epochs", "runs", "evaluations", "predictions"],
)
def test_every_column_is_described(schema: pa.Schema) -> None:
    assert [name for name in schema.names if f"`{name}`" not in RECORDS] == []


QUESTIONS = re.findall(
    r"(?ms)^## (\d+\. .*?)\n.*?^```sql\n(.*?)^```.*?^```python\n(.*?)^```",
    (ROOT / "docs" / "questions.md").read_text(encoding="utf-8"),
)
BEGINNING = PYTHON.findall((ROOT / "docs" / "questions.md").read_text(encoding="utf-8"))[0]


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    layout = handmade.whole_sweep(folder / "causalmer_runs", "quickstart")
    handmade.write_predictions(layout)
    compact(layout)
    return folder


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10


@pytest.mark.parametrize(("question", "sql", "python"), QUESTIONS, ids=[q[0] for q in QUESTIONS])
def test_a_question_has_one_answer_in_sql_and_in_pandas(
    question: str, sql: str, python: str, quickstart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(quickstart)
    by_sql = duckdb.sql(sql).to_arrow_table().to_pandas()
    names: dict[str, Any] = {}
    exec(compile(BEGINNING + python, question, "exec"), names)
    by_pandas = names["answer"].set_axis(by_sql.columns, axis=1).reset_index(drop=True)
    assert len(by_sql) > 0
    pd.testing.assert_frame_equal(by_sql, by_pandas, check_dtype=False)


def test_the_answers_are_the_truth(quickstart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(quickstart)
    best, wrong, changed = (duckdb.sql(QUESTIONS[number - 1][1]).fetchall() for number in (1, 9, 10))
    assert best[0][0] == handmade.config_id("3"), "its two finished seeds are the best; it is not complete"
    assert wrong == [("video/2", 3)]
    assert changed == [("selected", pytest.approx(1 / 3), pytest.approx(1 / 3))]
