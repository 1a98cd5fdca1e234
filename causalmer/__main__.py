"""The command `causalmer`, also as `python -m causalmer`."""

from __future__ import annotations

import sys

from causalmer_core.basics.packages import hidden_package


def main() -> None:
    """Run the command line, unless another distribution's packages stand in the way of ours."""
    if (hidden := hidden_package()) is not None:
        sys.exit(f"error: {hidden}")  # exit code 1, and the text on standard error
    from sweeps.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
