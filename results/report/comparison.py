"""Two sweeps side by side: what each chose, and how far their scores differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from causalmer_core.basics.errors import UserError
from causalmer_core.measures.metrics import Direction
from results.evaluation.evaluation_table import Contender, as_configured, evaluated_contenders
from results.ranking.leaderboard import Entry, leaderboard
from results.ranking.selection import Selection, read_selection
from results.records.dataset import SweepResults
from results.statistics.intervals import Interval, paired_difference, t_interval, welch_difference
from results.statistics.paired import holm_of_told


@dataclass(frozen=True, slots=True)
class Compared:
    """A score of both sweeps.

    Attributes:
        what: it is of.
        first, second: the means over seeds; none where a sweep has no such score.
        difference: first minus second; none where it cannot be told.
        p_value: that there is none, corrected by Holm over all lines; none where it cannot be told.
        how: the difference was taken, in words.
    """

    what: str
    first: Interval | None
    second: Interval | None
    difference: Interval | None
    p_value: float | None
    how: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sweeps on the same data.

    Attributes:
        names: of both, told apart by their identities where they have one name.
        metric, direction: that both are compared by.
        scores: a line each.
        settings: of the selected configurations, what differs, by dotted path; none where one has no such setting.
        costs: runs that finished and seconds of training, of both.
        method_warnings: what a reader should bear in mind.
    """

    names: tuple[str, str]
    metric: str
    direction: Direction
    scores: tuple[Compared, ...]
    settings: Mapping[str, tuple[Any, Any]]
    costs: tuple[tuple[int, float], tuple[int, float]]
    method_warnings: tuple[str, ...]


def compare(first: SweepResults, second: SweepResults, metric: str | None = None) -> Comparison:
    """Compare what two sweeps have chosen, and the twins that each holds it against.

    Scores on the same seeds are compared in pairs: a seed has the same data order in both. Others by Welch's test. On
    the validation split it is the monitored metric alone, since that chose the epochs.

    Args:
        first, second: the sweeps.
        metric: on the test split; by default the monitored one.

    Raises:
        UserError: they are one sweep, are about different data, monitor different metrics, or have no such metric.
    """
    _check(first, second, metric)
    one, other = (_scores(results, metric or results.manifest.monitor) for results in (first, second))
    lines = [_line(what, one.get(what, {}), other.get(what, {})) for what in dict.fromkeys([*one, *other])]
    chosen = (read_selection(first.layout), read_selection(second.layout))
    return Comparison(
        names=_names(first, second),
        metric=metric or first.manifest.monitor,
        direction=first.manifest.direction,
        scores=_corrected(lines),
        settings=_settings(*chosen),
        costs=(_cost(first), _cost(second)),
        method_warnings=tuple(_cautions(first, second)),
    )


def _check(first: SweepResults, second: SweepResults, metric: str | None) -> None:
    one, other = first.manifest, second.manifest
    if one.sweep_id == other.sweep_id:
        raise UserError(f"both are the sweep {one.sweep_id}; allowed two different ones")
    if one.dataset_fingerprint != other.dataset_fingerprint:
        raise UserError(
            f"the sweeps are about different data: {one.dataset} ({one.dataset_fingerprint[:16]}) and {other.dataset} "
            f"({other.dataset_fingerprint[:16]}); allowed two sweeps on one data set"
        )
    if one.monitor != other.monitor:
        raise UserError(
            f"{one.name} monitors {one.monitor} and {other.name} {other.monitor}: their best epochs are of different "
            "kinds; allowed two sweeps with one 'trainer.monitor'"
        )
    common = [name for name in one.metrics if name in other.metrics]
    if metric is not None and metric not in common:
        raise UserError(f"--metric {metric}: not a metric of both sweeps; allowed {', '.join(common)}")


def _names(first: SweepResults, second: SweepResults) -> tuple[str, str]:
    one, other = first.manifest, second.manifest
    return (one.name, other.name) if one.name != other.name else (one.sweep_id, other.sweep_id)


def _scores(results: SweepResults, metric: str) -> dict[str, Mapping[int, float]]:
    """By what they are of, scores by seed."""
    manifest, selection = results.manifest, read_selection(results.layout)
    found: dict[str, Mapping[int, float]] = {}
    if selection is not None:
        entry = _entry(results, selection)
        found[f"selected, validation {manifest.monitor}, seeds that chose it"] = selection.scores
        if entry is not None and entry.fresh_scores:
            found[f"selected, validation {manifest.monitor}, seeds that no selection saw"] = (
                entry.fresh_scores
            )
    for contender in as_configured(evaluated_contenders(results.evaluations, manifest.metrics)):
        if _is_current(contender, selection):
            found.setdefault(f"{contender.name}, test {metric}", contender.values.get((metric, "tav"), {}))
    return found


def _entry(results: SweepResults, selection: Selection) -> Entry | None:
    board = leaderboard(results.runs, results.manifest)
    return next((entry for entry in board.entries if entry.config_id == selection.config_id), None)


def _is_current(contender: Contender, selection: Selection | None) -> bool:
    """Whether it has seeds, and is not what was selected before."""
    earlier = selection is not None and contender.config_id != selection.config_id
    return contender.config_id is not None and not (contender.name == "selected" and earlier)


def _line(what: str, one: Mapping[int, float], other: Mapping[int, float]) -> Compared:
    first, second = (t_interval(list(scores.values())) if scores else None for scores in (one, other))
    if first is None or second is None:
        return Compared(what, first, second, None, None, "one of the sweeps has none")
    if one.keys() == other.keys() and len(one) > 1:
        paired = paired_difference(one, other)
        return Compared(what, first, second, paired.interval, paired.p_value, f"in pairs of {len(one)} seeds")
    apart = welch_difference(list(one.values()), list(other.values()))
    if apart is None:
        return Compared(what, first, second, None, None, "one seed tells no spread")
    return Compared(what, first, second, *apart, "different seeds, Welch")


def _corrected(lines: list[Compared]) -> tuple[Compared, ...]:
    corrected = holm_of_told([line.p_value for line in lines])
    return tuple(replace(line, p_value=value) for line, value in zip(lines, corrected, strict=True))


def _settings(one: Selection | None, other: Selection | None) -> dict[str, tuple[Any, Any]]:
    if one is None or other is None:
        return {}
    first, second = _flat(one.config), _flat(other.config)
    paths = dict.fromkeys([*first, *second])
    return {
        path: (first.get(path), second.get(path)) for path in paths if first.get(path) != second.get(path)
    }


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def _cost(results: SweepResults) -> tuple[int, float]:
    runs = results.runs
    return int((runs["state"] == "finished").sum()), float(runs["seconds"].sum())


def _cautions(first: SweepResults, second: SweepResults) -> list[str]:
    found = []
    for results in (first, second):
        name = results.manifest.name
        if read_selection(results.layout) is None:
            found.append(f"{name} has selected nothing yet")
    versions = [
        f"{package} {first.manifest.versions.get(package)} and {second.manifest.versions.get(package)}"
        for package in ("causalmer", "torch")
        if first.manifest.versions.get(package) != second.manifest.versions.get(package)
    ]
    if versions:
        found.append(f"they ran with different versions: {', '.join(versions)}")
    if first.manifest.git_commit != second.manifest.git_commit:
        found.append("they ran with different commits of the code")
    return found
