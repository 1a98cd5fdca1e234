"""JSON schemas of pydantic models, described with the models' docstrings."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]
"""A JSON schema, or a part of one."""

_ENTRY = re.compile(r"(\w+(?:, \w+)*): (.*)")
_SECTION = re.compile(r"[A-Z]\w+:\n")


def schema_of(model: type[BaseModel], ref: str = "#/$defs/{model}") -> Schema:
    """A model's JSON schema with descriptions of its fields. Models that it refers to are below `$defs`.

    Args:
        model: the class.
        ref: the template of references to models.
    """
    return model.model_json_schema(schema_generator=_Described, ref_template=ref)


def field_texts(model: type[BaseModel]) -> dict[str, str]:
    """The texts of fields, from the section `Attributes:` of the docstrings of a model and its bases.

    An entry is `name: text`, or `one, other: text` for several fields. Its further lines are indented further.
    """
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel):
            found |= _attributes(inspect.cleandoc(cls.__doc__ or ""))
    return {name: text for name, text in found.items() if name in model.model_fields}


def summary(model: type[BaseModel]) -> str:
    """The docstring without its sections, each paragraph a line."""
    paragraphs = inspect.cleandoc(model.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(text.split()) for text in paragraphs if not _SECTION.match(text))


def _attributes(docstring: str) -> dict[str, str]:
    found: dict[str, str] = {}
    names: list[str] = []
    _, _, section = docstring.partition("Attributes:\n")
    indent = len(section) - len(section.lstrip())
    for line in section.splitlines():
        depth = len(line) - len(line.lstrip())
        if depth < indent:
            break  # the end of the section
        if depth == indent and (entry := _ENTRY.fullmatch(line.strip())):
            names = entry[1].split(", ")
            found |= dict.fromkeys(names, entry[2])
        else:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


class _Described(GenerateJsonSchema):
    """Adds docstrings as descriptions, and omits titles, which repeat the keys."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        texts = field_texts(model)
        about = summary(model)
        for name, field in model.model_fields.items():
            part = found.get("properties", {}).get(field.alias or name, {})
            # the name of a variant says no more than what the variant is
            text = about.partition("\n")[0] if "const" in part else texts.get(name)
            part |= {"description": text} if text else {}
        found |= {"description": about} if about else {}
        found.pop("title", None)
        return found

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
