"""A sweep's status as text, the same in the live table, in the log and in `causalmer status`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from results.records.schemas import RunState
from sweeps.progress.counters import SweepStatus


def run_ends(ended: Mapping[RunState, int]) -> str:
    """The ends of runs, such as `12 finished, 3 pruned, 1 failed (nan 1)`.

    Args:
        ended: the number of runs by final state.
    """
    failed = {state: n for state, n in ended.items() if state not in (RunState.FINISHED, RunState.PRUNED)}
    parts = [f"{ended.get(RunState.FINISHED, 0)} finished", f"{ended.get(RunState.PRUNED, 0)} pruned"]
    if failed:
        kinds = ", ".join(f"{state.value} {count}" for state, count in sorted(failed.items()))
        parts.append(f"{sum(failed.values())} failed ({kinds})")
    else:
        parts.append("0 failed")
    return ", ".join(parts)


def runs(status: SweepStatus) -> str:
    """The number of runs that ended, run and are ahead, and of those reused and restarted."""
    parts = [run_ends(status.ended), f"{len(status.running)} running", f"at most {status.ahead} to go"]
    if status.reused:
        parts.append(f"{status.reused} reused from other sweeps")
    if status.restarts:
        parts.append(f"{status.restarts} started again")
    return ", ".join(parts)


def pace(runs_an_hour: float | None, epochs_a_second: float | None) -> str:
    """The pace over the last minutes."""
    if runs_an_hour is None or epochs_a_second is None:
        return "not known yet"
    return f"{runs_an_hour:.3g} runs an hour, {epochs_a_second:.3g} epochs a second in the last minutes"


def time_left(status: SweepStatus) -> str:
    """The time left: an upper bound, because runs may end early."""
    if status.seconds_left is None:
        return "time left not known yet"
    return f"at most about {clock_time(status.seconds_left)} left"


def clock_time(seconds: float) -> str:
    """A time in seconds, rounded, as `1:02:03`; at most the longest time of Python, 10^9 days."""
    return str(timedelta(seconds=round(min(seconds, timedelta.max.total_seconds() - 1))))


def score(value: float | None) -> str:
    """A score with four digits after the point, or a dash for None."""
    return "–" if value is None else f"{value:.4f}"
