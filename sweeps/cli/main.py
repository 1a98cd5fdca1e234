"""The command line: `causalmer run|resume|plan|status|schema`, and `causalmer data|results|checkpoint|cluster ...`."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from causalmer_core.basics.errors import UserError
from sweeps.cli.commands import LazyGroup, add_to
from sweeps.cli.interruption import INTERRUPTED, LeftError

app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Seed-aware hyperparameter sweeps for counterfactual multimodal emotion recognition.",
)
add_to(app)


def main() -> None:
    """Run the command line; what a user can mend is said in a line, without a traceback."""
    try:
        app()
    except UserError as error:
        for line in str(error).splitlines():
            Console(stderr=True, soft_wrap=True, highlight=False, emoji=False).print(
                f"error: {line}", markup=False
            )
        sys.exit(2)
    except LeftError as left:
        Console(stderr=True, soft_wrap=True, highlight=False).print(str(left), markup=False)
        sys.exit(INTERRUPTED)
    except SystemExit as ended:  # typer's answer to Ctrl-C: the code, and no word
        if ended.code == INTERRUPTED:
            words = "interrupted: every recorded epoch is kept; run the same command again to go on"
            Console(stderr=True, soft_wrap=True).print(words)
        raise
