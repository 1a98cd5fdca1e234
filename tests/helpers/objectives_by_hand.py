"""Objectives of sweeps that want one metric."""

from __future__ import annotations

from results.records.objectives import Objectives

HIGHER = Objectives.of_metric("accuracy", "max")
LOWER = Objectives.of_metric("accuracy", "min")
