"""Who is told how the search goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from results.histories import RunHistory
from sweeps.parameters import Value


class SearchWatcher(Protocol):
    """Is told of proposals and of what came of them; a search that goes on tells of those on record again."""

    def proposed(self, number: int, config_id: str, values: Mapping[str, Value]) -> None:
        """A proposal was made, or taken from the records."""
        ...

    def ended(self, config_id: str, runs: Sequence[RunHistory | None]) -> None:
        """A configuration's search is over; `runs` are those on the search seeds, none where one was not begun."""
        ...
