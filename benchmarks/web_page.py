"""The exported page on a slow phone: its longest tasks with 4× CPU throttling, and its pictures.

    signbit export web model.sbnn -o site/
    python benchmarks/web_page.py site/ photo.jpg --pictures docs
    python benchmarks/web_page.py site/ other/ photo.jpg --out benchmarks/results/web_page.json

Needs `make edge-tools`. A person loads the page on a phone's screen, drops the photo, opens a few
layers from the first to the last, and uses the camera. A task keeps the page's main thread, which
must not be for more than 50 ms; its processor time counts. Each of --visits has a browser of its
own: the figures are the median of their longest tasks, and the longest of all. A visit takes ten
seconds. On a machine that does other work the browser throttles too much: with --busy it does not,
and times count four times. The pictures are web-*.png, of the first site.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from edge.chromium import Tab, served
from measuring import machine
from measuring.written import write_json

SLOWER = 4
SHOTS = (("light", 1100, 1500), ("dark", 1100, 1500), ("narrow", 360, 2000))
CAMERA = 3.0
"""Seconds that the camera runs."""

LAYERS = 6
"""How many are opened."""

SETTLED = 0.5
"""Seconds after each phase in which the browser still paints."""

READY = "document.querySelectorAll('#layers li').length > 0"
ANSWERED = "!document.querySelector('#seen').hidden"
DRAWN = "[...document.querySelectorAll('figcaption')].every((each) => each.textContent !== '')"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sites", type=Path, nargs="+", metavar="site")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    parser.add_argument("--visits", type=int, default=5)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    photo = arguments.photo.resolve()
    throttling = 1 if arguments.busy else SLOWER
    found: dict[str, Any] = {
        "command": "python benchmarks/web_page.py " + " ".join(sys.argv[1:]),
        "slower": SLOWER,
        "throttled": not arguments.busy,
        "longest_ms": {},
        "machine": machine.facts(),
    }
    if arguments.pictures:
        with browsed(arguments.sites[0]) as (tab, address):
            take_pictures(tab, address, photo, arguments.pictures)
    for site in arguments.sites:
        visits = []
        for _ in range(arguments.visits):
            with browsed(site) as (tab, address):
                visits.append(longest_tasks(tab, address, photo, throttling))
        phases = {
            phase: {"median": round(statistics.median(times), 1), "longest": round(max(times), 1)}
            for phase in visits[0]
            for times in [[SLOWER / throttling * visit[phase] for visit in visits]]
        }
        print(f"{site}, the longest task in ms, {SLOWER}× slower: {phases}", flush=True)
        found["longest_ms"][site.name] = phases
    if arguments.out:
        write_json(arguments.out, found)
    return 0


@contextmanager
def browsed(site: Path) -> Iterator[tuple[Tab, str]]:
    """A tab of a browser of its own, and the site's address."""
    with tempfile.TemporaryDirectory() as profile, served(site) as address:
        flags = ("--use-fake-ui-for-media-stream",)  # the camera is allowed
        with Tab(Path(profile), *flags) as tab:
            yield tab, address


def longest_tasks(tab: Tab, address: str, photo: Path, throttling: int) -> dict[str, float]:
    """Of each phase, milliseconds of processor time of the main thread's longest task."""
    tab.screen(360, 740)
    tab.call("Emulation.setCPUThrottlingRate", rate=throttling)
    tab.call("Network.disable")  # whose reports take the main thread's time, too
    longest = {"load": longest_task(tab, lambda: load(tab, address))}
    longest["photo"] = longest_task(tab, lambda: drop(tab, photo))
    longest["layers"] = longest_task(tab, lambda: open_layers(tab))
    longest["camera"] = longest_task(tab, lambda: use_camera(tab))
    return longest


def longest_task(tab: Tab, work: Callable[[], None]) -> float:
    """Milliseconds of processor time of the main thread's longest task meanwhile."""
    tab.events.clear()
    tracing = {"traceConfig": {"includedCategories": ["toplevel"]}, "transferMode": "ReportEvents"}
    tab.call("Tracing.start", **tracing)
    work()
    time.sleep(SETTLED)
    tab.call("Tracing.end")
    tab.until("Tracing.tracingComplete")
    traced: list[dict[str, Any]] = [
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
    times = (
        each["tdur"] / 1000
        for each in traced
        if "RunTask" in each["name"] and "tdur" in each and (each["pid"], each["tid"]) in page
    )
    return max(times, default=0.0)


def load(tab: Tab, address: str) -> None:
    tab.open(address)
    tab.wait(READY)


def drop(tab: Tab, photo: Path) -> None:
    tab.drop(photo, "#zone")
    tab.wait(ANSWERED)


def open_layers(tab: Tab) -> None:
    last = tab.run("document.querySelectorAll('summary').length") - 1
    for place in sorted({round(step * last / (LAYERS - 1)) for step in range(LAYERS)}):
        tab.run(f"document.querySelectorAll('summary')[{place}].click()")
        tab.wait(DRAWN)


def use_camera(tab: Tab) -> None:
    tab.run("document.querySelector('#camera').click()")
    time.sleep(CAMERA)
    tab.run("document.querySelector('#camera').click()")


def take_pictures(tab: Tab, address: str, photo: Path, folder: Path) -> None:
    """The page as a person sees it after a photo, with one layer open: light, dark, narrow."""
    # The first one is taken twice: by then the browser has compiled the engine.
    for name, width, height in (SHOTS[0], *SHOTS):
        tab.screen(width, height, dark=name == "dark", still=True)
        load(tab, address)
        drop(tab, photo)
        tab.run("[...document.querySelectorAll('summary')][2].click()")
        tab.wait(DRAWN)
        time.sleep(1)  # the network's time, and what the browser paints
        picture = Image.open(BytesIO(tab.picture())).convert("RGB")
        picture.quantize(256).save(folder / f"web-{name}.png", optimize=True)


if __name__ == "__main__":
    raise SystemExit(main())
