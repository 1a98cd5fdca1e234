"""Reading YAML with the line of every key.

YAML 1.2 by ruamel.yaml: `1e-3` is a number, `on` is text, a duplicate key is an error. The result consists of plain
dicts, lists, strings, numbers, booleans and None.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from causalmer_core.basics.errors import KeyPath, UserError, did_you_mean
from sweeps.spec.problems import dotted

_LARGEST_BYTES = 1_000_000
_MOST_VALUES = 100_000
_MOST_BITS = 1024
"""Python refuses to write longer numbers as text, in messages too."""
_PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A YAML file's contents, with the place of each key.

    Attributes:
        path: the file, as the user named it.
        tree: the contents.
        lines: the line of each key and list item, counted from 1.
        files: the file of each key and list item; keys that are missing here are in `path`.
    """

    path: Path
    tree: dict[str, Any]
    lines: Mapping[KeyPath, int]
    files: Mapping[KeyPath, Path] = field(default_factory=dict)

    def line_of(self, path: KeyPath) -> int:
        """The line of a key, or of the closest key above it that the file has; 1 for the whole file."""
        return self.lines.get(self._closest(path), 1)

    def place_of(self, path: KeyPath) -> str:
        """The file and the line of a key, `FILE:LINE`, or of the closest key above it."""
        closest = self._closest(path)
        return f"{self.files.get(closest, self.path)}:{self.lines.get(closest, 1)}"

    def is_included(self, path: KeyPath) -> bool:
        """Whether a key comes from another file that this one includes."""
        return self.files.get(self._closest(path), self.path) != self.path

    def _closest(self, path: KeyPath) -> KeyPath:
        prefixes = (path[:length] for length in range(len(path), 0, -1))
        return next((prefix for prefix in prefixes if prefix in self.lines), ())


def read_yaml(path: Path | str) -> YamlFile:
    """Read a file that holds one mapping.

    Raises:
        UserError: the file does not exist, cannot be read, is not YAML text, or holds no mapping.
    """
    path = Path(path)
    document = _parsed(_text(path), str(path))
    if document is None:
        raise UserError(f"{path}:1: the file is empty; allowed a mapping with at least 'name' and 'data'")
    if not isinstance(document, CommentedMap):
        raise UserError(
            f"{path}:1: not a mapping; given {type(_Plain(str(path)).value(document, ())).__name__}; "
            "allowed 'key: value' lines"
        )
    plain = _Plain(str(path))
    tree = plain.value(document, ())
    return YamlFile(path=path, tree=tree, lines=plain.lines, files=dict.fromkeys(plain.lines, path))


def parse_assignment(text: str) -> tuple[str, Any]:
    """The dotted key and the value of `--set key=value`; the value is YAML, such as `8`, `tpe` or `[a, b]`.

    Raises:
        UserError: there is no `=` or no key, or the value is not YAML.
    """
    key, separator, value = text.partition("=")
    key = key.strip()
    if not separator or not all(key.split(".")):
        raise UserError(f"--set {text}: not an assignment; allowed KEY=VALUE, such as search.num_configs=8")
    place = f"--set {key}"
    return key, _Plain(place).value(_parsed(value, place), ())


def write_yaml(tree: Mapping[str, Any]) -> str:
    """Plain values as YAML 1.2 text, from which `read_yaml` reads the same values."""
    stream = io.StringIO()
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 2**30  # folding long text loses spaces in double quotes
    yaml.dump(_printable(tree), stream)
    return stream.getvalue()


def _text(path: Path) -> str:
    if not path.exists():
        raise UserError(f"{path}: no such file{_nearby(path)}")
    if not path.is_file():
        raise UserError(f"{path}: not a file{_nearby(path / 'any')}")
    size = path.stat().st_size
    if size > _LARGEST_BYTES:
        raise UserError(f"{path}: too large for a sweep's file; given {size} bytes; allowed {_LARGEST_BYTES}")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}:1: not text; given byte 0x{error.object[error.start]:02x} at position {error.start}; "
            "allowed YAML text in UTF-8"
        ) from error


