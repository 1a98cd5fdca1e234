"""The store: what is written is read back, the identity is that of the contents, and nothing is left half done."""

from __future__ import annotations

import dataclasses
import inspect
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from old_data_sets import make_old

from causalmer_core.basics.digests import DamagedFileError, digested
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.datasets import manifest, store
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.manifest import DatasetManifest, fingerprint
from causalmer_core.datasets.nonfinite import NonfiniteCounts
from causalmer_core.datasets.statistics import chunks
from causalmer_core.datasets.store import (
    MissingDataError,
    current_version,
    dataset_folder,
    dataset_versions,
    default_root,
    has_intact_version,
    list_datasets,
    open_test_split,
    open_training_data,
    read_dataset_manifest,
    verify_dataset,
    write_dataset,
)
from causalmer_core.datasets.synthetic import SyntheticConfig, SyntheticData, make_synthetic

CONFIG = SyntheticConfig(train=12, valid=5, test=7, time=3, emotions=2)
OTHER = make_synthetic(CONFIG.model_copy(update={"seed": 1}))
"""Other data of the same form."""


@pytest.fixture
def data() -> SyntheticData:
    return make_synthetic(CONFIG)


def write(root: Path, data: SyntheticData, name: str = "toy", **options: Any) -> DatasetManifest:
    return write_dataset(root, name, task=data.task, splits=data.splits, **options)


def flip_a_bit(path: Path) -> None:
    """Flip one bit in the last quarter of a file, where an array has its numbers."""
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 4
    path.write_bytes(content)


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
    for path in dataset_folder(tmp_path, "toy").glob("test_*"):
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
    assert "secret" not in (dataset_folder(tmp_path, "toy") / "manifest.json").read_text()
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


def test_altered_arrays_without_a_checksum_are_found_by_verification(
    tmp_path: Path, data: SyntheticData
) -> None:
    write(tmp_path, data)
    path = make_old(tmp_path, "toy") / "train_text.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    open_training_data(tmp_path, "toy")
    with pytest.raises(DamagedFileError, match="do not have the manifest's fingerprint"):
        verify_dataset(tmp_path, "toy")


@pytest.mark.parametrize(
    "file", ["train_text.npy", "valid_labels.npy", "train_ids.json", "statistics_text.npy"]
)
def test_one_altered_bit_is_found_when_the_training_side_is_opened(
    tmp_path: Path, data: SyntheticData, file: str
) -> None:
    write(tmp_path, data)
    flip_a_bit(dataset_folder(tmp_path, "toy") / file)
    with pytest.raises(DamagedFileError, match=rf"{file} is damaged: .*checksum.*--force"):
        open_training_data(tmp_path, "toy")
    assert_same_split(open_test_split(tmp_path, "toy"), data.splits["test"])
    assert not has_intact_version(tmp_path, "toy")


def test_one_altered_bit_of_the_test_split_is_found_when_it_is_opened_and_not_before(
    tmp_path: Path, data: SyntheticData
) -> None:
    write(tmp_path, data)
    flip_a_bit(dataset_folder(tmp_path, "toy") / "test_labels.npy")
    open_training_data(tmp_path, "toy")
    with pytest.raises(DamagedFileError, match=r"test_labels\.npy is damaged: .*checksum"):
        open_test_split(tmp_path, "toy")
    with pytest.raises(DamagedFileError, match=r"test_labels\.npy is damaged: .*checksum"):
        verify_dataset(tmp_path, "toy")


