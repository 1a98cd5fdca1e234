"""The store: what is written is read back, the identity is that of the contents, and nothing is left half done."""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.datasets import manifest, store
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.manifest import DatasetManifest, fingerprint
from causalmer_core.datasets.nonfinite import NonfiniteCounts
from causalmer_core.datasets.statistics import chunks
from causalmer_core.datasets.store import (
    default_root,
    list_datasets,
    open_test_split,
    open_training_data,
    read_dataset_manifest,
    verify_dataset,
    write_dataset,
)
from causalmer_core.datasets.synthetic import SyntheticConfig, SyntheticData, make_synthetic

CONFIG = SyntheticConfig(train=12, valid=5, test=7, time=3, emotions=2)


@pytest.fixture
def data() -> SyntheticData:
    return make_synthetic(CONFIG)


def write(root: Path, data: SyntheticData, name: str = "toy", **options: Any) -> DatasetManifest:
    return write_dataset(root, name, task=data.task, splits=data.splits, **options)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_same_split(found: Split, expected: Split) -> None:
    for modality in MODALITIES:
        np.testing.assert_array_equal(found.features[modality], expected.features[modality])
        assert found.features[modality].dtype == np.float32
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert tuple(found.ids) == tuple(expected.ids)


def test_training_data_come_back_as_memory_maps_with_statistics(tmp_path: Path, data: SyntheticData) -> None:
    written = write(tmp_path, data)
    found = open_training_data(tmp_path, "toy")
    assert_same_split(found.train, data.splits["train"])
    assert_same_split(found.valid, data.splits["valid"])
    assert isinstance(found.train.features[Modality.TEXT], np.memmap)
    assert not found.train.features[Modality.TEXT].flags.writeable
    assert (found.task, found.name, found.fingerprint) == (data.task, "toy", written.fingerprint)
    audio = data.splits["train"].features[Modality.AUDIO].reshape(-1, CONFIG.widths.audio)
    np.testing.assert_allclose(found.statistics[Modality.AUDIO].mean, audio.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.statistics[Modality.AUDIO].std, audio.std(axis=0), rtol=1e-5)


