"""The collector rests within the block, and is afterwards as it was."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from sweeps.cli.commands import quick_imports


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    was_collecting = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if was_collecting else gc.disable)()


@pytest.mark.parametrize("collecting", [True, False])
def test_no_garbage_is_collected_within_and_afterwards_as_before(collecting: bool) -> None:
    (gc.enable if collecting else gc.disable)()
    with quick_imports():
        assert not gc.isenabled()
    assert gc.isenabled() is collecting


def test_an_import_that_fails_leaves_the_collector_on() -> None:
    gc.enable()
    with pytest.raises(ImportError), quick_imports():
        import no_such_module  # noqa: F401
    assert gc.isenabled()


def test_what_was_imported_is_looked_at_no_more_and_new_garbage_is() -> None:
    before = gc.get_freeze_count()
    with quick_imports():
        kept = [[number] for number in range(1000)]
    assert gc.get_freeze_count() >= before + len(kept)
    knot: list[object] = []
    knot.append(knot)
    del knot
    assert gc.collect() >= 1
