"""Problems of a user's file: what is wrong, where, what was given, what is allowed.

Pydantic's errors and the errors of other checks get the same form. All problems of a file are shown together, each on
one line with its line in the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails

from causalmer_core.basics.errors import KeyPath, UserError, did_you_mean, invalid

_LONGEST_SHOWN = 100
_ABSENT = object()
_UNKNOWN_NAME = "unknown name"

_WRONG_TYPE = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}
_OUT_OF_RANGE = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "multiple_of": "multiples of {multiple_of}",
    "finite_number": "finite numbers",
    "too_short": "at least {min_length} entries",
    "too_long": "at most {max_length} entries",
    "string_too_short": "at least {min_length} characters",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of one key.

    Attributes:
        path: the key.
        what: what is wrong with it.
        given: the given value, as shown to the user; empty for a missing value.
        allowed: the allowed values, with the likely fix.
    """

    path: KeyPath
    what: str
    given: str
    allowed: str

    def line(self, place: str) -> str:
        """The problem on one line, with the place (`FILE:LINE`) in front."""
        key = f"{place}: {dotted(self.path)}" if self.path else place
        given = f"; given {self.given}" if self.given else ""
        allowed = f"; allowed {self.allowed}" if self.allowed else ""
        return " ".join(f"{key}: {self.what}{given}{allowed}".split())


class SpecMismatchError(UserError):
    """A sweep's file does not fit the data or the machine.

    Attributes:
        path: the key of the file that does not fit.
    """

    def __init__(self, path: KeyPath, message: str) -> None:
        super().__init__(message)
        self.path = path


@contextmanager
def attributed_to(*path: str | int) -> Iterator[None]:
    """Raise a `UserError` of the block as a `SpecMismatchError` of this key of the sweep's file."""
    try:
        yield
    except UserError as error:
        key, message = dotted(path), str(error)
        raise SpecMismatchError(path, message if message.startswith(key) else f"{key}: {message}") from error


def dotted(path: Sequence[str | int]) -> str:
    """A path as users write it: `space.loss.alpha.float[1]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shown(value: Any) -> str:
    """A value as users write it; a long value is cut."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."


def problems_of(
    error: ValidationError, model: type[BaseModel], tree: Any, prefix: KeyPath = ()
) -> list[Problem]:
    """The problems that pydantic found.

    Args:
        error: what validation raised.
        model: the class that was validated; its keys are the allowed ones.
        tree: what the user wrote, as plain mappings and lists.
        prefix: the place of `tree` in the file.
    """
    schema = model.model_json_schema()
    found: dict[tuple[KeyPath, str], Problem] = {}
    for details in error.errors(include_url=False):
        path = _path_in(tree, details)
        what, given, allowed = _described(details, schema, _value_at(tree, path))
        # the members of a union each report the same value: one problem, all their types allowed
        known = found.get((path, what))
        if known and allowed not in known.allowed:
            allowed = f"{known.allowed} or {allowed}"
        found[path, what] = Problem((*prefix, *path), what, given, allowed)
    return [*_numbers_or_names(found)]


def _numbers_or_names(found: Mapping[tuple[KeyPath, str], Problem]) -> Iterator[Problem]:
    """The problems. A key for a number or a name has the problem of the number, with the names as allowed too."""
    for (path, what), problem in found.items():
        others = [other for other, _ in found if other == path]
        name = found.get((path, _UNKNOWN_NAME))
        if name is None or len(others) == 1:
            yield problem
        elif what != _UNKNOWN_NAME:
            yield replace(problem, allowed=f"{problem.allowed} or {name.allowed}")


