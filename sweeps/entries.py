"""An entry of a search space: which kind it is follows from the key that it has."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from sweeps.fixed_values import Constant, Reference
from sweeps.parameters import Choice, Conditional, FloatRange, IntRange


def _kind(value: Any) -> str | None:
    """Which class a mapping is meant for: the one whose key it has."""
    if isinstance(value, Conditional):
        return type(value).__name__
    kinds = {
        "float": "FloatRange",
        "int": "IntRange",
        "choice": "Choice",
        "constant": "Constant",
        "same_as": "Reference",
    }
    present = [name for key, name in kinds.items() if isinstance(value, dict) and key in value]
    return present[0] if present else None


Entry = Annotated[
    Annotated[FloatRange, Tag("FloatRange")]
    | Annotated[IntRange, Tag("IntRange")]
    | Annotated[Choice, Tag("Choice")]
    | Annotated[Constant, Tag("Constant")]
    | Annotated[Reference, Tag("Reference")],
    Discriminator(
        _kind,
        custom_error_type="invalid",
        custom_error_message="{what}; allowed {allowed}",
        custom_error_context={
            "what": "not a parameter",
            "allowed": "{float: [low, high]}, {int: [low, high]}, {choice: [a, b]}, {constant: a} or "
            "{same_as: path}, with log, step, times, when where they fit",
        },
    ),
]
