"""A script for `ray submit`, which runs a sweep on the head of a cluster."""

from __future__ import annotations

from cluster.templates.base import Command, Template


class SubmitScript(Template):
    """A sweep with its file; all nodes share the files that it reads and writes.

    Attributes:
        sweep: the text of the sweep's file, without includes.
        options: further options of `causalmer run`.
        activate: a shell command that puts causalmer on the path, such as `. ~/causalmer/bin/activate`. None: it is on
            the path.
    """

    source = "submit_script.py.j2"
    language = "python"

    sweep: str
    options: tuple[str, ...] = ()
    activate: Command | None = None
