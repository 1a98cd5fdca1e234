"""The commands by name. Each is imported when it is used, because its imports take seconds."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class Place(NamedTuple):
    """Where a command is defined.

    Attributes:
        module: the module below `sweeps.cli`.
        attribute: a function or a group of commands in that module.
        help: the line of help in the list of commands.
    """

    module: str
    attribute: str
    help: str


COMMANDS: Mapping[str, Place] = {
    "run": Place(
        "sweep", "run", "Run a sweep to its report. A sweep that was begun continues from its records."
    ),
    "resume": Place(
        "sweep", "resume", "Continue a sweep that was begun; the same as run, but never begins a sweep."
    ),
    "plan": Place(
        "sweep", "plan", "Show what a sweep would run and about how long it takes. Starts nothing."
    ),
    "status": Place(
        "status", "status", "Show how far a sweep is, from its records alone; works while it runs."
    ),
    "schema": Place(
        "schema",
        "schema",
        "Print the JSON schema of a sweep's file for editors, with the backbones that are installed here.",
    ),
    "data": Place("data.app", "app", "Import, draw and look at data sets."),
    "results": Place(
        "results.app", "app", "Rank, select, evaluate, report, compare and export what a sweep recorded."
    ),
    "checkpoint": Place("checkpoint.app", "app", "Import published checkpoints, and evaluate checkpoints."),
    "cluster": Place("cluster.app", "app", "Run sweeps on clusters."),
}


class LazyGroup(TyperGroup):
    """A group whose commands are names and a line of help until one is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that the arguments name, and return it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load(name), rest


def load(name: str) -> Any:
    """Import a command.

    Raises:
        KeyError: there is no such command.
    """
    place = COMMANDS[name]
    found = getattr(_imported(f"sweeps.cli.{place.module}"), place.attribute)
    alone = typer.Typer(add_completion=False)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    return typer.main.get_group(alone).commands[name]


def _imported(module: str) -> ModuleType:
    if module in sys.modules:  # the import costs nothing
        return sys.modules[module]
    with quick_imports():
        return import_module(module)


def add_to(app: typer.Typer) -> None:
    """Add the names and the help of all commands, and import none."""
    for name, place in COMMANDS.items():
        app.command(name, help=place.help)(_not_loaded)


def _not_loaded() -> None:
    raise RuntimeError("a command was called before it was imported")


@contextmanager
def quick_imports() -> Iterator[None]:
    """Within the block no garbage is collected, and objects that exist at its end are never collected.

    Importing torch, Ray and the like makes a million objects that stay. Python's collector would scan them again and
    again during the imports, and twice at the process's end: a third of the time of a short command.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_collecting:
            gc.enable()