def _nearby(path: Path) -> str:
    folder = next(parent for parent in (path.parent, *path.absolute().parents) if parent.is_dir())
    names = sorted(str(found) for pattern in ("*.yaml", "*.yml") for found in folder.glob(pattern))
    found = ", ".join(names) if names else "none"
    return f"; YAML files in {folder}: {found}{did_you_mean(str(path), names)}"


def _parsed(text: str, place: str) -> Any:
    """The document in ruamel's types, which have line numbers."""
    try:
        return YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}: column {mark.column + 1}" if mark else ""
        # The problem of a duplicate key contains both values, which may be long.
        what = " ".join(f"{error.context or ''} {error.problem or ''}".split()).partition(" with value ")[0]
        raise UserError(f"{place}{where}: not valid YAML: {what}; allowed YAML 1.2, each key once") from error
    except YAMLError as error:
        what = str(error).splitlines()[0]
        raise UserError(f"{place}:1: not valid YAML: {what}; allowed YAML text in UTF-8") from error
    except ValueError as error:  # a date that does not exist, or a number of thousands of digits
        raise UserError(
            f"{place}: a date or a number cannot be read: {error}; allowed text in quotes"
        ) from error
    except RecursionError as error:
        raise UserError(f"{place}:1: nested too deeply; allowed a few levels") from error


class _Plain:
    """Turns ruamel's types into plain ones and notes the line of each key."""

    def __init__(self, place: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._place = place
        self._values = 0

    def value(self, node: Any, path: KeyPath) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:  # a few nested aliases may expand to billions of values
            raise self._error(path, f"too many values; allowed {_MOST_VALUES}")
        if isinstance(node, CommentedMap):
            return {self._key(key, path): self._item(node, key, path) for key in node}
        if isinstance(node, CommentedSeq):
            return [self._item(node, index, path) for index in range(len(node))]
        if isinstance(node, bool | ScalarBoolean):  # a ScalarBoolean is an int, not a bool
            return bool(node)
        if isinstance(node, int) and node.bit_length() > _MOST_BITS:
            raise self._error(path, f"a whole number of {node.bit_length()} bits; allowed {_MOST_BITS} bits")
        for kind in (str, int, float):
            if isinstance(node, kind):
                return kind(node)
        if node is None:
            return None
        raise self._error(path, "neither text, number, true/false, list nor mapping; allowed text in quotes")

    def _key(self, key: Any, path: KeyPath) -> str:
        if not isinstance(key, str):
            raise self._error(path, f"a key is not text; given {key!r}; allowed text, in quotes if need be")
        return str(key)

    def _item(self, node: CommentedMap | CommentedSeq, key: Any, path: KeyPath) -> Any:
        below = (*path, key if isinstance(key, int) else str(key))
        position = (node.lc.data or {}).get(key)  # a merged key (<<) has none of its own
        if position is not None:
            self.lines[below] = position[0] + 1
        return self.value(node[key], below)

    def _error(self, path: KeyPath, what: str) -> UserError:
        lengths = range(len(path), 0, -1)
        line = next((self.lines[path[:length]] for length in lengths if path[:length] in self.lines), 1)
        return UserError(f"{self._place}:{line}: {dotted(path)}: {what}")


def _printable(value: Any) -> Any:
    """Lists of single values on one line, mappings over several, as people write them."""
    if isinstance(value, Mapping):
        return {_printable(key): _printable(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        items = CommentedSeq([_printable(item) for item in value])
        items.fa.set_flow_style()
        return items
    if isinstance(value, str) and not _PLAIN_TEXT.fullmatch(value):
        return DoubleQuotedScalarString(
            value
        )  # other styles lose rare line breaks, and trip over '?a' in a list
    return value
