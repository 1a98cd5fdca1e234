"""Prints pip's constraints for the lowest version of every dependency that `pyproject.toml` allows.

`make lowest` installs these versions in a new environment and runs the quick start there. A lower bound that is too low
fails there, and not in a user's older environment.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

_BOUNDED = re.compile(r"(?P<name>[\w.-]+)(\[[^]]*\])?\s*(>=|==)\s*(?P<lowest>[\w.]+)(\s*,\s*<[\w.]+)?")


def lowest_versions(requirements: Iterable[str]) -> list[str]:
    """The constraint `name==version` of each requirement.

    Args:
        requirements: texts such as `numpy>=2.0,<3`.

    Raises:
        ValueError: a requirement has no lower bound.
    """
    constraints = []
    for requirement in requirements:
        found = _BOUNDED.fullmatch(requirement)
        if found is None:
            raise ValueError(
                f"{requirement!r} has no lower bound; allowed name>=1.2, name>=1.2,<2 or name==1.2"
            )
        constraints.append(f"{found['name']}=={found['lowest']}")
    return constraints


def dependencies() -> list[str]:
    """The requirements of the package, without its extras."""
    found: list[str] = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    return found


if __name__ == "__main__":
    print("\n".join(lowest_versions(dependencies())))
