"""The whole schema: the sections of a sweep's file, the fixed part, and `$include`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic_core import PydanticCustomError

from causalmer_core.config.backbone_config import installed, installed_class
from causalmer_core.config.run_config import RunConfig
from sweeps.spec.checks import NOT_SEARCHED
from sweeps.spec.includes import KEY
from sweeps.spec.json_schema.described import Schema, schema_of
from sweeps.spec.json_schema.paths import NULL, values_by_path, variants
from sweeps.spec.json_schema.space import ENTRIES, Paths, adapt_entries
from sweeps.spec.sweep_spec import SweepSpec

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_FILE: Schema = {"type": "string", "minLength": 1}
_INCLUDE: Schema = {
    "description": "Files whose trees go below this one's, relative to it; of several a later one wins.",
    "anyOf": [_FILE, {"type": "array", "items": _FILE}, NULL],
}


def sweep_schema() -> tuple[Schema, list[str]]:
    """The JSON schema of a sweep's file, with the installed backbones of other packages.

    Returns:
        The schema, and the faults of installed backbones that the schema omits for these faults.
    """
    from causalmer_core.datasets.synthetic import SyntheticConfig  # it imports torch, which takes seconds

    spec, defs, faults = _gathered(
        SweepSpec=schema_of(SweepSpec),
        RunConfig=schema_of(RunConfig),
        SyntheticConfig=schema_of(SyntheticConfig),
    )
    sections: dict[str, Schema] = spec["properties"]
    demands = _demands(spec, defs)
    demands["properties"]["base"] = _base_demands(defs)
    _refer_to_parts(sections, defs)
    for name, definition in defs.items():
        if name not in ENTRIES:  # these replace an included one whole
            definition.pop("required", None)
        _loosen(definition)
    _loosen(sections)
    schema = {
        "$schema": DRAFT,
        "title": "A sweep",
        "description": spec["description"],
        "type": "object",
        "properties": {KEY: _INCLUDE, **{name: _or_empty(part) for name, part in sections.items()}},
        "additionalProperties": False,
        "if": {"required": [KEY]},
        "then": {},
        "else": demands,
        "$defs": dict(sorted(defs.items())),
    }
    return schema, faults


def _gathered(**models: Schema) -> tuple[Schema, Schema, list[str]]:
    """The first model, the definitions of the others and of installed backbones, and the faults of backbones."""
    defs: Schema = {}
    for name, model in models.items():
        defs |= {**model.pop("$defs", {}), name: model}
    faults = []
    for name in sorted(installed()):
        try:
            config_type = installed_class(name).config_type
        except PydanticCustomError as fault:
            faults.append(str(fault))
            continue
        model = schema_of(config_type, f"#/$defs/backbone.{name}.{{model}}")
        model["properties"]["name"] |= {"const": name}
        defs |= {f"backbone.{name}.{key}": part for key, part in model.pop("$defs", {}).items()}
        defs[f"backbone.{name}"] = model
        defs["ModelConfig"]["properties"]["backbone"]["oneOf"].append({"$ref": f"#/$defs/backbone.{name}"})
    return defs.pop(next(iter(models))), defs, faults


def _refer_to_parts(sections: dict[str, Schema], defs: Schema) -> None:
    """Describe the values of a configuration, which the classes declare as any mapping."""
    paths = Paths(values_by_path(defs["RunConfig"], defs), tuple(NOT_SEARCHED))
    defs |= paths.definitions()
    adapt_entries(defs)
    for name in ("fingerprint", "split"):
        del defs["DataConfig"]["properties"][name]
    sections["base"] = _explained({"$ref": "#/$defs/RunConfig"}, sections["base"])
    sections["space"] = _explained(paths.space(), sections["space"])
    sections["paper_default"] = _explained(paths.overrides(), sections["paper_default"])
    defs["SearchSection"]["properties"]["points"]["items"] = paths.point()
    synthetic = defs["DataSection"]["properties"]["synthetic"]
    synthetic["anyOf"] = [{"$ref": "#/$defs/SyntheticConfig"}, NULL]
    del defs["SearchSpace"]


def _demands(node: Schema, defs: Schema) -> Schema:
    """The required keys at and below a node of a file without `$include`: keys without a default, and names."""
    if "discriminator" in node:
        return {"required": ["name"]}
    found: Schema = {}
    for variant in variants(node, defs):
        required = variant.get("required", [])
        properties: dict[str, Schema] = variant.get("properties", {})
        below = {key: _demands(part, defs) for key, part in properties.items()}
        for key in required:
            below[key] |= {"type": properties[key].get("type", "object")}
        below = {key: part for key, part in below.items() if part}
        found |= {"required": required} if required else {}
        found |= {"properties": below} if below else {}
    return found


def _base_demands(defs: Schema) -> Schema:
    """In a file without `$include`, a variant without a name is the published one."""
    model: dict[str, Schema] = defs["ModelConfig"]["properties"]
    published = {
        key: {
            "anyOf": [
                {"required": ["name"]},
                {"$ref": part["discriminator"]["mapping"][part["default"]["name"]]},
            ]
        }
        for key, part in model.items()
        if "discriminator" in part
    }
    return {"properties": {"model": {"properties": published}}}


def _loosen(node: Any) -> None:
    """Allow a variant without a name: an included file may name it, and `oneOf` would need a name."""
    for part in _nodes(node):
        if "propertyName" in part.get("discriminator", ()):
            del part["discriminator"]
        if isinstance(part.get("oneOf"), list):
            part["anyOf"] = part.pop("oneOf")


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for below in list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(below)


def _explained(node: Schema, by: Schema) -> Schema:
    return {**node, "description": by["description"]}


def _or_empty(section: Schema) -> Schema:
    """A section, or nothing after its key, which means the same as a missing key."""
    around: Schema = {key: section[key] for key in ("description", "default") if key in section}
    return {**around, "anyOf": [{key: part for key, part in section.items() if key not in around}, NULL]}
