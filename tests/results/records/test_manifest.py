"""A sweep's identity, and the folder that begins with it."""

from __future__ import annotations

import json
from pathlib import Path

import handmade
import pytest

from causalmer_core.basics.digests import DamagedFileError, digested
from causalmer_core.basics.errors import UserError
from results.records.layout import SweepLayout
from results.records.manifest import create_sweep, parse_manifest, read_spec_text, read_sweep_manifest


def test_a_manifest_comes_back_as_written(tmp_path: Path) -> None:
    layout = SweepLayout(tmp_path / "runs" / "one")
    manifest = handmade.manifest("one")
    create_sweep(layout, manifest, spec="name: one\n")
    found = read_sweep_manifest(layout)
    assert found.model_copy(update={"spec_sha256": ()}) == manifest
    assert read_spec_text(layout) == "name: one\n"
    assert [path.name for path in layout.root.parent.iterdir()] == ["one"]


def test_two_sweeps_of_one_name_have_different_identities() -> None:
    assert handmade.manifest().sweep_id != handmade.manifest().sweep_id


@pytest.mark.parametrize("content", [None, "notes.txt"])
def test_a_folder_that_exists_is_never_taken_over(tmp_path: Path, content: str | None) -> None:
    folder = tmp_path / "taken"
    folder.mkdir()
    if content:
        (folder / content).touch()
    with pytest.raises(UserError, match=r"exists already.*resume"):
        create_sweep(SweepLayout(folder), handmade.manifest("taken"))
    assert [path.name for path in tmp_path.rglob("*")] == ["taken", *([content] if content else [])]


def test_a_place_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot make the sweep's folder .*storage"):
        create_sweep(SweepLayout(tmp_path / "file" / "sweep"), handmade.manifest("sweep"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"monitor": "loss"}, "not among the metrics"),
        ({"confirm_seeds": (1, 1)}, "confirm seeds repeat"),
        ({"confirm_seeds": (), "search_seeds": ()}, "at least one"),
        ({"name": "other"}, "does not begin with the name"),
        ({"direction": "up"}, "max"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_an_inconsistent_manifest_is_refused(change: dict[str, object], message: str) -> None:
    tree = json.loads(handmade.manifest().model_dump_json())
    with pytest.raises(UserError, match=message):
        parse_manifest(digested({**tree, **change}).encode(), "manifest.json")


def test_a_manifest_is_written_and_read_back_as_it_was() -> None:
    tree = json.loads(handmade.manifest().model_dump_json())
    assert (tree["monitor"], tree["direction"]) == ("accuracy", "max")
    assert tree["goals"] == {"objectives": [], "constraints": []}
    assert parse_manifest(digested(tree).encode(), "manifest.json") == handmade.manifest().model_copy(
        update={"sweep_id": tree["sweep_id"], "created": tree["created"]}
    )


def test_a_folder_without_manifest_is_no_sweep(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no sweep"):
        read_sweep_manifest(SweepLayout(tmp_path))


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    layout.manifest.write_text("{}")
    with pytest.raises(DamagedFileError, match=r"manifest\.json is damaged: its digest .* is missing"):
        read_sweep_manifest(layout)


def test_a_manifest_of_a_newer_version_is_told(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.redigested(layout.manifest, manifest_version=3, invention=1)
    with pytest.raises(
        UserError, match=r"version 3 was written by a newer causalmer; this one reads .* 2 and older"
    ):
        read_sweep_manifest(layout)


def test_a_manifest_of_an_older_version_needs_no_digest() -> None:
    tree = {**json.loads(handmade.manifest().model_dump_json()), "manifest_version": 1}
    found = parse_manifest(json.dumps(tree).encode(), "manifest.json")
    assert not found.is_sealed


def test_the_copy_of_the_sweeps_file_is_what_was_written_or_named_as_damaged(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    content = layout.spec.read_bytes()
    for damaged in (b"", content[:-80], content.replace(b"handmade", b"handmode")):
        layout.spec.write_bytes(damaged)
        with pytest.raises(DamagedFileError, match=r"sweep\.yaml is damaged: .*'causalmer resume'"):
            read_spec_text(layout)
    layout.spec.unlink()
    with pytest.raises(DamagedFileError, match="it is missing"):
        read_spec_text(layout)
