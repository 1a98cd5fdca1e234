"""What the tests of backbones share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tiny_backbones import distribution, documented


@pytest.fixture(scope="module")
def installed_backbone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For a module's tests the backbone that the documentation shows is installed."""
    with distribution(tmp_path_factory.mktemp("installed"), *documented()):
        yield
