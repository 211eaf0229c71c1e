"""The exported page on a slow phone: its longest tasks with 4× CPU throttling, and its pictures.

    signbit export web model.sbnn -o site/
    python benchmarks/web_page.py site/ photo.jpg --pictures docs --out build/web_page.json

Needs `make edge-tools`. A person loads the page, drops the photo, opens every layer and uses the
camera. A task keeps the page's main thread, which must not be for more than 50 ms; its processor
time counts, so that other programs do not. The pictures are web-*.png.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from edge.chromium import Tab, served
from measuring import machine
from measuring.written import write_json

SLOWER = 4
SHOTS = (("light", 1100, 1500), ("dark", 1100, 1500), ("narrow", 360, 2000))
CAMERA = 5.0
"""Seconds that the camera runs."""

READY = "document.querySelectorAll('#layers li').length > 0"
ANSWERED = "!document.querySelector('#bars').hidden && !document.querySelector('#seen').hidden"
DRAWN = "[...document.querySelectorAll('figcaption')].every((each) => each.textContent !== '')"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    photo = arguments.photo.resolve()
    with tempfile.TemporaryDirectory() as profile, served(arguments.site) as address:
        flags = ("--use-fake-ui-for-media-stream",)  # the camera is allowed
        with Tab(Path(profile), *flags) as tab:
            if arguments.pictures:
                take_pictures(tab, address, photo, arguments.pictures)
            tasks = main_thread_tasks(tab, address, photo)
    found: dict[str, Any] = {
        "slower": SLOWER,
        "tasks": len(tasks),
        "longest_ms": tasks[:5],
        "machine": machine.facts(),
    }
    print(f"{len(tasks)} tasks with {SLOWER}× throttling; the longest, in ms: {tasks[:5]}")
    if arguments.out:
        write_json(arguments.out, found)
    return 0


def main_thread_tasks(tab: Tab, address: str, photo: Path) -> list[float]:
    """Milliseconds of processor time of every task of the page's main thread, longest first."""
    tab.screen(360, 740)
    tab.call("Emulation.setCPUThrottlingRate", rate=SLOWER)
    tracing = {"traceConfig": {"includedCategories": ["toplevel"]}, "transferMode": "ReportEvents"}
    tab.call("Tracing.start", **tracing)
    visit(tab, address, photo)
    tab.call("Tracing.end")
    tab.until("Tracing.tracingComplete")
    traced = [
        each
        for event in tab.events
        if event["method"] == "Tracing.dataCollected"
        for each in event["params"]["value"]
    ]
    page = {
        (each["pid"], each["tid"])
        for each in traced
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    times = [
        each["tdur"] / 1000
        for each in traced
        if "RunTask" in each["name"] and "tdur" in each and (each["pid"], each["tid"]) in page
    ]
    return sorted(times, reverse=True)


def visit(tab: Tab, address: str, photo: Path) -> None:
    """Loads the page, drops the photo, opens every layer, uses the camera."""
    tab.open(address)
    tab.wait(READY)
    tab.drop(photo, "#zone")
    tab.wait(ANSWERED)
    for place in range(tab.run("document.querySelectorAll('summary').length")):
        tab.run(f"document.querySelectorAll('summary')[{place}].click()")
        tab.wait(DRAWN)
    tab.run("document.querySelector('#camera').click()")
    time.sleep(CAMERA)
    tab.run("document.querySelector('#camera').click()")


def take_pictures(tab: Tab, address: str, photo: Path, folder: Path) -> None:
    """The page as a person sees it after a photo, with one layer open: light, dark, narrow."""
    # The first one is taken twice: by then the browser has compiled the engine.
    for name, width, height in (SHOTS[0], *SHOTS):
        tab.screen(width, height, dark=name == "dark", still=True)
        tab.open(address)
        tab.wait(READY)
        tab.drop(photo, "#zone")
        tab.wait(ANSWERED)
        tab.run("[...document.querySelectorAll('summary')][2].click()")
        tab.wait(DRAWN)
        time.sleep(1)  # the network's time, and what the browser paints
        picture = Image.open(BytesIO(tab.picture())).convert("RGB")
        picture.quantize(256).save(folder / f"web-{name}.png", optimize=True)


if __name__ == "__main__":
    raise SystemExit(main())
