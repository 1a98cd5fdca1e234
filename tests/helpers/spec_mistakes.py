"""Sweeps' files with one mistake each, and what is told about it."""

from __future__ import annotations

from collections.abc import Iterator

HEAD = "name: x\ndata: {name: x}\n"


def bad_files() -> Iterator[tuple[str, str, str]]:
    """Name, contents of the file, and the one line of the message after `FILE:`."""
    folder_name = "1 to 64 letters, digits, '.', '_' or '-', starting with a letter or a digit"
    yield "empty", "", "1: the file is empty; allowed a mapping with at least 'name' and 'data'"
    yield "list", "- a\n", "1: not a mapping; given list; allowed 'key: value' lines"
    yield "no name", "data: {name: x}\n", "1: name: is missing; allowed a value here (it has no default)"
    yield (
        "no data name",
        "name: x\ndata: {}\n",
        "2: data.name: is missing; allowed a value here (it has no default)",
    )
    yield (
        "unknown section",
        HEAD + "seach: {}\n",
        "3: seach: unknown key; given seach; allowed base, budget, confirmation, constraints, data, debiasing, "
        "evaluation, failure, method, name, objectives, paper_default, resources, reuse, scheduler, search, seeds, "
        "selection, space, storage, tracking (did you mean 'search'?)",
    )
    yield (
        "unknown key",
        HEAD + "search:\n  num_configs: 4\n  num_config: 5\n",
        "5: search.num_config: unknown key; given num_config; allowed max_concurrent, num_configs, paper_first, "
        "points, population, sampler, seed, startup, warm_start (did you mean 'num_configs'?)",
    )
    yield (
        "wrong type",
        HEAD + "search: {num_configs: many}\n",
        '3: search.num_configs: wrong type; given "many"; allowed a whole number',
    )
    yield (
        "text for a number",
        HEAD + "confirmation: {name: race, max_error: '0.9'}\n",
        '3: confirmation.max_error: wrong type; given "0.9"; allowed a number',
    )
    yield "section is no mapping", HEAD + "seeds: 3\n", "3: seeds: wrong type; given 3; allowed a mapping"
    yield (
        "bad name",
        "name: ../x\ndata: {name: x}\n",
        (f'1: name: not usable as the name of a folder; given "../x"; allowed {folder_name}'),
    )
    yield "name is a number", "name: 3\ndata: {name: x}\n", "1: name: wrong type; given 3; allowed text"
    yield (
        "password in an address",
        HEAD + "tracking:\n  mlflow:\n    tracking_uri: https://user:canary@host\n",
        "5: tracking.mlflow.tracking_uri: has credentials in it, which every record would show; allowed an address "
        "without them; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or the whole address as "
        "MLFLOW_TRACKING_URI, in the environment",
    )
    yield (
        "low above high",
        HEAD + "space:\n  loss.alpha: {float: [2, 1]}\n",
        '4: space.loss.alpha: the lowest, 2.0, is above the highest, 1.0; given {"float": [2, 1]}; '
        "allowed [low, high] with low <= high",
    )
    yield (
        "log with 0",
        HEAD + "space:\n  loss.alpha: {float: [0, 1], log: true}\n",
        "4: space.loss.alpha: a logarithmic range cannot start at 0.0; given "
        '{"float": [0, 1], "log": true}; allowed low above 0, or log: false',
    )
    yield (
        "unknown removal",
        HEAD + "evaluation: {ablations: [zero, median]}\n",
        "3: evaluation.ablations[1]: unknown name; given \"median\"; allowed 'zero', 'mean' or 'permutation' "
        "(did you mean 'mean'?)",
    )
    yield (
        "ablations without zero",
        HEAD + "evaluation: {ablations: [mean]}\n",
        "3: evaluation.ablations: lacks 'zero', which other tables need; given [\"mean\"]; "
        "allowed zero, and others beside it",
    )
    yield (
        "rate 0",
        HEAD + "evaluation: {step_rates: [0.5, 0]}\n",
        "3: evaluation.step_rates[1]: out of range; given 0; allowed more than 0.0",
    )
    yield (
        "a rate twice",
        HEAD + "evaluation: {step_rates: [0.5, 0.5]}\n",
        "3: evaluation.step_rates: has an entry twice; given [0.5, 0.5]; allowed each entry once",
    )
    yield (
        "unknown fusion in the space",
        HEAD + "space:\n  model.fusion: {choice: [sum, maks]}\n",
        '4: space.model.fusion: "maks" gives no valid configuration: unknown name; given "maks"; '
        "allowed 'sum', 'hm', 'tanh' or 'mask' (did you mean 'mask'?)",
    )
    yield (
        "unknown fusion in the base",
        HEAD + "base:\n  model:\n    fusion: maks\n",
        "5: base.model.fusion: unknown name; given \"maks\"; allowed 'sum', 'hm', 'tanh' or 'mask' "
        "(did you mean 'mask'?)",
    )
    yield (
        "unknown text branch",
        HEAD + "base:\n  model:\n    text_branch: {name: transfomer}\n",
        "5: base.model.text_branch: unknown name; given \"transfomer\"; allowed 'albert', 'transformer' "
        "(did you mean 'transformer'?)",
    )
    yield (
        "unknown key of a branch",
        HEAD + "base:\n  model:\n    audio_branch: {name: small_conv, hiden_dim: 8}\n",
        "5: base.model.audio_branch.hiden_dim: unknown key; given hiden_dim; allowed dropout, hidden_dim, name "
        "(did you mean 'hidden_dim'?)",
    )
    yield (
        "dotted key in the base",
        HEAD + "base: {loss.alpha: 1}\n",
        "3: base.loss.alpha: unknown key; given loss.alpha; allowed data, loss, model, optimiser, trainer; "
        "write dotted keys as nested ones",
    )
    yield (
        "fingerprint in the base",
        HEAD + "base: {data: {fingerprint: x}}\n",
        '3: base.data.fingerprint: cannot be set here: it is computed from the data; given "x"; allowed other keys',
    )
    yield (
        "folds in the base",
        HEAD + "base: {data: {split: {folds: 5}}}\n",
        "3: base.data.split: cannot be set here: scores on different folds cannot be compared; give it in the section "
        '`data`; given {"folds": 5}; allowed other keys',
    )
    yield (
        "searched folds",
        HEAD.replace("data: {name: x}", "data: {name: x, split: {folds: 5}}")
        + "space:\n  data.split.folds: {int: [2, 5]}\n",
        "4: space.data.split.folds: cannot be searched: scores on different folds cannot be compared; give it in the "
        "section `data`; given data.split.folds; allowed other paths",
    )
    yield (
        "group that is no part of an id",
        HEAD.replace("data: {name: x}", "data: {name: x, split: {folds: 5, group: speaker}}"),
        '2: data.split.group: not a part of an id; given "speaker"; allowed id, or id.0, id.1, ... for its parts '
        "between '/'",
    )
    yield (
        "unknown dotted path",
        HEAD + "space:\n  loss.alhpa: {float: [0.1, 1]}\n",
        "4: space.loss.alhpa: unknown path; given loss.alhpa; allowed below 'loss': alpha, beta, kl_axis "
        "(did you mean 'loss.alpha'?)",
    )
    yield (
        "path of another variant",
        HEAD + "space:\n  model.audio_branch.hidden_dim: {int: [8, 16]}\n",
        "4: space.model.audio_branch.hidden_dim: unknown path; given model.audio_branch.hidden_dim; allowed below "
        "'model.audio_branch': name (did you mean 'model.audio_branch.name'?)",
    )
    yield (
        "path of a group",
        HEAD + "space:\n  loss: {float: [0.1, 1]}\n",
        "4: space.loss: is a group of values; given loss; allowed below 'loss': alpha, beta, kl_axis",
    )
    yield (
        "value outside what the configuration allows",
        HEAD + "space:\n  loss.alpha: {float: [-1, 1]}\n",
        "4: space.loss.alpha: -1.0 gives no valid configuration: out of range; given -1.0; allowed 0.0 or more",
    )
    yield (
        "whole numbers for a number",
        HEAD + "space:\n  loss.beta: {int: [1, 2]}\n",
        "4: space.loss.beta: whole numbers where the configuration has numbers; given 1; allowed float: [low, high], "
        "or options such as 1.0",
    )
    yield (
        "searched monitor",
        HEAD + "space:\n  trainer.monitor: {choice: [accuracy]}\n",
        "4: space.trainer.monitor: cannot be searched: scores of different metrics cannot be compared; "
        "given trainer.monitor; allowed other paths",
    )
    yield (
        "combination",
        HEAD
        + "space:\n  model.backbone.hidden_dim: {choice: [8, 12]}\n  model.backbone.num_heads: {choice: [2, 3]}\n"
        "  loss.alpha: {float: [0.1, 1]}\nbase: {model: {backbone: {hidden_dim: 12, num_heads: 2}}}\n",
        "4: space.model.backbone.hidden_dim: a combination gives no valid configuration: num_heads 3 does not divide "
        "hidden_dim 8; given model.backbone.hidden_dim: 8, model.backbone.num_heads: 3; allowed ranges whose "
        "combinations are all valid",
    )
    yield (
        "duplicate key",
        HEAD + "space:\n  loss.alpha: {float: [0.1, 1]}\n  loss.alpha: {float: [0.1, 2]}\n",
        '5: column 3: not valid YAML: while constructing a mapping found duplicate key "loss.alpha"; '
        "allowed YAML 1.2, each key once",
    )
    yield (
        "gpu 1.5",
        HEAD + "resources: {gpu: 1.5}\n",
        "3: resources.gpu: GPUs above one cannot be divided; given 1.5; allowed 0, a fraction below 1, "
        "a whole number, or auto",
    )
    yield (
        "gpu without a number",
        HEAD + "resources: {gpu: most}\n",
        "3: resources.gpu: wrong type; given \"most\"; allowed a number or 'auto'",
    )
    yield (
        "memory with a unit",
        HEAD + "resources: {memory: 8GiB}\n",
        "3: resources.memory: wrong type; given \"8GiB\"; allowed a number or 'auto'",
    )
    yield (
        "accelerator with its memory",
        HEAD + "resources: {accelerator: H100 80GB}\n",
        '3: resources.accelerator: is no type of GPUs; given "H100 80GB"; allowed any, or a type as Ray names it: '
        "H100, A100, L4, T4",
    )
    yield (
        "condition on an unknown parameter",
        HEAD
        + "space:\n  model.fusion: {choice: [sum, hm]}\n  loss.beta: {float: [0.1, 1], when: {model.fusoin: [sum]}}\n",
        "5: space.loss.beta.when.model.fusoin: 'model.fusoin' is not in the space; given [\"sum\"]; allowed other "
        "searched parameters: model.fusion (did you mean 'model.fusion'?)",
    )
    yield (
        "condition on an impossible value",
        HEAD
        + "space:\n  model.fusion: {choice: [sum, hm]}\n  loss.beta: {float: [0.1, 1], when: {model.fusion: [mask]}}\n",
        "5: space.loss.beta.when.model.fusion: 'model.fusion' never has such a value; given [\"mask\"]; "
        "allowed sum, hm",
    )
    yield (
        "circle of conditions",
        HEAD + "space:\n  model.fusion: {choice: [sum, hm], when: {model.backbone.layers: [1]}}\n"
        "  model.backbone.layers: {int: [1, 2], when: {model.fusion: [sum]}}\n",
        "5: space.model.backbone.layers.when: conditions form a circle: model.backbone.layers depends on "
        'model.fusion depends on model.backbone.layers; given {"model.fusion": ["sum"]}; '
        "allowed conditions without a circle",
    )
    yield (
        "a block larger than the search's seeds",
        HEAD + "seeds: {search: 3, block: 4}\n",
        "3: seeds.block: is larger than the search's number of seeds, 3; given 4; allowed auto, or 1 to 3",
    )
    yield (
        "top_k above num_configs",
        HEAD + "search: {num_configs: 3}\nseeds: {top_k: 4}\n",
        "4: seeds.top_k: confirms 4 of 3 configurations (search.num_configs); given 4; allowed up to 3",
    )
    yield (
        "a first seed beyond the columns of the tables",
        HEAD + "seeds: {first: 999999999999999999999}\n",
        "3: seeds.first: out of range; given 999999999999999999999; allowed 1000000000000000 or less",
    )
    whole = (
        "allowed whole numbers from -1000000000000000 to 1000000000000000 (a number that need not be whole may be "
        "larger, with a point: 1.0e18)"
    )
    yield (
        "a range beyond the columns of the tables",
        HEAD + "space: {model.backbone.layers: {int: [1, 999999999999999999999]}}\n",
        f"3: space.model.backbone.layers.int[1]: out of range; given 999999999999999999999; {whole}",
    )
    yield (
        "a choice beyond the columns of the tables",
        HEAD + "space: {model.backbone.layers: {choice: [1, 9223372036854775808]}}\n",
        f"3: space.model.backbone.layers.choice[1]: out of range; given 9223372036854775808; {whole}",
    )
    yield (
        "a fixed value beyond the columns of the tables",
        HEAD + "base: {trainer: {max_epochs: 999999999999999999999}}\n",
        f"3: base.trainer.max_epochs: out of range; given 999999999999999999999; {whole}",
    )
    yield (
        "a reference beyond the columns of the tables",
        HEAD + "space:\n  model.backbone.layers: {int: [1, 10000000000]}\n"
        "  model.backbone.memory_layers: {same_as: model.backbone.layers, times: 10000000000}\n",
        f"5: space.model.backbone.memory_layers: has a value out of range; given 100000000000000000000; {whole}",
    )
    yield (
        "a reference beyond all numbers",
        HEAD
        + "space:\n  loss.alpha: {float: [0.1, 10]}\n  loss.beta: {same_as: loss.alpha, times: 1.0e308}\n",
        "5: space.loss.beta: has a value out of range; given Infinity; allowed finite numbers",
    )
    yield (
        "a value of the paper default beyond all numbers",
        HEAD + "paper_default: {loss.alpha: .inf}\n",
        "3: paper_default.loss.alpha: out of range; given Infinity; allowed finite numbers",
    )
    yield (
        "a range wider than the largest number",
        HEAD + "space: {loss.alpha: {float: [-1.7e308, 1.7e308]}}\n",
        "3: space.loss.alpha: the range is wider than the largest number; given "
        '{"float": [-1.7e+308, 1.7e+308]}; allowed bounds whose difference is finite',
    )
    yield (
        "a range of too many steps",
        HEAD + "space: {loss.alpha: {float: [0, 1], step: 1.0e-320}}\n",
        '3: space.loss.alpha: the range has too many steps of 1e-320; given {"float": [0, 1], "step": 1e-320}; '
        "allowed at most 1000000000000000 steps",
    )
    yield (
        "a number of thousands of bits",
        HEAD + f"seeds: {{first: 0x{'f' * 5000}}}\n",
        "3: seeds.first: a whole number of 20000 bits; allowed 1024 bits",
    )
    yield (
        "a grid too large to be meant",
        HEAD + "space: {loss.alpha: {float: [0, 1], step: 0.0001}}\nsearch: {sampler: grid}\n",
        "4: search: the sampler 'grid' tries every configuration, and the space has 10001; given "
        '{"sampler": "grid"}; allowed at most 10000 without search.num_configs; give it, or larger steps, or another '
        "sampler",
    )
    yield (
        "a rule of selection without seeds to see a spread",
        HEAD + "seeds: {confirm: 1}\nselection: {rule: lower_bound}\n",
        '4: selection.rule: needs 2 seeds to see how scores spread, and seeds.confirm is 1; given "lower_bound"; '
        "allowed best_mean, or a larger seeds.confirm",
    )
    yield (
        "unknown sampler",
        HEAD + "search: {sampler: tpee}\n",
        "3: search.sampler: unknown name; given \"tpee\"; allowed 'tpe', 'random', 'qmc', 'cmaes', 'gp', 'nsga2', "
        "'nsga3', 'grid' or 'list' (did you mean 'tpe'?)",
    )
    yield (
        "unknown scheduler",
        HEAD + "scheduler: {name: asah}\n",
        "3: scheduler: unknown name; given \"asah\"; allowed 'asha', 'hyperband', 'median', 'patience', 'none' "
        "(did you mean 'asha'?)",
    )
    yield (
        "scheduler without a name",
        HEAD + "scheduler: {grace_epochs: 2}\n",
        '3: scheduler: has no name; given {"grace_epochs": 2}; allowed name: asha or name: hyperband or '
        "name: median or name: none or name: patience",
    )
    yield (
        "key of another scheduler",
        HEAD + "scheduler: {name: none, grace_epochs: 2}\n",
        "3: scheduler.grace_epochs: unknown key; given grace_epochs; allowed name",
    )
    yield (
        "unknown path of the paper default",
        HEAD + "paper_default: {loss.gamma: 2}\n",
        "3: paper_default.loss.gamma: unknown path; given loss.gamma; allowed below 'loss': alpha, beta, kl_axis "
        "(did you mean 'loss.alpha'?)",
    )
    yield (
        "wrong value of the paper default",
        HEAD + "paper_default: {loss.alpha: -2}\n",
        "3: paper_default.loss.alpha: out of range; given -2; allowed 0.0 or more",
    )
    yield (
        "monitor of the paper default",
        HEAD + "paper_default: {trainer: {monitor: macro_f1}}\n",
        "3: paper_default.trainer.monitor: cannot be set: scores of different metrics cannot be compared; "
        "given trainer.monitor; allowed other paths",
    )
    yield (
        "paper default that does not fit the base",
        HEAD + "base: {model: {backbone: {hidden_dim: 36, num_heads: 9}}}\n"
        "space: {model.backbone.num_heads: {choice: [9, 6]}}\n",
        "1: paper_default: searched values at their published defaults give no valid configuration: num_heads 10 does "
        "not divide hidden_dim 36; allowed values for them here that fit `base`",
    )
    yield (
        "unknown key of synthetic data",
        "name: x\ndata:\n  name: x\n  synthetic: {tran: 8}\n",
        "4: data.synthetic.tran: unknown key; given tran; allowed cue_scale, emotions, noise, seed, shortcuts, "
        "signals, test, time, train, valid, widths (did you mean 'train'?)",
    )
    yield (
        "number that is none",
        HEAD + "base: {loss: {alpha: .nan}}\n",
        "3: base.loss.alpha: out of range; given NaN; allowed finite numbers",
    )


def renamed_keys() -> Iterator[tuple[str, str, str]]:
    """Name, contents of a file with an old key, and the one line of the message after `FILE:`."""
    yield (
        "fidelity, corrected",
        HEAD + "fidelity: mended\n",
        '3: fidelity: is now called method; given "mended"; allowed method: "corrected"',
    )
    yield (
        "fidelity, published",
        HEAD + "\nfidelity: paper\n",
        '4: fidelity: is now called method; given "paper"; allowed method: "published"',
    )
    yield (
        "removals",
        HEAD + "evaluation:\n  removals: [zero, mean]\n",
        '4: evaluation.removals: is now called evaluation.ablations; given ["zero", "mean"]; allowed '
        'evaluation.ablations: ["zero", "mean"]',
    )


BAD = [*bad_files(), *renamed_keys()]