def test_a_file_that_changes_after_its_check_is_checked_again(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    open_training_data(tmp_path, "toy")
    flip_a_bit(dataset_folder(tmp_path, "toy") / "train_audio.npy")
    with pytest.raises(DamagedFileError, match=r"train_audio\.npy is damaged"):
        open_training_data(tmp_path, "toy")


def test_every_single_bit_of_a_manifest_is_guarded(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    path = dataset_folder(tmp_path, "toy") / "manifest.json"
    whole, expected = path.read_bytes(), read_dataset_manifest(tmp_path, "toy")
    for place in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 7
        path.write_bytes(flipped)
        with suppress(DamagedFileError):
            found = read_dataset_manifest(tmp_path, "toy", expected.fingerprint)
            assert found == expected, f"byte {place} was believed"


def test_other_data_under_a_name_are_a_new_version_beside_the_old_one(
    tmp_path: Path, data: SyntheticData
) -> None:
    first = write(tmp_path, data).fingerprint
    with pytest.raises(UserError, match=r"already in .*--force"):
        write(tmp_path, OTHER)
    assert_same_split(open_test_split(tmp_path, "toy"), data.splits["test"])
    second = write(tmp_path, OTHER, force=True).fingerprint
    assert_same_split(open_test_split(tmp_path, "toy"), OTHER.splits["test"])
    assert_same_split(open_test_split(tmp_path, "toy", first), data.splits["test"])
    assert open_training_data(tmp_path, "toy", first).fingerprint == first
    assert names_in(tmp_path) == ["toy"]
    assert names_in(tmp_path / "toy") == sorted([first[:16], second[:16], "current.json"])
    assert current_version(tmp_path, "toy") == second
    assert dataset_versions(tmp_path, "toy").keys() == {first, second}
    verify_dataset(tmp_path, "toy", first)


def test_maps_of_a_version_stay_as_they_are_when_other_data_are_written(
    tmp_path: Path, data: SyntheticData
) -> None:
    write(tmp_path, data)
    held = open_training_data(tmp_path, "toy")
    write(tmp_path, OTHER, force=True)
    assert_same_split(held.train, data.splits["train"])


def test_writing_the_same_data_again_keeps_the_files_and_makes_them_current(
    tmp_path: Path, data: SyntheticData
) -> None:
    first = write(tmp_path, data, source_file="first.pkl")
    write(tmp_path, OTHER, force=True)
    folder = dataset_folder(tmp_path, "toy", first.fingerprint)
    before = {path.name: path.stat() for path in folder.iterdir()}
    assert write(tmp_path, data, source_file="second.pkl", force=True) == first
    assert {path.name: path.stat() for path in folder.iterdir()} == before
    assert current_version(tmp_path, "toy") == first.fingerprint


@pytest.mark.parametrize("harm", ["flipped", "removed", "manifest flipped", "manifest removed"])
def test_writing_the_same_data_again_mends_a_damaged_version(
    tmp_path: Path, data: SyntheticData, harm: str
) -> None:
    first = write(tmp_path, data)
    write(tmp_path, OTHER, force=True)
    folder = dataset_folder(tmp_path, "toy", first.fingerprint)
    path = folder / ("manifest.json" if harm.startswith("manifest") else "test_text.npy")
    path.unlink() if harm.endswith("removed") else flip_a_bit(path)
    assert not has_intact_version(tmp_path, "toy", first.fingerprint)
    write(tmp_path, data, force=True)
    verify_dataset(tmp_path, "toy", first.fingerprint)
    assert_same_split(open_test_split(tmp_path, "toy", first.fingerprint), data.splits["test"])


def test_a_version_that_does_not_become_current_leaves_the_current_one(
    tmp_path: Path, data: SyntheticData
) -> None:
    first = write(tmp_path, data, make_current=False).fingerprint
    assert current_version(tmp_path, "toy") == first, "there was no other"
    second = write(tmp_path, OTHER, force=True, make_current=False).fingerprint
    assert current_version(tmp_path, "toy") == first
    assert open_training_data(tmp_path, "toy", second).fingerprint == second


def test_a_version_that_is_not_there_is_named_with_those_that_are(
    tmp_path: Path, data: SyntheticData
) -> None:
    first = write(tmp_path, data).fingerprint
    second = write(tmp_path, OTHER, force=True).fingerprint
    shutil.rmtree(dataset_folder(tmp_path, "toy", second))
    expected = rf"'toy' in .* has no version {second[:16]}; there: {first[:16]}; make the same data again"
    for fingerprint_ in (None, second):
        with pytest.raises(MissingDataError, match=expected):
            open_training_data(tmp_path, "toy", fingerprint_)
    write(tmp_path, OTHER, force=True)
    assert_same_split(open_test_split(tmp_path, "toy"), OTHER.splits["test"])


@pytest.mark.parametrize("harm", ["removed", "emptied", "flipped"])
def test_which_version_is_current_is_never_guessed(tmp_path: Path, data: SyntheticData, harm: str) -> None:
    first = write(tmp_path, data).fingerprint
    write(tmp_path, OTHER, force=True)
    path = tmp_path / "toy" / "current.json"
    if harm == "flipped":
        flip_a_bit(path)
    else:
        path.unlink() if harm == "removed" else path.write_bytes(b"")
    with pytest.raises(DamagedFileError, match=r"current\.json is damaged: .*--force"):
        open_training_data(tmp_path, "toy")
    assert open_training_data(tmp_path, "toy", first).fingerprint == first
    write(tmp_path, data, force=True)
    assert open_training_data(tmp_path, "toy").fingerprint == first


def test_a_version_in_the_place_of_another_is_damage(tmp_path: Path, data: SyntheticData) -> None:
    first = write(tmp_path, data).fingerprint
    second = write(tmp_path, OTHER, force=True).fingerprint
    shutil.rmtree(tmp_path / "toy" / first[:16])
    (tmp_path / "toy" / second[:16]).rename(tmp_path / "toy" / first[:16])
    with pytest.raises(DamagedFileError, match=f"manifest of another version, {second[:16]}"):
        open_training_data(tmp_path, "toy", first)


def test_a_data_set_of_an_earlier_program_is_a_version(tmp_path: Path, data: SyntheticData) -> None:
    first = write(tmp_path, data).fingerprint
    before = names_in(make_old(tmp_path, "toy"))
    for fingerprint_ in (None, first):
        assert_same_split(open_training_data(tmp_path, "toy", fingerprint_).train, data.splits["train"])
        assert_same_split(open_test_split(tmp_path, "toy", fingerprint_), data.splits["test"])
    assert dataset_folder(tmp_path, "toy") == tmp_path / "toy"
    second = write(tmp_path, OTHER, force=True).fingerprint
    assert names_in(tmp_path / "toy") == sorted([*before, second[:16], "current.json"])
    assert dataset_versions(tmp_path, "toy").keys() == {first, second}
    assert current_version(tmp_path, "toy") == second
    assert_same_split(open_training_data(tmp_path, "toy", first).train, data.splits["train"])


def test_the_same_data_again_give_an_old_data_set_its_checksums(tmp_path: Path, data: SyntheticData) -> None:
    first = write(tmp_path, data).fingerprint
    path = make_old(tmp_path, "toy") / "train_text.npy"
    write(tmp_path, data, force=True)
    flip_a_bit(path)
    assert_same_split(open_training_data(tmp_path, "toy", first).train, data.splits["train"])
    assert dataset_versions(tmp_path, "toy") == {first: tmp_path / "toy" / first[:16]}


def test_a_version_of_a_newer_program_is_told_and_never_overwritten(
    tmp_path: Path, data: SyntheticData
) -> None:
    write(tmp_path, data)
    path = dataset_folder(tmp_path, "toy") / "manifest.json"
    tree = json.loads(path.read_text())
    del tree["sha256"]
    path.write_text(digested({**tree, "format_version": 3, "new": 1}))
    newer = path.read_bytes()
    for call in (open_training_data, has_intact_version):
        with pytest.raises(UserError, match=r"written by a newer causalmer.*update causalmer"):
            call(tmp_path, "toy")
    with pytest.raises(UserError, match="update causalmer"):
        write(tmp_path, data, force=True)
    assert path.read_bytes() == newer


@pytest.mark.parametrize("force", [False, True])
def test_a_write_that_fails_leaves_things_as_they_were(
    tmp_path: Path, data: SyntheticData, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    if force:
        write(tmp_path, data)
    full = OSError(28, "No space left on device")

    def fail(*_: Any) -> None:
        raise full

    monkeypatch.setattr(store, "write_manifest", fail)
    with pytest.raises(UserError, match="No space left on device"):
        write(tmp_path, make_synthetic(CONFIG.model_copy(update={"seed": 1})), force=force)
    assert names_in(tmp_path) == (["toy"] if force else [])
    if force:
        verify_dataset(tmp_path, "toy")


def test_a_rename_that_fails_leaves_the_old_version_current(
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
        write(tmp_path, OTHER, force=True)
    assert_same_split(open_test_split(tmp_path, "toy"), data.splits["test"])
    assert names_in(tmp_path) == ["toy"]


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
    calls = (
        *(open_training_data, open_test_split, read_dataset_manifest, verify_dataset),
        *(has_intact_version, dataset_versions, current_version),
    )
    for call in calls:
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
@pytest.mark.parametrize("is_old", [False, True])
def test_a_damaged_file_is_named(
    tmp_path: Path, data: SyntheticData, file: str, content: bytes | None, is_old: bool
) -> None:
    write(tmp_path, data)
    folder = make_old(tmp_path, "toy") if is_old else dataset_folder(tmp_path, "toy")
    path = folder / file
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=rf"{file} is damaged: .*make the same data again.*--force"):
        open_training_data(tmp_path, "toy")


def test_an_array_of_another_shape_than_the_manifests_is_refused(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    np.save(make_old(tmp_path, "toy") / "train_text.npy", np.zeros((12, 3, 15), dtype=np.float32))
    with pytest.raises(DamagedFileError, match=r"train_text\.npy is damaged: .*\(12, 3, 15\).*\(12, 3, 16\)"):
        open_training_data(tmp_path, "toy")


def test_objects_are_never_unpickled_from_the_store(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    path = make_old(tmp_path, "toy") / "train_text.npy"
    np.save(path, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="damaged"):
        open_training_data(tmp_path, "toy")


def test_the_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_root() == Path("causalmer_data")
    monkeypatch.setenv("CAUSALMER_DATA", "/somewhere")
    assert default_root() == Path("/somewhere")


def test_a_stored_data_set_is_plain_json_and_npy(tmp_path: Path, data: SyntheticData) -> None:
    write(tmp_path, data)
    folder = dataset_folder(tmp_path, "toy")
    files = [path for path in (tmp_path / "toy").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".npy", ".json"}
    assert json.loads((folder / "test_ids.json").read_text())[0] == "test-0"
    assert "allow_pickle=True" not in inspect.getsource(store)
