"""`$include`: other files' trees below this one's, each mistake blamed on the file and the line where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from causalmer_core.basics.errors import UserError
from causalmer_core.config.run_config import FoldsConfig
from sweeps.spec.sweep_spec import SweepSpec, changed_values, load_spec, to_yaml

COMMON = """\
data: {name: mosi}
base:
  model: {text_branch: {name: transformer, hidden_dim: 8}, fusion: hm}
  trainer: {max_epochs: 8}
space:
  loss.alpha: {float: [0.1, 1.0], log: true}
  loss.beta: {float: [0.1, 3.0]}
search: {num_configs: 20, seed: 3}
"""


def load(folder: Path, text: str, **others: str) -> SweepSpec:
    for name, content in {"sweep": text, **others}.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return load_spec(folder / "sweep.yaml")


def refusal(folder: Path, text: str, **others: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        load(folder, text, **others)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_the_including_file_wins_key_by_key(tmp_path: Path) -> None:
    spec = load(
        tmp_path,
        "$include: common.yaml\nname: x\nbase: {model: {fusion: sum}, trainer: {early_stopping: 3}}\n"
        "search: {seed: 4}\n",
        common=COMMON,
    )
    config = spec.configurations.base
    assert (config.model.fusion, config.trainer.max_epochs, config.trainer.early_stopping) == ("sum", 8, 3)
    assert config.value("model.text_branch.hidden_dim") == 8
    assert (spec.search.num_configs, spec.search.seed) == (20, 4)
    assert len(spec.space) == 2


def test_a_parameter_and_a_variant_replace_those_that_are_included(tmp_path: Path) -> None:
    spec = load(
        tmp_path,
        "$include: common.yaml\nname: x\nbase: {model: {text_branch: {name: albert}}}\n"
        "space: {loss.alpha: {choice: [0.5]}}\n",
        common=COMMON,
    )
    assert spec.space["loss.alpha"].described() == "0.5"
    assert set(spec.space.paths) == {"loss.alpha", "loss.beta"}
    assert spec.configurations.base.model.text_branch.name == "albert"


def test_of_several_files_the_later_one_wins_and_paths_are_relative_to_the_including_file(
    tmp_path: Path,
) -> None:
    spec = load(
        tmp_path,
        "$include: [common.yaml, parts/small.yaml]\nname: x\n",
        common=COMMON,
        parts__small="$include: smaller.yaml\nsearch: {seed: 5}\n",
        parts__smaller="search: {num_configs: 6, seed: 6}\n",
    )
    assert (spec.search.num_configs, spec.search.seed) == (6, 5)


def test_a_sweep_written_out_needs_none_of_the_files(tmp_path: Path) -> None:
    spec = load(tmp_path, "$include: common.yaml\nname: x\n", common=COMMON)
    alone = load(tmp_path, to_yaml(spec), common="")
    assert changed_values(spec, alone) == {}


def test_a_mistake_is_blamed_on_the_file_and_the_line_where_it_stands(tmp_path: Path) -> None:
    bad = COMMON.replace("max_epochs: 8", "max_epochs: 0").replace("seed: 3", "sede: 3")
    lines = refusal(tmp_path, "$include: common.yaml\nname: x\n\nbase: {loss: {alhpa: 1}}\n", common=bad)
    assert [line.split(": ")[:2] for line in lines] == [
        ["sweep.yaml:4", "base.loss.alhpa"],
        ["common.yaml:4", "base.trainer.max_epochs"],
        ["common.yaml:8", "search.sede"],
    ]


def test_what_the_including_file_puts_right_is_no_mistake(tmp_path: Path) -> None:
    bad = COMMON.replace("max_epochs: 8", "max_epochs: 0")
    spec = load(tmp_path, "$include: common.yaml\nname: x\nbase: {trainer: {max_epochs: 2}}\n", common=bad)
    assert spec.configurations.base.trainer.max_epochs == 2


def test_files_in_a_circle_are_refused(tmp_path: Path) -> None:
    assert refusal(
        tmp_path, "name: x\n$include: a.yaml\n", a="\n$include: b.yaml\n", b="$include: [a.yaml]\n"
    ) == [
        "b.yaml:1: $include: files include each other in a circle: a.yaml includes b.yaml includes a.yaml; "
        "allowed no circle"
    ]
    assert "in a circle" in refusal(tmp_path, "$include: sweep.yaml\nname: x\n")[0]


def test_files_that_multiply_are_refused(tmp_path: Path) -> None:
    others = {f"f{n}": f"$include: [{', '.join([f'f{n + 1}.yaml'] * 9)}]\n" for n in range(9)}
    assert (
        "includes too many files; allowed 100"
        in refusal(tmp_path, "$include: f0.yaml\n", **others, f9=COMMON)[0]
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "nowhere.yaml",
            "sweep.yaml:2: $include: no such file; given nowhere.yaml; allowed a YAML file, relative to",
        ),
        (
            "3",
            "sweep.yaml:2: $include: not a file's name; given 3; allowed other.yaml, or [one.yaml, other.yaml]",
        ),
        ("[{a: b}]", "sweep.yaml:2: $include: not a file's name; given {'a': 'b'}; allowed other.yaml, or"),
    ],
)
def test_what_is_no_file_is_refused_with_its_line(tmp_path: Path, given: str, message: str) -> None:
    assert refusal(tmp_path, f"name: x\n$include: {given}\n")[0].startswith(message)


def test_another_data_set_keeps_the_split_the_root_and_whatever_else_the_section_says(tmp_path: Path) -> None:
    """It once dropped them without a word, so that validation followed another protocol."""
    own = "root: store, split: {folds: 3, group: id}, synthetic: {seed: 4}"
    common = COMMON.replace("{name: mosi}", f"{{name: mosi, {own}}}")
    included = load(tmp_path, "$include: common.yaml\nname: s\ndata: {name: one}\n", common=common).data
    overridden = load_spec(tmp_path / "sweep.yaml", {"data.name": "other"}).data
    assert (included.name, overridden.name) == ("one", "other")
    for data in (included, overridden):
        assert data.root == "store"
        assert data.split == FoldsConfig(folds=3, group="id")
        assert data.synthetic == {"seed": 4}
