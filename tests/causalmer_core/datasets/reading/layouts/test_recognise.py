"""A file's layout is told by the file; what cannot be told is said with what was found and what would do."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from field_files import Splits, flat, mmsa_splits, plain_splits, write_npy, write_pickle

from causalmer_core.basics.errors import UserError
from causalmer_core.datasets.reading.importing import read_data_file
from causalmer_core.datasets.reading.layouts.base import parsed_array_roles
from causalmer_core.datasets.reading.layouts.recognise import LAYOUTS, LayoutName


def renamed(splits: Splits, **names: str) -> Splits:
    return {
        split: {names.get(key, key): value for key, value in found.items()} for split, found in splits.items()
    }


def test_the_names_on_the_command_line_are_the_layouts() -> None:
    assert [name.value for name in LayoutName] == list(LAYOUTS)
    assert [layout.name for layout in LAYOUTS.values()] == list(LAYOUTS)


def test_each_layout_is_recognised(tmp_path: Path) -> None:
    np.savez(tmp_path / "arrays", **flat(plain_splits()))
    paths = {
        "mult": write_pickle(tmp_path / "a.pkl", plain_splits()),
        "mmsa": write_pickle(tmp_path / "b.pkl", mmsa_splits(aligned=True)),
        "npz": tmp_path / "arrays.npz",
        "npy": write_npy(tmp_path / "folder", plain_splits()),
    }
    for name, path in paths.items():
        assert read_data_file(path).layout == name
        assert read_data_file(path, layout=LayoutName(name)).layout == name


def test_a_layout_that_is_given_is_used_before_the_recognised_one(tmp_path: Path) -> None:
    splits = renamed(mmsa_splits(aligned=True), regression_labels="labels")
    path = write_pickle(tmp_path / "a.pkl", splits)
    with pytest.raises(UserError, match="key 'regression_labels' is missing"):
        read_data_file(path, layout=LayoutName.MMSA)
    found = read_data_file(path, layout=LayoutName.MULT)
    assert found.splits["train"].ids[0] == "video0$_$0", "only MMSA's layout knows its separator"


def test_keys_of_other_names_can_be_taken(tmp_path: Path) -> None:
    splits = plain_splits()
    path = write_pickle(tmp_path / "a.pkl", renamed(splits, vision="visual", labels="y"))
    found = read_data_file(path, array_roles=parsed_array_roles(["vision=visual", "labels=y"]))
    np.testing.assert_array_equal(
        found.splits["test"].labels, read_data_file(write_pickle(path, splits)).splits["test"].labels
    )


def test_an_unknown_layout_lists_what_was_found_and_what_each_layout_needs(tmp_path: Path) -> None:
    path = write_pickle(tmp_path / "a.pkl", renamed(plain_splits(), vision="visual", labels="y"))
    with pytest.raises(UserError) as caught:
        read_data_file(path)
    message = str(caught.value)
    for part in (
        "a.pkl: in no known layout",
        "visual (8 x 6 x 3 float32)",
        "y (8 x 2 x 2 int64)",
        "mult lacks vision, labels",
        *(layout.needs for layout in LAYOUTS.values()),
        "--map vision=visual",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("vision=visiom", r"train: --map vision=visiom: there is no key 'visiom' \(did you mean 'vision'\?\)"),
        ("text_length=a", r"unknown role of --map 'text_length'; allowed: audio, .*did you mean 'text_lengths'"),
        ("vision", r"--map vision: allowed: ROLE=KEY"),
        ("vision=", r"--map vision=: allowed: ROLE=KEY"),
        ("labels=none", r"--map labels=none: a data set needs labels"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_said(tmp_path: Path, option: str, message: str) -> None:
    path = write_pickle(tmp_path / "a.pkl", plain_splits())
    with pytest.raises(UserError, match=message):
        read_data_file(path, layout=LayoutName.MULT, array_roles=parsed_array_roles([option]))


def test_hdf5_is_recognised_and_the_way_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "CMU_MOSEI_COVAREP.csd").write_bytes(b"anything")
    (tmp_path / "renamed.pkl").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(8))
    for name in ("CMU_MOSEI_COVAREP.csd", "renamed.pkl"):
        with pytest.raises(UserError, match=rf"{name}: an HDF5 file.*np\.savez"):
            read_data_file(tmp_path / name)


@pytest.mark.parametrize(
    ("layout", "kind", "message"),
    [
        (LayoutName.NPZ, "pickle", "found another kind of file; the layout npz is an .npz file"),
        (LayoutName.NPY, "pickle", "the layout npy is a folder"),
        (LayoutName.MULT, "npy", "found a folder; the layout mult is a pickle"),
        (LayoutName.MMSA, "npz", "found a zip archive; the layout mmsa is a pickle"),
    ],
)
def test_a_layout_of_another_kind_of_file_is_refused(
    tmp_path: Path, layout: LayoutName, kind: str, message: str
) -> None:
    np.savez(tmp_path / "arrays", **flat(plain_splits()))
    path = {
        "pickle": write_pickle(tmp_path / "a.pkl", plain_splits()),
        "npy": write_npy(tmp_path / "folder", plain_splits()),
        "npz": tmp_path / "arrays.npz",
    }[kind]
    with pytest.raises(UserError, match=message):
        read_data_file(path, layout=layout)


def test_one_npy_file_is_no_data_set(tmp_path: Path) -> None:
    folder = write_npy(tmp_path / "folder", plain_splits())
    with pytest.raises(UserError, match="give the folder that it is in"):
        read_data_file(folder / "train_text.npy")


def test_an_archive_of_something_else_says_what_is_missing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "weights.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    with pytest.raises(UserError, match=r"weights\.pt: split 'train' is missing; found: no array"):
        read_data_file(tmp_path / "weights.pt")
