"""The queries in README.md and docs/records.md run on a sweep's folder as they stand, and name every column."""

from __future__ import annotations

import re
from pathlib import Path

import handmade
import pyarrow as pa
import pytest

from results.compaction import compact
from results.records import epochs_schema, evaluations_schema, predictions_schema, runs_schema

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


def test_the_query_in_a_sentence_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = handmade.whole_sweep(tmp_path / "causalmer_runs", "quickstart")
    compact(layout)
    monkeypatch.chdir(tmp_path)
    sentence = re.search(r"`(duckdb\.sql\(.*?\))`", README)
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
