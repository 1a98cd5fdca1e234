"""The difference of two means whose values have nothing in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from results.intervals import Interval


def welch_difference(
    first: Sequence[float], second: Sequence[float], confidence: float = 0.95
) -> tuple[Interval, float] | None:
    """The mean of the first less that of the second, with its interval and two-sided p-value.

        d +- t_{v, (1 + c) / 2} * sqrt(s_1^2 / n_1 + s_2^2 / n_2)

    with v the degrees of freedom of Welch and Satterthwaite (Welch, "The generalization of Student's problem when
    several different population variances are involved", Biometrika 1947). It takes the values for normal, and the two
    variances for whatever they are. Where both have the same seeds `results.intervals.paired_difference` is sharper.

    Returns:
        None where one of them has fewer than two values.

    Raises:
        ValueError: a value is not finite.
    """
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        raise ValueError("a difference needs finite values")
    if min(one.size, two.size) < 2:
        return None
    mean, n = float(one.mean() - two.mean()), one.size + two.size
    method = "Welch's t interval"
    if one.std() == 0.0 and two.std() == 0.0:  # no spread: the difference is exact
        return Interval(mean, mean, mean, 0.0, n, confidence, method), 1.0 if mean == 0.0 else 0.0
    test = stats.ttest_ind(one, two, equal_var=False)
    low, high = test.confidence_interval(confidence)
    spread = float(np.sqrt(one.var(ddof=1) / one.size + two.var(ddof=1) / two.size))
    return Interval(mean, float(low), float(high), spread, n, confidence, method), float(test.pvalue)
