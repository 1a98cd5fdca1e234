"""JSON schemas of a configuration's values by dotted path, of all variants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sweeps.spec.json_schema.described import Schema

NULL: Schema = {"type": "null"}


def variants(node: Schema, defs: Schema) -> Iterator[Schema]:
    """The node behind a reference, or the members of a union, without null."""
    if "$ref" in node:
        yield from variants(defs[node["$ref"].removeprefix("#/$defs/")], defs)
        return
    members = node.get("anyOf", node.get("oneOf", ()))
    if "type" not in node and members:
        for member in members:
            yield from variants(member, defs)
    elif node != NULL:
        yield node


def values_by_path(root: Schema, defs: Schema) -> dict[str, Schema]:
    """The schema of each value by its path below `root`; it allows null if a configuration may lack the value."""
    found: dict[str, list[Schema]] = {}
    for path, node in _leaves(root, defs, ""):
        found.setdefault(path, []).append(node)
    return {path: _one_of(nodes) for path, nodes in found.items()}


def without_null(value: Schema) -> Schema:
    """The schema of a value without null."""
    members = [member for member in value.get("anyOf", ()) if member != NULL]
    if not members:
        return value
    rest = {key: part for key, part in value.items() if key != "anyOf"}
    return {**rest, "anyOf": members} if len(members) > 1 else {**members[0], **rest}


def types(value: Schema) -> set[str]:
    """The JSON types of a value; all types for a value without a type."""
    members = value.get("anyOf", [value])
    found = {str(member.get("type", "any")) for member in members} - {"null"}
    return {"number", "integer", "string", "boolean"} if "any" in found else found


def _leaves(node: Schema, defs: Schema, prefix: str) -> Iterator[tuple[str, Schema]]:
    for variant in variants(node, defs):
        for key, below in variant.get("properties", {}).items():
            groups = [part for part in variants(below, defs) if "properties" in part]
            if groups:
                yield from _leaves(below, defs, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", below


def _one_of(nodes: list[Schema]) -> Schema:
    """A value that several variants have, each with its own bounds and description."""
    texts = list(dict.fromkeys(str(node.get("description", "")) for node in nodes))
    bare = [
        {key: part for key, part in node.items() if key not in ("description", "default")} for node in nodes
    ]
    members: list[Any] = []
    for node in bare:
        members += [part for part in node.get("anyOf", [node]) if part not in members]
    names = [member["const"] for member in members if "const" in member]
    if names and len(names) == len(members):
        members = [{"type": "string", "enum": names}]
    what = members[0] if len(members) == 1 else {"anyOf": members}
    return {"description": " / ".join(filter(None, texts)), **what}
