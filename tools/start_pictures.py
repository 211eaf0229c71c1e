"""Take the charts of docs/start.md from `signbit report`, of the run that `signbit demo` leaves.

signbit demo --out runs/demo
python -m tools.start_pictures runs/demo/run
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tools.drawings import FOLDER

from signbit.report.charts import INK

CHARTS = ("curves", "confusion")

STYLE = """<style>
  :root { color: #1f2328; background: #ffffff; }
  @media (prefers-color-scheme: dark) { :root { color: #e6edf3; background: #0d1117; } }
</style>"""


def main(run: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        command = [sys.executable, "-m", "signbit", "report", run, "-o", str(page)]
        subprocess.run([*command, "--figures", folder], check=True)
        for name in CHARTS:
            chart = (Path(folder) / f"{name}.svg").read_text("utf-8")
            (FOLDER / f"start-{name}.svg").write_text(for_both_colours(chart), "utf-8")


def for_both_colours(chart: str) -> str:
    """A chart whose ink is dark on a light page, and light on a dark one."""
    opening, end, rest = chart[chart.index("<svg") :].partition(">")
    return (opening + end + STYLE + rest).replace(INK, "currentColor")


if __name__ == "__main__":
    main(sys.argv[1])
