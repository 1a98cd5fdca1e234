"""The picture, the paths, the functions and the libraries in docs/architecture.md and CONTRIBUTING.md are true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from rooms import ORDER, ROOT

ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=["architecture", "contributing"])


def picture() -> str:
    (found,) = re.findall(r"```mermaid\n(.*?)```", ARCHITECTURE, re.DOTALL)
    return found


def chain(arrows: str) -> list[str]:
    """The nodes of arrows that form one chain, each written `a --> b --> c`."""
    nodes: list[str] = []
    for line in arrows.splitlines():
        if "-->" in line:
            first, *others = [re.sub(r"\[.*\]", "", node).strip() for node in line.split("-->")]
            assert not nodes or first == nodes[-1], f"{line.strip()} does not continue {nodes}"
            nodes += [*([] if nodes else [first]), *others]
    return nodes


def groups(package: str) -> tuple[tuple[str, ...], ...]:
    """The rooms of a package in the order of the picture."""
    (part,) = re.findall(rf"subgraph {package}\n(.*?)\n  end", picture(), re.DOTALL)
    rooms = {node: tuple(text.split(", ")) for node, text in re.findall(r'(\w+)\["(.*?)"\]', part)}
    return tuple(rooms[node] for node in chain(part) or rooms)


def test_the_picture_has_the_packages_in_their_order() -> None:
    outside = re.sub(r"subgraph.*?\n  end", "", picture(), flags=re.DOTALL)
    assert chain(outside) == list(ORDER)


@pytest.mark.parametrize("package", ORDER)
def test_the_picture_has_the_rooms_in_their_order(package: str) -> None:
    assert groups(package) == ORDER[package]


@PAGES
def test_every_path_that_is_named_is_there(page: str) -> None:
    paths = re.findall(r"`([\w./-]+/[\w./-]*)(?::[\w.]+)?`", page)
    assert len(paths) > 15
    assert [path for path in paths if not (ROOT / path).exists()] == []


@PAGES
def test_every_link_leads_to_a_file(page: str) -> None:
    folder = ROOT / "docs" if page == ARCHITECTURE else ROOT
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", page)]
    assert [link for link in links if not (folder / link).is_file()] == []


@PAGES
def test_every_function_that_is_named_is_defined(page: str) -> None:
    named = re.findall(r"`([\w/]+\.py):([\w.]+)`", page)
    assert named
    assert [f"{path}:{name}" for path, name in named if name not in defined(ROOT / path)] == []


def defined(module: Path) -> set[str]:
    """The functions and classes of a module, and `Class.method` of each class."""
    names: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return names


@pytest.mark.parametrize("step", re.findall(r"^\d+\. (.*(?:\n   .*)*)", CONTRIBUTING, re.MULTILINE))
def test_every_name_in_a_step_stands_in_the_steps_files(step: str) -> None:
    """A step such as `file.py`: its name in `TABLE`: the file has that table."""
    files = [ROOT / path for path in re.findall(r"`([\w./]+\.(?:py|md))", step) if (ROOT / path).is_file()]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    names = re.findall(r"`([A-Za-z_]\w+)`", step)
    assert [name for name in names if files and name not in text and name != "schema"] == []


def test_every_place_of_a_library_is_named() -> None:
    (allowed,) = [
        ast.literal_eval(node.value)
        for node in ast.parse((ROOT / "tests" / "test_layers.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ALLOWED_IN"
    ]
    table = ARCHITECTURE.partition("## Libraries")[2]
    named = {
        library: set(re.findall(r"`([\w/.]+)`", places))
        for library, places in re.findall(r"^\| `(\w+)`.*?\| (.*) \|$", table, re.MULTILINE)
    }
    assert named.keys() == allowed.keys()
    for library, places in allowed.items():
        assert {
            next((room for room in named[library] if place.startswith(room)), place) for place in places
        } == (named[library])
