"""From what a sweep says to configurations of single runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from causalmer_core.config.method_version import MethodVersion, method_options
from causalmer_core.config.run_config import RunConfig, merged
from sweeps.space.search_space import SearchSpace


def fixed_part(base: Mapping[str, Any], method: MethodVersion = "corrected") -> RunConfig:
    """The published defaults, with the options of a fidelity, and a sweep's `base`, a nested mapping, merged in.

    Raises:
        pydantic.ValidationError: a key or a value is not allowed.
    """
    defaults = RunConfig().with_values(method_options(method))
    return RunConfig.model_validate_json(json.dumps(merged(defaults.model_dump(mode="json"), base)))


def with_values(config: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """The configuration with values at dotted paths replaced, whatever their order.

    A path that names a variant (`model.text_branch.name`) goes before the paths of that variant's own fields. A
    value may be a mapping, which stands for the paths below it.

    Raises:
        pydantic.ValidationError: a path or a value is not allowed.
    """
    single = nested_leaves(values)
    return config.with_values({path: single[path] for path in sorted(single, key=variants_first)})


def paper_default(config: RunConfig, space: SearchSpace, overrides: Mapping[str, Any]) -> RunConfig:
    """The contender "paper": `config` with every searched value at its published default, then `overrides`.

    A variant (such as a branch) that is not searched stays as `config` has it, and the default of its own is
    the published one for a searched value inside it. Constants of the space hold as what stands in `config` does;
    references do not, since they are part of the search.

    Raises:
        pydantic.ValidationError: a path or a value is not allowed.
    """
    searched = set(space.free_paths)
    names = {
        path: config.value(path) for path in leaves(config) if path.endswith(".name") and path not in searched
    }
    published = with_values(RunConfig(), names)
    known = leaves(published)
    reset = {path: known[path] for path in searched if path in known}
    changes = {**reset, **nested_leaves(overrides)}
    constants = space.constants_beside(with_values(config, changes))
    return with_values(config, {**constants, **changes})


def leaves(config: RunConfig) -> dict[str, Any]:
    """Every single value of a configuration by its dotted path."""
    return nested_leaves(config.model_dump(mode="json"))


def nested_leaves(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Every single value of a nested mapping by its dotted path."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found.update({f"{key}.{path}": leaf for path, leaf in nested_leaves(value).items()})
        else:
            found[key] = value
    return found


def variants_first(path: str) -> tuple[int, bool, str]:
    """Sorts paths so that groups go before their parts, and the name of a variant before its fields."""
    return path.count("."), not path.endswith(".name"), path
