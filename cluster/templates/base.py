"""The base of all templates: a model of their values, and a text with all values quoted."""

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
    """A validator of texts by a regular expression; `allowed` describes it in words."""

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
"""A name of a scheduler or a cloud, without spaces and without special signs of a shell or of `sbatch`."""

Command = Annotated[str, Field(min_length=1)]
"""A shell command; it is not quoted."""

_QUOTED = {"yaml": as_yaml, "shell": as_shell, "python": as_python}


class Template(Frozen):
    """The base of all templates. The fields of a subclass are the values of its text."""

    source: ClassVar[str]
    """The name of the template file; in it the model is `t`."""

    language: ClassVar[Literal["yaml", "shell", "python"]] = "yaml"
    """The language of the file."""

    def render(self) -> str:
        """The text of the file."""
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("cluster"),
            autoescape=jinja2.select_autoescape(),  # escapes HTML files, of which there are none
            finalize=_QUOTED[self.language],  # quotes every value
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
    """A sweep's name in the form for clouds and Kubernetes: at most 40 small letters, digits and hyphens."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return plain[:40].strip("-") or "sweep"
