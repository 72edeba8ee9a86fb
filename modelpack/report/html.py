"""The report as one HTML file: data, page and Plotly in it, nothing loaded from anywhere.

1. Plotly comes from its Python package (the extra `report`), whose 4.6 MB are put into the file.
2. A policy in the page forbids every connection. Plotly's cube compiles code, which is why it allows `unsafe-eval`.
3. The data is JSON in an element that is no script, without `<`: names of tensors cannot end it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

from modelpack.digest import canonical_json
from modelpack.errors import UsageError
from modelpack.picture import Picture
from modelpack.report.html_data import page_data

_PAGE: Final = Path(__file__).parent / "page"
_SCRIPTS: Final = ("page.js", "choice.js", "weights.js", "speed.js", "samples.js", "main.js")
_PLOTLY: Final = "package_data/plotly.min.js"
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)


def report_html(picture: Picture) -> str:
    """The file's content. Raises: UsageError MP-E612 if Plotly is not installed."""
    plotly = _plotly().read_text(encoding="utf-8")
    scripts = "\n".join(_part(name) for name in _SCRIPTS)
    content = canonical_json(page_data(picture)).decode().replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="generator" content="modelpack">
<title>models</title>
<style>
{_part("report.css")}</style>
</head>
<body>
{_part("report.html")}<script type="application/json" id="data">{content}</script>
<script>{plotly}</script>
<script>
{{
{scripts}
}}
</script>
</body>
</html>
"""


def check_plotly() -> None:
    """Raises: UsageError MP-E612 if Plotly is not installed: said before anything is collected."""
    _plotly()


def _plotly() -> Path:
    found = importlib.util.find_spec("plotly")
    for folder in (found.submodule_search_locations or ()) if found else ():
        script = Path(folder) / _PLOTLY
        if script.is_file():
            return script
    raise UsageError(
        "MP-E612",
        "Plotly's Python package is not installed",
        where="report --html",
        remedy="pip install 'modelpack[report]'",
    )


def _part(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")
