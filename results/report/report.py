"""The report: one self-contained HTML page of a sweep, without a request to any network.

Every string of a user goes through Jinja2's autoescape, or as JSON into a block that is not run. A
content-security policy allows the page's own two scripts by their digests and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from causalmer_core.basics.files import write_text
from results.ranking.importance import Importance
from results.records.dataset import SweepResults, open_sweep
from results.records.layout import SweepLayout
from results.report.report_content import content
from results.statistics.intervals import Interval


def write_report(layout: SweepLayout, out: Path | None = None, importance: Sequence[Importance] = ()) -> Path:
    """Write the report of a sweep and return its path.

    What the sweep has not reached yet (a selection, a final evaluation) is said in a sentence.

    Args:
        layout: the sweep's folder.
        out: the page, by default `report.html` in the sweep's folder.
        importance: of the searched parameters (`sweeps.search.importance`); by default nothing is said of it.

    Raises:
        UserError: the folder is no sweep.
        OSError: the page cannot be written.
    """
    path = layout.report if out is None else out
    write_text(path, render(open_sweep(layout), importance))
    if out is None:
        layout.store.push(path)
    return path


def render(results: SweepResults, importance: Sequence[Importance] = ()) -> str:
    """The report's HTML."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("results.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.filters["ends"] = interval_ends
    environment.filters["duration"] = duration
    environment.filters["percent"] = percent
    library, own = get_plotlyjs(), _template_text("page.js")
    template = environment.get_template("report.html.j2")
    return template.render(
        **content(results, importance),
        plotly_js=Markup(library),  # noqa: S704 - the library's own text, allowed by its digest
        page_js=Markup(own),  # noqa: S704 - our own file
        script_digests=[_digest(library), _digest(own)],
    )


def number(value: float | None) -> str:
    """A metric with four decimals, or a dash."""
    return "–" if value is None else f"{value:z.4f}"


def interval_ends(interval: Interval | None) -> str:
    """The ends of an interval in brackets; empty where there is none."""
    if interval is None or interval.low is None or interval.high is None:
        return ""
    return f"[{interval.low:z.4f}, {interval.high:z.4f}]"


def duration(seconds: float) -> str:
    """A time in the two units that matter: `36 s`, `4 min 12 s`, `3 h 20 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(share: float | None) -> str:
    """A share in whole percent, or a dash."""
    return "–" if share is None else f"{share:.0%}"


def _digest(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _template_text(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
