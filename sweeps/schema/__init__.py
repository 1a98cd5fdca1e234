"""The JSON schema of a sweep's file (draft 2020-12), by which editors complete, explain and check it.

It is made from the classes that read the file, so it cannot fall behind them. It refuses what single keys and values
give away; what depends on other keys, on the data or on the machine is `causalmer plan`'s to say.
"""

from __future__ import annotations

from sweeps.schema.document import sweep_schema

__all__ = ["sweep_schema"]
