"""Docstrings are read as they are written in this project."""

from __future__ import annotations

from typing import Literal

from causalmer_core.basics.validation import Frozen
from sweeps.spec.json_schema.described import field_texts, schema_of, summary


class Base(Frozen):
    """What others stand on.

    Attributes:
        shared: said once: for all.
    """

    shared: int = 0


class Section(Base):
    """Baseline: a colon is no section.

    Further words.

    Attributes:
        one, other: of both, in
            two lines.
        name: which one.

    Raises:
        ValueError: nothing: of ours.
    """

    name: Literal["section"] = "section"
    one: int = 0
    other: int = 0


def test_texts_are_inherited_shared_and_joined() -> None:
    both = "of both, in two lines."
    assert field_texts(Section) == {
        "shared": "said once: for all.",
        "one": both,
        "other": both,
        "name": "which one.",
    }
    assert summary(Section) == "Baseline: a colon is no section.\n\nFurther words."


def test_the_name_of_a_variant_says_what_the_variant_is() -> None:
    schema = schema_of(Section)
    assert schema["properties"]["name"]["description"] == "Baseline: a colon is no section."
    assert schema["properties"]["one"]["description"] == "of both, in two lines."
    assert "title" not in schema
