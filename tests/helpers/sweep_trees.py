"""Valid sweeps' files as trees, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
folders = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
unit = st.floats(0.001, 0.999)
pairs = st.lists(unit, min_size=2, max_size=2).map(sorted)
fusions = st.lists(st.sampled_from(["sum", "hm", "tanh", "mask"]), min_size=1, max_size=4, unique=True)
spaces = st.fixed_dictionaries(
    {"model.fusion": st.builds(lambda options: {"choice": options}, fusions)},
    optional={
        "loss.alpha": st.builds(lambda bounds, log: {"float": bounds, "log": log}, pairs, st.booleans()),
        "loss.beta": st.builds(lambda bounds: {"float": bounds}, pairs),
        "model.backbone.attn_dropout": st.just({"float": [0.0, 0.8], "step": 0.2}),
        "model.backbone.attn_mask": st.just({"choice": [True, False]}),
        "model.backbone.layers": st.builds(
            lambda low, width, step: {"int": [low, low + width], "step": min(step, width)},
            st.integers(1, 5),
            st.integers(1, 5),
            st.integers(1, 5),
        ),
    },
)


def _block_fits(seeds: dict[str, Any]) -> bool:
    """Without `search` there is one seed."""
    return "search" in seeds or seeds.get("block", 1) in (1, "auto")


@st.composite
def sweep_trees(draw: st.DrawFn) -> dict[str, Any]:
    space = draw(spaces)
    if "loss.beta" in space and draw(st.booleans()):
        space["loss.beta"]["when"] = {"model.fusion": space["model.fusion"]["choice"][:1]}
    data = {"name": draw(names)}
    data |= draw(st.fixed_dictionaries({}, optional={"root": folders, "synthetic": st.just({"train": 8})}))
    scheduler = st.fixed_dictionaries(
        {"name": st.just("asha")},
        optional={"grace_epochs": st.integers(1, 9), "reduction_factor": st.integers(2, 9)},
    )
    base = st.fixed_dictionaries(
        {},
        optional={
            "trainer": st.fixed_dictionaries(
                {"early_stopping": st.none() | st.integers(1, 9), "monitor": folders}
            ),
            "model": st.just({"text_branch": {"name": "transformer"}}),
            "optimiser": st.fixed_dictionaries({"clip_norm": unit}),
        },
    )
    seeds = {
        "search": st.integers(3, 9),
        "block": st.sampled_from(["auto", 1, 3]),
        "confirm": st.integers(0, 9),
        "evaluate": st.integers(1, 9),
        "first": st.integers(0, 99),
    }
    optional = {
        "storage": folders,
        "base": base,
        "search": st.fixed_dictionaries(
            {"seed": st.integers(0, 2**32 - 1), "sampler": st.sampled_from(["tpe", "random"])}
        ),
        "scheduler": scheduler | st.just({"name": "none"}),
        "seeds": st.fixed_dictionaries({}, optional=seeds).filter(_block_fits),
        "paper_default": st.fixed_dictionaries({}, optional={"loss.alpha": unit}),
        "evaluation": st.fixed_dictionaries(
            {},
            optional={
                "ablations": st.permutations(["zero", "mean", "permutation"]),
                "step_rates": st.lists(unit, max_size=3, unique=True),
            },
        ),
        "selection": st.fixed_dictionaries({"rule": st.just("best_mean")}),
        "resources": st.fixed_dictionaries(
            {"cpu": st.floats(0.1, 64), "gpu": unit | st.integers(0, 8) | st.just("auto")},
            optional={
                "accelerator": st.sampled_from(["any", "H100", "Intel-GPU-Max-1550"]),
                "memory": unit | st.just("auto"),
            },
        ),
    }
    tree = {"name": draw(names), "data": data, "space": space}
    return tree | draw(st.fixed_dictionaries({}, optional=optional))
