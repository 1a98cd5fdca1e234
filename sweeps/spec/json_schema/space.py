"""Schemas of `space`, `paper_default` and `search.points`, which name values by dotted path."""

from __future__ import annotations

from collections.abc import Mapping

from sweeps.spec.json_schema.described import Schema
from sweeps.spec.json_schema.paths import NULL, types, without_null

ENTRIES = ("FloatRange", "IntRange", "Choice", "Constant", "Reference")
"""The kinds of entries of a space. A file's entry replaces an included entry completely."""


class Paths:
    """The definitions that these sections refer to, for the values of a configuration.

    Args:
        values: the schema of each value, by path.
        fixed: paths whose values a sweep may neither search nor give by path.
    """

    def __init__(self, values: Mapping[str, Schema], fixed: tuple[str, ...]) -> None:
        self._values = values
        self._free = {path: value for path, value in values.items() if path not in fixed}

    def definitions(self) -> dict[str, Schema]:
        """By name: values, entries of the space, conditions, paths, and groups of values."""
        return {
            **{f"value.{path}": without_null(value) for path, value in self._free.items()},
            **{f"entry.{path}": _entry(path, value) for path, value in self._free.items()},
            **{
                f"values.{group}": {"description": f"values below `{group}`.", **self._group(f"{group}.")}
                for group in self._groups()
            },
            "when": self._when(),
            "path": {"enum": sorted(self._values)},
        }

    def space(self) -> Schema:
        """The section `space`."""
        return _closed({path: _ref(f"entry.{path}") for path in self._free})

    def point(self) -> Schema:
        """One of `search.points`."""
        return _closed({path: _ref(f"value.{path}") for path in self._free})

    def overrides(self) -> Schema:
        """The section `paper_default`: dotted or nested, as anyone likes."""
        return self._group("")

    def _group(self, prefix: str) -> Schema:
        below = {group: _ref(f"values.{group}") for group in self._groups()}
        below |= {path: _given(path, value) for path, value in self._free.items()}
        return _closed(
            {path.removeprefix(prefix): part for path, part in below.items() if path.startswith(prefix)}
        )

    def _groups(self) -> list[str]:
        parents = {
            path.rsplit(".", depth)[0] for path in self._free for depth in range(1, path.count(".") + 1)
        }
        return sorted(parents)

    def _when(self) -> Schema:
        beside = {
            path: {
                "description": f"Only beside these values of it. {value['description']}",
                "type": "array",
                "minItems": 1,
                "items": _ref(f"value.{path}"),
            }
            for path, value in self._free.items()
        }
        return _closed(beside)


def adapt_entries(defs: dict[str, Schema]) -> None:
    """Make the entries' own definitions refer to paths and conditions; they are changed in place."""
    for kind in ENTRIES:
        del defs[kind]["description"]  # editors would show it in place of what is said of the path
        keys = defs[kind]["properties"]
        keys["when"] = {**_ref("when"), "description": keys["when"]["description"]}
    reference = defs["Reference"]["properties"]
    reference["same_as"] = {**_ref("path"), "description": reference["same_as"]["description"]}


def _given(path: str, value: Schema) -> Schema:
    """A value where a configuration is given: there it may also be null, if the configuration allows it."""
    if NULL not in value.get("anyOf", ()):
        return _ref(f"value.{path}")
    return {"description": value["description"], "anyOf": [_ref(f"value.{path}"), NULL]}


def _entry(path: str, value: Schema) -> Schema:
    """An entry at a path: only kinds and values that the configuration can take there."""
    known = types(value)
    item = _ref(f"value.{path}")
    kinds = [_stepped("FloatRange", {"float": {"items": item}})] if "number" in known else []
    kinds += [_stepped("IntRange", {"int": {"items": item}})] if "integer" in known else []
    kinds += [_kind("Choice", {"choice": {"items": item}}), _kind("Constant", {"constant": item})]
    kinds += [_ref("Reference")]
    return {"anyOf": [{"description": value["description"], **kind} for kind in kinds]}


def _kind(kind: str, keys: Schema) -> Schema:
    """A kind of entries with narrower values."""
    return {"allOf": [_ref(kind), {"properties": keys}]}


def _stepped(kind: str, keys: Schema) -> Schema:
    """The same for a range: steps may keep off its upper end, so that with them the bounds are not asked about."""
    return {"allOf": [_ref(kind), {"anyOf": [{"required": ["step"]}, {"properties": keys}]}]}


def _closed(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
