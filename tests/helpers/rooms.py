"""The rooms of the packages: their order, their faces, and the tables in their `__init__` files.

`python tests/helpers/rooms.py` writes every table anew from the first sentences of the modules' docstrings.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

ORDER: dict[str, tuple[tuple[str, ...], ...]] = {
    "causalmer_core": (
        ("basics",),
        ("restricted_pickle", "layers", "config"),
        ("datasets", "method"),
        ("backbones", "measures"),
        ("models",),
        ("training",),
        ("debiasing", "published_checkpoint"),
    ),
    "cluster": (("resources",), ("connection",), ("jobs", "nodes", "templates")),
    "results": (("storage", "statistics"), ("records",), ("ranking", "evaluation"), ("integrity", "report")),
    "sweeps": (
        ("space",),
        ("spec",),
        ("search", "debiasing"),
        ("jobs",),
        ("setup", "execution", "progress"),
        ("gpu_memory",),
        ("driver",),
        ("cli",),
    ),
    "causalmer": (("__main__",),),
}
"""The packages, and in each its rooms (folders and single modules): an import points to a room that stands earlier."""

MOST_ENTRIES = 14
"""So many files and folders a folder of the packages holds at most."""


@cache
def modules() -> list[Path]:
    """Every module of the packages, relative to the root."""
    return sorted(file.relative_to(ROOT) for package in ORDER for file in (ROOT / package).rglob("*.py"))


def folders() -> list[Path]:
    """Every folder of the packages that holds modules, relative to the root."""
    return sorted({module.parent for module in modules()})


def public_children(folder: Path) -> set[str]:
    """The modules and folders of a folder that code outside of it imports."""
    name = ".".join(folder.parts)
    importers = [*modules(), *(file.relative_to(ROOT) for file in (ROOT / "benchmarks").glob("*.py"))]
    return {
        imported[len(folder.parts)]
        for importer in importers
        if not is_within(importer, folder)
        for imported in (found.split(".") for found in imported_modules(importer))
        if ".".join(imported[: len(folder.parts)]) == name and len(imported) > len(folder.parts)
    }


def is_within(module: Path, folder: Path) -> bool:
    """Whether a module lies in a folder or below it."""
    return module.parts[: len(folder.parts)] == folder.parts


@cache
def imported_modules(module: Path) -> tuple[str, ...]:
    """The dotted names of the packages' modules and folders that a module imports."""
    return tuple(_imported(module))


def _imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            while parts and not is_module(parts):
                parts.pop()  # the last part is a name in the module
            if parts:
                yield ".".join(parts)


def is_module(parts: list[str]) -> bool:
    """Whether a dotted name is one of the packages' modules or folders."""
    path = ROOT.joinpath(*parts)
    return parts[0] in ORDER and (path.with_suffix(".py").is_file() or (path / "__init__.py").is_file())


def table(folder: Path) -> str:
    """The table of a folder's files and folders, each with the first sentence of its docstring."""
    rows = ["| file | what it is |", "|---|---|"]
    for child in sorted((ROOT / folder).iterdir()):
        if child.suffix == ".py" and child.name != "__init__.py":
            rows.append(f"| `{child.name}` | {first_sentence(child)} |")
        elif (child / "__init__.py").is_file():
            rows.append(f"| `{child.name}/` | {first_sentence(child / '__init__.py')} |")
        elif child.is_dir() and child.name != "__pycache__":
            rows.append(f"| `{child.name}/` | {DATA_FOLDERS[child.name]} |")
    return "\n".join(rows)


DATA_FOLDERS = {
    "configs": "Sweeps to start from",
    "templates": "What pages and files are made from",
}
"""Folders without modules."""


def first_sentence(module: Path) -> str:
    """The first sentence of a module's docstring, without its full stop."""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return re.split(r"(?<=\.)\s|\n\n", " ".join(text.split("\n\n")[0].split()))[0].rstrip(".")


def with_table(folder: Path) -> str:
    """The text of a folder's `__init__` with its table and its `__all__` as they should be."""
    path = ROOT / folder / "__init__.py"
    source = path.read_text(encoding="utf-8")
    about = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n| file |")[0].split("\n\n")
    texts = "\n\n".join(textwrap.fill(" ".join(text.split()), 115) for text in about)
    names = sorted(public_children(folder))
    face = f"__all__ = {names!r}" if names else "__all__: list[str] = []"
    return f'"""{texts}\n\n{table(folder)}\n"""\n\n{face}\n'


def by_name() -> dict[str, list[str]]:
    """The modules in which each public function and class is defined."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules():
        for node in ast.parse((ROOT / module).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(module.as_posix())
    return dict(found)


if __name__ == "__main__":
    for each in folders():
        if each != Path("causalmer"):
            (ROOT / each / "__init__.py").write_text(with_table(each), encoding="utf-8")