def _described(details: ErrorDetails, schema: dict[str, Any], value: Any) -> tuple[str, str, str]:
    """What is wrong, what was given and what is allowed, in words for users."""
    kind, context = details["type"], details.get("ctx", {})
    given = shown(value)
    if kind == "missing":
        return "is missing", "", "a value here (it has no default)"
    if kind == "extra_forbidden":
        key = str(details["loc"][-1])
        names = _keys_at(schema, details["loc"][:-1])
        nested = "; write dotted keys as nested ones" if "." in key else ""
        return "unknown key", key, ", ".join(names) + did_you_mean(key, names) + nested
    if kind in ("literal_error", "union_tag_invalid"):
        expected = str(context.get("expected") or context["expected_tags"])
        names = re.findall(r"'([^']*)'", expected)
        wrong = str(context.get("tag") or value)
        return (
            _UNKNOWN_NAME,
            shown(wrong) if "tag" in context else given,
            expected + did_you_mean(wrong, names),
        )
    if kind == "union_tag_not_found":
        names = sorted(_variant_names(schema, details["loc"]))
        return "has no name", given, f"name: {' or name: '.join(names)}"
    if kind in _WRONG_TYPE:
        return "wrong type", given, _WRONG_TYPE[kind]
    if kind in _OUT_OF_RANGE:
        return "out of range", given, _OUT_OF_RANGE[kind].format(**context)
    if kind == "invalid":
        given = given if value is not None and context.get("repeated", True) else ""
        return str(context["what"]), given, str(context["allowed"])
    return details["msg"].removeprefix("Value error, "), given, ""


def _path_in(tree: Any, details: ErrorDetails) -> KeyPath:
    """The part of pydantic's location that the tree has. Pydantic also names the members of unions in it."""
    if details["type"] == "invalid":  # it may be about a default that the tree does not have
        return tuple(part for part in details["loc"] if not str(part)[:1].isupper())
    path: list[str | int] = []
    for part in details["loc"]:
        below = _below(tree, part)
        if below is not _ABSENT:
            path.append(part)
            tree = below
    return (*path, details["loc"][-1]) if details["type"] == "missing" else tuple(path)


def _value_at(tree: Any, path: KeyPath) -> Any:
    for part in path:
        tree = _below(tree, part)
    return None if tree is _ABSENT else tree


def _below(node: Any, part: str | int) -> Any:
    if isinstance(node, Mapping):
        return node.get(part, _ABSENT)
    if isinstance(node, list) and isinstance(part, int) and part < len(node):
        return node[part]
    return _ABSENT


def _keys_at(schema: dict[str, Any], loc: KeyPath) -> list[str]:
    """The keys that the model allows at a location."""
    return sorted({key for node in _nodes_at(schema, loc) for key in node.get("properties", {})})


def _variant_names(schema: dict[str, Any], loc: KeyPath) -> set[str]:
    """The names of the variants that the model allows at a location."""
    return {str(node.get("properties", {}).get("name", {}).get("const")) for node in _nodes_at(schema, loc)}


def _nodes_at(schema: dict[str, Any], loc: KeyPath) -> list[dict[str, Any]]:
    """The parts of a JSON schema that describe a location; several for a union."""
    nodes = _variants(schema, schema)
    for part in loc:
        below = [child for node in nodes for child in _children(schema, node, part)]
        named = [node for node in nodes if _is_variant(node, part)]
        nodes = below or named or nodes
    return nodes


def _children(schema: dict[str, Any], node: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    properties = node.get("properties", {})
    if part in properties:
        return _variants(schema, properties[part])
    anything = node.get("additionalProperties")
    return _variants(schema, anything) if isinstance(anything, dict) else []


def _variants(schema: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """The node itself behind its reference, or the members of its union."""
    if "$ref" in node:
        return _variants(schema, schema["$defs"][node["$ref"].removeprefix("#/$defs/")])
    members = node.get("oneOf") or node.get("anyOf")
    return [found for member in members for found in _variants(schema, member)] if members else [node]


def _is_variant(node: dict[str, Any], part: str | int) -> bool:
    return part in (node.get("title"), node.get("properties", {}).get("name", {}).get("const"))


def invalid_key(what: str, allowed: str, where: KeyPath, given: object) -> ValidationError:
    """The error that a validator of the whole sweep raises about one of its keys."""
    details = InitErrorDetails(type=invalid(what, allowed), loc=where, input=given)
    return ValidationError.from_exception_data("SweepSpec", [details])
