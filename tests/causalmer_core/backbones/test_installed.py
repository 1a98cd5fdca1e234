"""Backbones of other packages: named in sweeps like ours, and what is wrong with one is told in a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from tiny_backbones import INSTALLED, distribution, documented, tiny_shape

from causalmer_core.backbones.build import BACKBONES, build_backbone
from causalmer_core.basics.errors import UserError
from causalmer_core.config.backbone_config import BackboneConfig, MulTConfig, backbone_names
from causalmer_core.config.run_config import RunConfig
from sweeps.spec.sweep_spec import load_spec, to_yaml

HEAD = "name: x\ndata: {name: x}\n"
FAULTY = {
    "absent": (
        "no_such_module:Network",
        "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "gone": ("faulty_backbones:Gone", "cannot be imported: AttributeError: "),
    "raising": ("raising_backbones:Network", "cannot be imported: RuntimeError: no licence found"),
    "bare": ("faulty_backbones:Bare", "has no config_type that is a subclass of BackboneConfig"),
    "foreign": ("faulty_backbones:Foreign", "has no config_type that is a subclass of BackboneConfig"),
    "misnamed": ("faulty_backbones:Misnamed", "has a config_type whose name is not 'misnamed'"),
}
MODULES = {
    "faulty_backbones": """
from typing import Literal
from causalmer_core.config.backbone_config import BackboneConfig
class Bare: ...
class Foreign:
    config_type = dict
class OtherConfig(BackboneConfig):
    name: Literal["other"] = "other"
class Misnamed:
    config_type = OtherConfig
""",
    "raising_backbones": "raise RuntimeError('no licence found')\n",
}
EVERY_FAULT = pytest.mark.parametrize("name", FAULTY)


@pytest.fixture(scope="module", autouse=True)
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    faulty = {name: target for name, (target, _) in FAULTY.items()} | {"mult": "no_such_module:Network"}
    with (
        distribution(tmp_path_factory.mktemp("good"), *documented()),
        distribution(tmp_path_factory.mktemp("faulty"), MODULES, faulty, name="faulty_package"),
    ):
        yield


def spec_file(folder: Path, text: str) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def lines(folder: Path, text: str) -> list[str]:
    """What is told about a sweep's file, without its name."""
    path = spec_file(folder, text)
    with pytest.raises(UserError) as caught:
        load_spec(path)
    return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]


def test_a_sweep_names_an_installed_backbone_and_searches_its_options(tmp_path: Path) -> None:
    text = (
        "base: {model: {backbone: {name: mean_pool}}}\n"
        "space: {model.backbone.hidden_dim: {int: [16, 64]}}\nsearch: {num_configs: 3}\nseeds: {top_k: 1}\n"
    )
    spec = load_spec(spec_file(tmp_path, text))
    config = spec.configurations.of({"model.backbone.hidden_dim": 48})
    assert config.model.backbone.name == INSTALLED
    assert config.value("model.backbone") == {"name": INSTALLED, "hidden_dim": 48}
    (tmp_path / "again.yaml").write_text(to_yaml(spec), encoding="utf-8")
    assert load_spec(tmp_path / "again.yaml") == spec
    names = "space: {model.backbone.name: {choice: [mult, mean_pool, unimodal]}}\n"
    both = load_spec(spec_file(tmp_path, names + "search: {num_configs: 3}\nseeds: {top_k: 1}\n"))
    assert both.configurations.of({"model.backbone.name": INSTALLED}).model.backbone.name == INSTALLED


def test_a_mistake_in_an_option_of_an_installed_backbone_is_told_like_any_other(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, "base:\n  model:\n    backbone: {name: mean_pool, hidden_dim: wide}\n")
    assert line.startswith("5: base.model.backbone")
    assert line.endswith('hidden_dim: wrong type; given "wide"; allowed a whole number')
    (line,) = lines(tmp_path, "base:\n  model:\n    backbone: {name: mean_pool, hiden_dim: 8}\n")
    assert line.startswith("5: base.model.backbone")
    assert "hiden_dim: unknown key; given hiden_dim" in line
    (line,) = lines(
        tmp_path,
        "base: {model: {backbone: {name: mean_pool}}}\nspace:\n  model.backbone.layers: {int: [1, 2]}\n",
    )
    assert line.startswith("5: space.model.backbone.layers: ")


@EVERY_FAULT
def test_a_faulty_installed_backbone_is_told_by_its_name_its_target_and_its_fault(
    name: str, tmp_path: Path
) -> None:
    target, fault = FAULTY[name]
    what = f"the installed backbone {name!r} ({target}) {fault}"
    with pytest.raises(ValidationError) as caught:
        RunConfig().with_values({"model.backbone": {"name": name}})
    (error,) = caught.value.errors()
    assert error["loc"] == ("model", "backbone")
    assert error["msg"].startswith(what)
    assert error["msg"].endswith("allowed a causalmer_core.backbones.base.Backbone; see docs/backbones.md")
    (line,) = lines(tmp_path, f"base:\n  model:\n    backbone: {{name: {name}}}\n")
    assert line.startswith(f"5: base.model.backbone: {what}")
    assert "see docs/backbones.md" in line


@pytest.mark.parametrize(("given", "meant"), [("mulled", "mult"), ("mean_pol", "mean_pool"), ("pmrs", "pmr")])
def test_an_unknown_name_is_told_with_the_names_there_are_and_the_likely_one(
    given: str, meant: str, tmp_path: Path
) -> None:
    with pytest.raises(ValidationError) as caught:
        RunConfig().with_values({"model.backbone": {"name": given}})
    message = str(caught.value)
    assert given in message
    assert all(f"'{name}'" in message for name in backbone_names())
    (line,) = lines(tmp_path, f"base:\n  model:\n    backbone: {{name: {given}}}\n")
    assert line.startswith(f'5: base.model.backbone: unknown name; given "{given}"; allowed ')
    assert all(f"'{name}'" in line for name in backbone_names())
    assert f"(did you mean {meant!r}?)" in line


def test_an_unknown_name_that_comes_from_code_is_refused_when_it_is_built() -> None:
    class Unregistered(BackboneConfig):
        name: str = "unregistered"

    with pytest.raises(UserError, match=r"unknown backbone 'unregistered'; allowed: .*mean_pool.*mult"):
        build_backbone(Unregistered(), tiny_shape())


def test_an_installed_backbone_cannot_take_the_name_of_one_of_ours() -> None:
    assert backbone_names().count("mult") == 1
    assert type(RunConfig().with_values({"model.backbone": {"name": "mult"}}).model.backbone) is MulTConfig
    assert isinstance(
        build_backbone(MulTConfig(), tiny_shape(lengths=dict.fromkeys(tiny_shape().lengths, 9))),
        BACKBONES["mult"],
    )


def test_what_is_installed_is_listed_after_ours() -> None:
    assert backbone_names() == (*BACKBONES, *sorted([INSTALLED, *FAULTY]))


def test_a_backbone_that_is_no_longer_installed_is_unknown(tmp_path: Path) -> None:
    modules, points = documented()
    renamed = {"brief": next(iter(points.values()))}
    with distribution(tmp_path / "brief", modules, renamed, name="brief_package"):
        assert "brief" in backbone_names()
    with pytest.raises(ValidationError, match="'brief'"):
        RunConfig().with_values({"model.backbone": {"name": "brief"}})
