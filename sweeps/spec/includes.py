"""Reading a sweep's file with the files that it includes (`$include: other.yaml`).

The values of the including file override those of included files; later included files override earlier ones. Mappings
are merged key by key. A variant with another name and a parameter of the space replace the included value. Paths are
relative to the including file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from causalmer_core.basics.errors import KeyPath, UserError
from causalmer_core.config.run_config import merged
from sweeps.spec.yaml_file import YamlFile, read_yaml

KEY = "$include"
"""The key, at the top of a file."""

BY_DOTTED_PATH = ("space", "paper_default")
"""Sections whose keys are themselves dotted paths."""

_MOST_FILES = 100


def read_sweep_file(path: Path | str) -> YamlFile:
    """Read a file and all that it includes, as one tree with the file and the line of each key.

    Raises:
        UserError: a file cannot be read, files include each other in a circle, or there are too many files.
    """
    return _Reader().read(Path(path), ())


def merged_trees(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` merged over `below`. In sections with dotted keys, an entry replaces the whole entry below it."""
    result = merged(below, above)
    data, other_data = below.get("data"), above.get("data")
    if isinstance(data, Mapping) and isinstance(other_data, Mapping):
        # `data.name` names a data set, not a variant: another one must not drop the split, the root or `synthetic`
        nameless = {key: value for key, value in data.items() if key != "name"}
        result["data"] = {**data, **merged(nameless, other_data)}
    for section in BY_DOTTED_PATH:
        one, other = below.get(section), above.get(section)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            result[section] = {**one, **other}
    return result


class _Reader:
    """Reads the files of one sweep, and counts them."""

    def __init__(self) -> None:
        self._files = 0

    def read(self, path: Path, including: tuple[Path, ...]) -> YamlFile:
        self._files += 1
        if self._files > _MOST_FILES:
            raise UserError(f"{including[0]}: includes too many files; allowed {_MOST_FILES}")
        file = read_yaml(path)
        own = {key: value for key, value in file.tree.items() if key != KEY and value is not None}
        whole = YamlFile(path=path, tree={}, lines={}, files={})
        for index, name in enumerate(_names(file)):
            place = file.place_of((KEY, index))
            whole = _over(whole, self._included(path.parent / name, (*including, path), place))
        return _over(whole, YamlFile(path=path, tree=own, lines=file.lines, files=file.files))

    def _included(self, path: Path, including: tuple[Path, ...], place: str) -> YamlFile:
        chain = [other.resolve() for other in including]
        if path.resolve() in chain:
            circle = " includes ".join(map(str, [*including[chain.index(path.resolve()) :], path]))
            raise UserError(
                f"{place}: {KEY}: files include each other in a circle: {circle}; allowed no circle"
            )
        if not path.is_file():
            raise UserError(
                f"{place}: {KEY}: no such file; given {path}; allowed a YAML file, relative to this one"
            )
        return self.read(path, including)


def _names(file: YamlFile) -> list[str]:
    """The files that a file includes."""
    given = file.tree.get(KEY)
    names = given if isinstance(given, list) else [] if given is None else [given]
    for name in names:
        if not isinstance(name, str) or not name:
            what = f"not a file's name; given {name!r}; allowed other.yaml, or [one.yaml, other.yaml]"
            raise UserError(f"{file.place_of((KEY,))}: {KEY}: {what}")
    return names


def _over(below: YamlFile, above: YamlFile) -> YamlFile:
    """One file's tree merged over another's. The place of each key is in the file that its value comes from."""
    tree = merged_trees(below.tree, above.tree)
    kept = {key: line for key, line in below.lines.items() if _value(tree, key) == _value(below.tree, key)}
    places = {**kept, **above.lines}
    files = {key: above.files[key] if key in above.files else below.files[key] for key in places}
    return YamlFile(path=above.path, tree=tree, lines=places, files=files)


def _value(tree: Any, path: KeyPath) -> Any:
    for part in path:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return None
    return tree
