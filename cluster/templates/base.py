"""What every template has: a model of what it needs to be told, and a text in which all of it is quoted."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Annotated, ClassVar, Literal

import jinja2
from pydantic import AfterValidator, Field

from causalmer_core.basics.errors import invalid
from causalmer_core.basics.validation import Frozen
from cluster.templates.quoting import Written, as_python, as_shell, as_yaml, yaml_block


def matching(pattern: str, allowed: str) -> AfterValidator:
    """The validator of texts that a regular expression describes; `allowed` says it in words."""

    def checked(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise invalid("not of the form that is expected", allowed)
        return text

    return AfterValidator(checked)


Word = Annotated[
    str,
    matching(
        r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*", "letters, digits and . _ : / @ + -, from a letter or a digit on"
    ),
]
"""A name as schedulers and clouds give them: no spaces, no signs that a shell or `sbatch` would read."""

Command = Annotated[str, Field(min_length=1)]
"""A shell command; it means what it says."""

_QUOTED = {"yaml": as_yaml, "shell": as_shell, "python": as_python}


class Template(Frozen):
    """The base of all templates. A subclass's fields are what it needs to be told."""

    source: ClassVar[str]
    """The file beside this one that is filled in; there the model is `t`."""

    language: ClassVar[Literal["yaml", "shell", "python"]] = "yaml"
    """What the file is written in."""

    def render(self) -> str:
        """The text of the file."""
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("cluster"),
            autoescape=jinja2.select_autoescape(),  # of HTML, of which there is none
            finalize=_QUOTED[self.language],  # whatever is put in
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters["block"] = yaml_block
        environment.filters["word"] = as_shell
        environment.filters["verbatim"] = Written
        return environment.get_template(self.source).render(t=self, ray_version=version("ray"))


def cloud_name(name: str) -> str:
    """A sweep's name as clouds and Kubernetes allow them: at most 40 small letters, digits and hyphens."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return plain[:40].strip("-") or "sweep"
