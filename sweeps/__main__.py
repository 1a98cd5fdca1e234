"""`python -m sweeps`: the command line, where the command `causalmer` is not on the path."""

from sweeps.cli import main

main()
