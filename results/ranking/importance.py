"""The importance of each searched parameter for the search's scores, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Importance:
    """The result of one method, computed by `sweeps.search.importance`.

    Attributes:
        method: its name, such as `fANOVA`.
        shares: from 0 to 1 by parameter, with sum 1, the most important first.
        configurations: the number of configurations whose scores were used.
    """

    method: str
    shares: Mapping[str, float]
    configurations: int
