"""The configurations of a sweep's runs, as its file describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from causalmer_core.config.method_version import MethodVersion, method_options
from causalmer_core.config.run_config import FoldsConfig, RunConfig, merged, nested
from sweeps.space.search_space import SearchSpace

_DEFAULTS = RunConfig()


@dataclass(frozen=True)
class Configurations:
    """The configurations that a sweep's file describes. Each is made and validated when it is first asked for.

    Attributes:
        given: the section `base`, a nested mapping.
        method: the version of the method, whose options go before the published defaults.
        unbound: the section `space`.
        overrides: the section `paper_default`.
        split: the folds of the section `data`; None: the data set's own split.
        fingerprint: of the data set; empty: not known yet.
    """

    given: Mapping[str, Any]
    method: MethodVersion = "corrected"
    unbound: SearchSpace = SearchSpace()  # noqa: RUF009 - frozen
    overrides: Mapping[str, Any] = field(default_factory=dict)
    split: FoldsConfig | None = None
    fingerprint: str = ""

    @cached_property
    def base(self) -> RunConfig:
        """The fixed part: the published defaults, the options of the method, then the section `base`.

        Raises:
            pydantic.ValidationError: a key or a value is not allowed.
        """
        split = None if self.split is None else self.split.model_dump(mode="json")
        options = nested(
            {**method_options(self.method), "data.fingerprint": self.fingerprint, "data.split": split}
        )
        return RunConfig.read(merged(merged(_DEFAULTS.model_dump(mode="json"), options), self.given))

    @cached_property
    def space(self) -> SearchSpace:
        """The space that proposals are made in: references to the fixed part are replaced by their values.

        Raises:
            KeyError: a reference is to a path that neither the space nor the fixed part has.
        """
        return self.unbound.bound(self.base)

    @cached_property
    def paper(self) -> RunConfig:
        """The contender "paper": searched values at their published defaults, but for the section `paper_default`.

        Raises:
            pydantic.ValidationError: a path or a value is not allowed.
        """
        return paper_default(self.base, self.space, self.overrides)

    def of(self, values: Mapping[str, Any]) -> RunConfig:
        """The configuration of a proposal.

        Args:
            values: the searched values by dotted path.

        Raises:
            pydantic.ValidationError: a path or a value is not allowed.
        """
        return with_values(self.base, values)

    def on(self, fingerprint: str) -> Configurations:
        """The same for the data set with this fingerprint."""
        return replace(self, fingerprint=fingerprint)


def undebiased(config: RunConfig) -> RunConfig:
    """The same configuration without debiasing: the backbone alone."""
    return with_values(config, {"model.debiasing": "none"})


def with_values(config: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """The configuration with values at dotted paths replaced, whatever their order.

    A path that names a variant (`model.text_branch.name`) goes before the paths of that variant's own fields. A
    value may be a mapping, which sets the paths below it.

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
    known = leaves(with_values(_DEFAULTS, names))
    reset = {path: known[path] for path in searched if path in known}
    changes = {**reset, **nested_leaves(overrides)}
    changed = with_values(config, changes)
    constants = space.constants_beside(changed)
    # A path of `changes` may lie in a variant that a constant names, so all of them are set again beside constants.
    return with_values(config, {**constants, **changes}) if constants else changed


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
