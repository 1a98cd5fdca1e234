"""One thread for torch: sums in one order, and no two processes that wait for each other's cores.

Hypothesis has no deadlines. In continuous integration it tries the same cases every time, so that a change is judged by
what it changes; elsewhere it looks for new ones.

Data sets lie where each test puts them, never in a folder that the caller's environment names.
"""

import os
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings
from object_server import CREDENTIALS, ObjectServer, object_server

from causalmer_core.datasets.store import ROOT_VARIABLE

os.environ.pop(ROOT_VARIABLE, None)
torch.set_num_threads(1)
settings.register_profile("searching", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable" if os.environ.get("CI") else "searching")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: what is left for the end is quick, and all workers end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    """A real server that speaks S3, and the environment that lets one in."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with object_server() as started:
            yield started
