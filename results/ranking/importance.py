"""How much each searched parameter matters for the search's scores: what an analysis found, in plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Importance:
    """One method's answer (who computes it: `sweeps.search.importance`).

    Attributes:
        method: its name, such as `fANOVA`.
        shares: by parameter, from 0 to 1 and 1 together; the most important first.
        configurations: how many scores it rests on.
    """

    method: str
    shares: Mapping[str, float]
    configurations: int
