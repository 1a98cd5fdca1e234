"""How a sweep stands, in words: the same in the live table, in the log and in `causalmer status`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from results.records.schemas import RunState
from sweeps.progress.counters import SweepStatus


def run_ends(ended: Mapping[RunState, int]) -> str:
    """`12 finished, 3 pruned, 1 failed (nan 1)`: failures together, and apart."""
    failed = {state: n for state, n in ended.items() if state not in (RunState.FINISHED, RunState.PRUNED)}
    parts = [f"{ended.get(RunState.FINISHED, 0)} finished", f"{ended.get(RunState.PRUNED, 0)} pruned"]
    if failed:
        kinds = ", ".join(f"{state.value} {count}" for state, count in sorted(failed.items()))
        parts.append(f"{sum(failed.values())} failed ({kinds})")
    else:
        parts.append("0 failed")
    return ", ".join(parts)


def runs(standing: SweepStatus) -> str:
    """All that is known of the number of runs."""
    parts = [run_ends(standing.ended), f"{len(standing.running)} running", f"at most {standing.ahead} to go"]
    if standing.reused:
        parts.append(f"{standing.reused} taken over from other sweeps")
    if standing.restarts:
        parts.append(f"{standing.restarts} started again")
    return ", ".join(parts)


def pace(runs_an_hour: float | None, epochs_a_second: float | None) -> str:
    """How fast it is."""
    if runs_an_hour is None or epochs_a_second is None:
        return "not known yet"
    return f"{runs_an_hour:.3g} runs an hour, {epochs_a_second:.3g} epochs a second in the last minutes"


def left(standing: SweepStatus) -> str:
    """The time left, an upper bound, because runs may end early."""
    if standing.left is None:
        return "time left not known yet"
    return f"at most about {clock_time(standing.left)} left"


def clock_time(seconds: float) -> str:
    """Whole seconds as `1:02:03`."""
    return str(timedelta(seconds=round(seconds)))


def score(value: float | None) -> str:
    """Four digits, or a dash."""
    return "–" if value is None else f"{value:.4f}"