def test_the_test_split_is_opened_by_its_own_function_only(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    assert_same_split(open_test_split(tmp_path, "toy"), data.splits["test"])
    assert "test" not in {field.name for field in dataclasses.fields(TrainingData)}
    for path in (tmp_path / "toy").glob("test_*"):
        path.unlink()
    open_training_data(tmp_path, "toy")
    with pytest.raises(UserError, match="test_"):
        open_test_split(tmp_path, "toy")


def test_the_manifest_tells_what_was_written(tmp_path: Path, data: SyntheticData) -> None:
    counts = {"train": {Modality.AUDIO: NonfiniteCounts(negative_infinity=3, replaced=3)}}
    written = write(
        tmp_path,
        data,
        source_file="/home/someone/secret/field.pkl",
        synthetic=CONFIG.model_dump(mode="json"),
        nonfinite=counts,
    )
    found = read_dataset_manifest(tmp_path, "toy")
    assert found == written
    assert found.source_file == "field.pkl"
    assert "secret" not in (tmp_path / "toy" / "manifest.json").read_text()
    assert found.synthetic is not None
    assert SyntheticConfig.model_validate(dict(found.synthetic)) == CONFIG
    assert found.nonfinite["train"][Modality.AUDIO].replaced == 3
    train = found.splits["train"]
    assert train.samples == 12
    assert train.features[Modality.TEXT].shape == (12, 3, 16)
    assert sum(train.label_counts.values()) == data.splits["train"].labels.sum()


@pytest.mark.parametrize("kind", [TaskKind.CLASSES, TaskKind.REGRESSION])
def test_labels_of_every_task_are_stored(tmp_path: Path, data: SyntheticData, kind: TaskKind) -> None:
    classes = kind is TaskKind.CLASSES
    task = Task(kind=kind, labels=("a", "b", "c") if classes else ("sentiment",))
    splits = {}
    for name, split in data.splits.items():
        labels = np.arange(len(split)) % 2 if classes else np.linspace(-1, 1, len(split), dtype=np.float32)
        splits[name] = dataclasses.replace(split, labels=labels)
    written = write_dataset(tmp_path, "other", task=task, splits=splits)
    np.testing.assert_array_equal(open_test_split(tmp_path, "other").labels, splits["test"].labels)
    expected = {"a": 4, "b": 3, "c": 0} if classes else {"negative": 3, "zero": 1, "positive": 3}
    assert written.splits["test"].label_counts == expected


def test_the_fingerprint_is_that_of_the_contents_alone(tmp_path: Path, data: SyntheticData) -> None:
    first = write(tmp_path / "a", data, "one", source_file="x.pkl").fingerprint
    second = write(tmp_path / "b", data, "two", synthetic={"seed": 0}).fingerprint
    assert first == second == fingerprint(data.task, data.splits)
    verify_dataset(tmp_path / "a", "one")


def test_the_fingerprint_does_not_depend_on_the_layout_in_memory(
    data: SyntheticData, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(data.task, data.splits)
    moved = {
        name: dataclasses.replace(
            split, features={m: np.asfortranarray(x).astype(">f4") for m, x in split.features.items()}
        )
        for name, split in data.splits.items()
    }
    assert fingerprint(data.task, moved) == before
    monkeypatch.setattr(manifest, "chunks", lambda values: chunks(values, 1))
    assert fingerprint(data.task, data.splits) == before


def test_any_change_of_contents_changes_the_fingerprint(data: SyntheticData) -> None:
    train = data.splits["train"]
    features = {m: x.copy() for m, x in train.features.items()}
    features[Modality.VISION][0, 0, 0] += 1
    labels = train.labels.copy()
    labels[0, 0] ^= 1
    variants = [
        data.splits | {"train": dataclasses.replace(train, features=features)},
        data.splits | {"train": dataclasses.replace(train, labels=labels)},
        data.splits | {"train": dataclasses.replace(train, ids=("x", *train.ids[1:]))},
        data.splits | {"valid": data.splits["test"], "test": data.splits["valid"]},
    ]
    found = {fingerprint(data.task, splits) for splits in (data.splits, *variants)}
    found.add(fingerprint(Task(kind=TaskKind.EMOTIONS, labels=("x", "y")), data.splits))
    assert len(found) == 6


def test_altered_arrays_are_found_by_verification(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    path = tmp_path / "toy" / "train_text.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(UserError, match="do not have the manifest's fingerprint"):
        verify_dataset(tmp_path, "toy")


def test_a_data_set_is_replaced_only_by_force(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    other = make_synthetic(CONFIG.model_copy(update={"seed": 1}))
    with pytest.raises(UserError, match=r"already in .*--force"):
        write(tmp_path, other)
    assert_same_split(open_test_split(tmp_path, "toy"), data.splits["test"])
    write(tmp_path, other, force=True)
    assert_same_split(open_test_split(tmp_path, "toy"), other.splits["test"])
    assert names_in(tmp_path) == ["toy"]


@pytest.mark.parametrize("force", [False, True])
def test_a_write_that_fails_leaves_things_as_they_were(
    tmp_path: Path, data: SyntheticData, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    if force:
        write(tmp_path, data)
    full = OSError(28, "No space left on device")

    def fail(*_: Any) -> None:
        raise full

    monkeypatch.setattr(store, "write_text", fail)
    with pytest.raises(UserError, match="No space left on device"):
        write(tmp_path, make_synthetic(CONFIG.model_copy(update={"seed": 1})), force=force)
    assert names_in(tmp_path) == (["toy"] if force else [])
    if force:
        verify_dataset(tmp_path, "toy")


def test_a_rename_that_fails_puts_the_old_data_set_back(
    tmp_path: Path, data: SyntheticData, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, data)
    rename = Path.rename

    def refuse_new(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with pytest.raises(UserError, match="Permission denied"):
        write(tmp_path, make_synthetic(CONFIG.model_copy(update={"seed": 1})), force=True)
    assert_same_split(open_test_split(tmp_path, "toy"), data.splits["test"])


def test_what_a_killed_import_leaves_is_no_data_set(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    (tmp_path / "toy").rename(tmp_path / ".toy.new-abc")
    assert list_datasets(tmp_path) == ()
    with pytest.raises(UserError, match="no data set 'toy'"):
        open_training_data(tmp_path, "toy")


def test_a_missing_data_set_lists_those_there_are_and_how_to_make_it(
    tmp_path: Path, data: SyntheticData
) -> None:
    assert list_datasets(tmp_path / "nowhere") == ()
    write(tmp_path, data, "toy")
    write(tmp_path, data, "iemocap")
    assert list_datasets(tmp_path) == ("iemocap", "toy")
    with pytest.raises(
        UserError, match=r"did you mean 'toy'.*there: iemocap, toy.*causalmer data import FILE --name toyy"
    ):
        open_training_data(tmp_path, "toyy")


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "a" * 65, "/etc"])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, data: SyntheticData, name: str) -> None:
    for call in (open_training_data, open_test_split, read_dataset_manifest, verify_dataset):
        with pytest.raises(UserError, match="is not allowed"):
            call(tmp_path, name)
    with pytest.raises(UserError, match="is not allowed"):
        write(tmp_path, data, name)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("train_text.npy", b""),
        ("train_text.npy", b"no array"),
        ("valid_labels.npy", None),
        ("train_ids.json", b"[]"),
        ("train_ids.json", b"{"),
        ("statistics_audio.npy", b"\x93NUMPY"),
        ("manifest.json", b"{}"),
        ("manifest.json", b"not json"),
    ],
)
def test_a_damaged_file_is_named(
    tmp_path: Path, data: SyntheticData, file: str, content: bytes | None
) -> None:
    write(tmp_path, data)
    path = tmp_path / "toy" / file
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{file}: .*again with --force"):
        open_training_data(tmp_path, "toy")


def test_an_array_of_another_shape_than_the_manifests_is_refused(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    np.save(tmp_path / "toy" / "train_text.npy", np.zeros((12, 3, 15), dtype=np.float32))
    with pytest.raises(UserError, match=r"train_text\.npy: .*\(12, 3, 15\).*\(12, 3, 16\)"):
        open_training_data(tmp_path, "toy")


def test_objects_are_never_unpickled_from_the_store(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    np.save(tmp_path / "toy" / "train_text.npy", np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="damaged"):
        open_training_data(tmp_path, "toy")


def test_the_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_root() == Path("causalmer_data")
    monkeypatch.setenv("CAUSALMER_DATA", "/somewhere")
    assert default_root() == Path("/somewhere")


def test_a_stored_data_set_is_plain_json_and_npy(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    files = list((tmp_path / "toy").iterdir())
    assert {path.suffix for path in files} == {".npy", ".json"}
    assert json.loads((tmp_path / "toy" / "test_ids.json").read_text())[0] == "test-0"
    assert "allow_pickle=True" not in inspect.getsource(store)
