"""The command line `causalmer`: its entry point, and how errors and Ctrl-C are reported."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from causalmer_core.basics.errors import UserError
from sweeps.cli.commands import LazyGroup, add_to
from sweeps.cli.interruption import INTERRUPTED, StoppedWatchingError

app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Seed-aware hyperparameter sweeps for counterfactual multimodal emotion recognition.",
)
add_to(app)


def main() -> None:
    """Run the command line. Errors that a user can fix are printed without a traceback, with exit code 2."""
    try:
        app()
    except UserError as error:
        for line in str(error).splitlines():
            Console(stderr=True, soft_wrap=True, highlight=False, emoji=False).print(
                f"error: {line}", markup=False
            )
        sys.exit(2)
    except StoppedWatchingError as stopped:
        Console(stderr=True, soft_wrap=True, highlight=False).print(str(stopped), markup=False)
        sys.exit(INTERRUPTED)
    except SystemExit as ended:  # typer answers Ctrl-C with this code and no message
        if ended.code == INTERRUPTED:
            Console(stderr=True, soft_wrap=True).print(
                "interrupted: every recorded epoch is kept; run the same command again to continue"
            )
        raise
