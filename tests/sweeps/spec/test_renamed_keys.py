"""Renamed keys: a copy that an earlier version wrote is read, and a user's file names no key twice.

The messages about old keys in a user's file are in `spec_mistakes`.
"""

from __future__ import annotations

from pathlib import Path

import handmade
import pytest
from spec_mistakes import HEAD, renamed_keys

from causalmer_core.basics.errors import UserError
from results.records.layout import SweepLayout
from sweeps.spec.renamed_keys import RENAMED
from sweeps.spec.sweep_spec import SweepSpec, load_spec, load_stored_spec

OLD = HEAD + "fidelity: paper\nevaluation: {removals: [zero, mean]}\n"


def stored(folder: Path, text: str) -> SweepSpec:
    """The sweep of a copy that a version without digests wrote."""
    layout = SweepLayout(folder / "handmade")
    if not layout.root.exists():
        handmade.empty_sweep(folder)
        handmade.redigested(layout.manifest, manifest_version=1, spec_sha256=[])
    layout.spec.write_text(text, encoding="utf-8")
    return load_stored_spec(layout)


def test_a_copy_with_old_keys_is_read_as_the_same_sweep(tmp_path: Path) -> None:
    new = HEAD + "method: published\nevaluation: {ablations: [zero, mean]}\n"
    assert stored(tmp_path, OLD) == stored(tmp_path, new)
    assert stored(tmp_path, OLD).method == "published"
    assert stored(tmp_path, HEAD + "fidelity: mended\n").method == "corrected"


def test_a_copy_without_these_keys_is_read_as_it_is(tmp_path: Path) -> None:
    assert stored(tmp_path, HEAD) == load_spec(tmp_path / "handmade" / "sweep.yaml")


def test_a_problem_of_a_copy_with_old_keys_has_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"sweep\.yaml:5: search\.num_configs: out of range; given 0"):
        stored(tmp_path, OLD + "search: {num_configs: 0}\n")


def test_an_old_key_hides_no_other_problem(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(OLD + "search: {num_configs: 0}\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_spec(path)
    keys = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert keys == ["fidelity", "evaluation.removals", "search.num_configs"]


def test_the_message_about_each_renamed_key_is_tested() -> None:
    tested = " ".join(message for _, _, message in renamed_keys())
    assert all(f": {'.'.join(renamed.old)}: is now called" in tested for renamed in RENAMED)
