"""Captions of the workflow's report, which the page shows, too: one text for both.

They are templates in reStructuredText under `workflow/report/`, filled in by what Snakemake knows.
"""

from pathlib import Path

from docutils.core import publish_parts
from jinja2 import Environment, TemplateError
from markupsafe import Markup

FOLDER = Path("workflow", "report")
SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 5,
    "embed_stylesheet": False,
    "_disable_config": True,
}


def caption(clone: Path | None, template: str, scale: str, **wildcards: str) -> Markup | None:
    """The caption as HTML; None where no clone is at hand or it holds none."""
    if clone is None or not (file := clone / FOLDER / template).is_file():
        return None
    known = {"snakemake": {"wildcards": wildcards, "config": {"scale": scale}}}
    try:
        text = Environment().from_string(file.read_text("utf-8")).render(known)
    except (TemplateError, UnicodeDecodeError):
        return None
    return Markup(
        publish_parts(text, writer="html5", settings_overrides=SETTINGS).get("fragment", "")
    )
