"""The page that `signbit export web` writes, in headless Chromium: used as a person uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.bitformat.builder import REAL, Builder, Sample
from tests.bitformat.samples import confident
from tests.edge.web import build

import signbit
from edge.chromium import Tab, chromium, served
from signbit.bitformat import encode
from signbit.bitformat.graph import Output, Resize, Step
from signbit.runtime.photographs import Photographs
from signbit.runtime.reference import ReferenceEngine
from signbit.targets.folders import write_folder
from signbit.targets.web.package import MODEL, web_package

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no chromium; see tools/install_edge_tools.sh"),
]

READY = "document.querySelector('#layers li') !== null"
ANSWERED = "!document.querySelector('#bars').hidden"
REFUSED = "!document.querySelector('#notice').hidden"
OPEN = "document.querySelector('.inside figcaption')?.textContent.includes('are +1')"

HOSTILE = (
    "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>\"`${window.hit}"
    "\u202e\n\0\\*/--><!--" + "x" * 200
)


def photo_network(*classes: str, name: str = "stem") -> Sample:
    """12×10 RGB → a stem with signs → a binary convolution → 12 classes."""
    b = Builder(3)
    image = b.input("image", "image", 12, 10, 3, resize=Resize(12, "bilinear"))
    three = {"kernel": (3, 3), "padding": (1, 1, 1, 1)}
    _, signs = b.node(
        name,
        "real_conv",
        (image,),
        Step("affine", {"scale": b.floats(16), "shift": b.floats(16)}),
        **three,
        weight=b.floats(16, 3, 3, 3),
        outputs=(REAL, Output("signs", threshold=b.floats(16))),
    )
    small = b.constant(np.full(12, 0.05, np.float32))
    body = b.node(
        "body",
        "binary_conv",
        (signs,),
        Step("affine", {"scale": small, "shift": b.floats(12)}),
        **three,
        weight=b.filters(12, 144),
    )
    b.output("logits", b.node("mean", "global_mean", (body,)), *classes)
    return b.sample(source={"recipe": name})


def numbers_network() -> Sample:
    """A vector of 4 → their signs, 3 sums of them."""
    b = Builder(5)
    given = b.input("measured", "real", 1, 1, 4)
    signs = b.node("compare", "identity", (given,), outputs=(Output("signs"),))
    b.output("sums", b.node("sums", "binary_conv", (signs,), weight=b.filters(3, 4)))
    return b.sample()


def network_of_both() -> Sample:
    """A photo and 4 numbers → the means of the photo, and the numbers' signs summed; odd names."""
    b = Builder(7)
    given = b.input("constructor", "real", 1, 1, 4)
    image = b.input("__proto__", "image", 12, 10, 3, resize=Resize(12, "bilinear"))
    signs = b.node("compare", "identity", (given,), outputs=(Output("signs"),))
    b.output("toString", b.node("sums", "binary_conv", (signs,), weight=b.filters(3, 4)))
    b.output("__proto__", b.node("means", "global_mean", (b.node("r", "identity", (image,)),)))
    return b.sample()


CLASSES = [f"class {number}" for number in range(12)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    build()
    with Tab(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def tab(browser: Tab) -> Tab:
    browser.screen(1200, 900)
    return browser


@pytest.fixture
def opened(tab: Tab, tmp_path: Path) -> Iterator[Callable[..., bytes]]:
    """Exports a network, serves it and opens the page; returns the model's bytes."""
    servers = ExitStack()

    def open_page(
        sample: Sample, until: str = READY, damage: bool = False, example: Path | None = None
    ) -> bytes:
        data = encode(*sample)
        files = web_package(data, example=example)
        if damage:
            files[MODEL] = data[:-4]
        site = tmp_path / "site"
        write_folder(site, files, overwrite=False)
        tab.open(servers.enter_context(served(site)))
        tab.wait(until)
        return data

    with servers:
        yield open_page


def photo(folder: Path, height: int = 31, width: int = 44) -> Path:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    file = folder / f"photo{height}.png"
    Image.fromarray(pixels).save(file)
    return file


def shown(tab: Tab) -> dict[int, float]:
    """Index of a class → the logit that the page shows for it, in order."""
    bars = "[...document.querySelectorAll('#bars li')]"
    found = tab.run(f"{bars}.map(({{dataset}}) => [dataset.index, dataset.logit])")
    return {int(index): float(logit) for index, logit in found}


def expected(data: bytes, file: Path) -> dict[int, float]:
    engine = signbit.load(data, isa="scalar")
    logits = engine(Photographs(engine)(file)[None])[0]
    order = np.argsort(-logits, kind="stable")[:10]
    return {int(index): float(logits[index]) for index in order}


def test_a_dropped_photo_is_answered_with_the_engines_bits(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    data = opened(photo_network(*CLASSES))
    assert tab.text("#title") == "stem"
    assert "12 × 10 × 3 → 12 classes" in tab.text("#facts")
    file = photo(tmp_path)
    tab.drop(file, "#zone")
    tab.wait(ANSWERED)
    assert list(shown(tab).items()) == list(expected(data, file).items())
    first = next(iter(expected(data, file)))
    assert tab.text("#bars li .name") == CLASSES[first]
    assert "ms an image" in tab.text("#time")
    tab.wait("!document.querySelector('#seen').hidden")
    assert tab.text("#spoken").startswith(CLASSES[first])
    assert tab.problems() == []
    address = tab.run("location.href")
    assert all(each.startswith((address, "blob:")) for each in tab.requests())


def test_what_is_none_of_these_is_said(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    opened(confident(photo_network(*CLASSES), 1e6, 0.5))
    tab.drop(photo(tmp_path), "#zone")
    tab.wait(ANSWERED)
    assert tab.text("#unsure") == "None of these: no class reaches 50.0 %"
    assert tab.text("#spoken") == tab.text("#unsure")
    assert tab.problems() == []


def test_a_photo_that_the_camera_has_turned_is_read_as_predict_reads_it(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    data = opened(photo_network(*CLASSES))
    turned = Image.Exif()
    turned[0x0112] = 6  # its top is on the right
    file = tmp_path / "turned.jpg"
    Image.open(photo(tmp_path, 90, 61)).save(file, exif=turned)
    tab.drop(file, "#zone")
    tab.wait(ANSWERED)
    assert shown(tab) == expected(data, file)


def test_a_photo_is_pasted(tab: Tab, opened: Callable[..., bytes], tmp_path: Path) -> None:
    data = opened(photo_network(*CLASSES))
    file = photo(tmp_path)
    given = list(file.read_bytes())
    tab.run(f"""(() => {{
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([new Uint8Array({given})], 'a.png', {{type: 'image/png'}}));
      document.body.dispatchEvent(new ClipboardEvent('paste', {{clipboardData, bubbles: true}}));
    }})()""")
    tab.wait(ANSWERED)
    assert shown(tab) == expected(data, file)


def test_a_package_with_an_example_begins_with_its_answer(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    file = photo(tmp_path)
    data = opened(photo_network(*CLASSES), ANSWERED, example=file)
    assert shown(tab) == expected(data, file)


def test_all_can_be_done_by_keyboard(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    data = opened(photo_network(*CLASSES))
    focused = "document.activeElement"

    def tab_to(condition: str) -> None:
        for _ in range(20):
            if tab.run(f"{focused}.matches({condition!r})"):
                break
            tab.press("Tab")
        assert tab.run(f"{focused}.matches({condition!r})")
        assert tab.run(f"getComputedStyle({focused}).outlineStyle") != "none"

    tab_to("#zone")
    file = photo(tmp_path, 20)
    tab.choose(file, "Enter")
    tab.wait(ANSWERED)
    assert shown(tab) == expected(data, file)
    tab_to("summary")
    tab.press("Enter")
    tab.wait(OPEN)
    assert tab.run("document.querySelector('.inside canvas').width") > 12
    tab_to("#layers li:nth-child(2) summary")
    tab.press(" ")
    said = "document.querySelector('li:nth-child(2) figcaption')?.textContent"
    assert tab.wait(said).startswith("192 binary kernels of 3 × 3")


def test_sign_maps_are_the_networks_signs(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    data = opened(photo_network(*CLASSES))
    file = photo(tmp_path)
    tab.drop(file, "#zone")
    tab.wait(ANSWERED)
    tab.run("document.querySelector('summary').click()")
    tab.wait(OPEN)
    pixels = Photographs(signbit.load(data))(file)
    signs = ReferenceEngine(data).run_nodes({0: pixels[None]}, [2])[2][0]
    # A pixel's red is 0 where it is −1; tiles lie side by side, two pixels apart.
    script = """(() => {
      const canvas = document.querySelector('.inside canvas');
      const {width, height} = canvas;
      const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
      return [Number(canvas.dataset.scale), width, [...data].filter((_, at) => at % 4 === 0)];
    })()"""
    scale, width, red = tab.run(script)
    drawn = np.reshape(red, (-1, width))
    across, down = 10 * scale + 2, 12 * scale + 2
    for channel in range(16):
        row, column = divmod(channel, (width - 2) // across)
        top, left = 2 + row * down, 2 + column * across
        tile = drawn[top : top + 12 * scale : scale, left : left + 10 * scale : scale]
        np.testing.assert_array_equal(tile == 0, signs[..., channel] == 1)


def test_a_hostile_files_names_are_text_and_fit_a_phone(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    tab.screen(360, 740)
    opened(photo_network(*[f"{HOSTILE}{n}" for n in range(12)], name=HOSTILE))
    tab.drop(photo(tmp_path), "#zone")
    tab.wait(ANSWERED)
    tab.run("document.querySelector('summary').click()")
    tab.wait(OPEN)
    assert tab.run("document.querySelector('#bars .name').textContent").startswith(HOSTILE)
    assert tab.run("document.querySelector('summary .name').textContent") == HOSTILE
    assert tab.run("document.querySelector('#title').textContent") == HOSTILE
    assert tab.run("window.hit") is None
    assert tab.run("document.scrollingElement.scrollWidth") <= 360
    assert tab.problems() == []


def test_what_is_no_picture_is_said_and_the_next_one_works(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    opened(photo_network(*CLASSES))
    text = tmp_path / "notes<b>.txt"
    text.write_text("no picture")
    tab.drop(text, "#zone")
    tab.wait(REFUSED)
    assert "notes<b>.txt is no picture that this browser can read" in tab.text("#notice")
    tab.drop(photo(tmp_path), "#zone")
    tab.wait(ANSWERED)
    assert not tab.run(REFUSED)


def test_a_damaged_network_is_said(tab: Tab, opened: Callable[..., bytes]) -> None:
    opened(photo_network(*CLASSES), "!document.querySelector('#failure').hidden", damage=True)
    assert "The network's file is damaged" in tab.text("#failure-words")
    assert tab.run("document.querySelector('#work').hidden")


def test_the_camera_answers_frame_by_frame_and_stops(
    tab: Tab, opened: Callable[..., bytes]
) -> None:
    opened(photo_network(*CLASSES))
    allow = {"permission": {"name": "camera"}, "origin": tab.run("location.origin")}
    tab.call("Browser.setPermission", setting="denied", **allow)
    tab.run("document.querySelector('#camera').click()")
    tab.wait(REFUSED)
    assert "may not use the camera" in tab.text("#notice")
    tab.call("Browser.setPermission", setting="granted", **allow)
    tab.run("document.querySelector('#camera').click()")
    tab.wait(ANSWERED)
    first = shown(tab)
    tab.wait(f"document.querySelector('#bars li').dataset.logit !== '{next(iter(first.values()))}'")
    assert tab.text("#camera") == "Stop the camera"
    tab.run("document.querySelector('#camera').click()")
    assert tab.text("#camera") == "Use the camera"
    assert tab.run("document.querySelector('#video').srcObject.active") is False
    tab.wait("!document.querySelector('#still').hidden")
    assert tab.problems() == []


def test_a_network_of_numbers_has_fields_and_a_table(
    tab: Tab, opened: Callable[..., bytes]
) -> None:
    data = opened(numbers_network())
    assert tab.run("document.querySelector('#photo').hidden")
    assert "4 numbers" in tab.text("#fields")
    tab.run("document.querySelector('summary').click()")
    said = tab.wait("document.querySelector('.inside figcaption')?.textContent")
    assert said == "Sign maps are shown of networks that take a photo."
    field = "document.querySelector('#fields textarea')"
    tab.run(f"{field}.value = '1, -2 3'")
    tab.run("document.querySelector('#run').click()")
    assert tab.text("#fields .problem") == "3 numbers given, 4 needed."
    assert tab.run(f"{field}.getAttribute('aria-invalid')") == "true"
    tab.run(f"{field}.value = '1, -2\\n3 -0.5'")
    tab.run("document.querySelector('#run').click()")
    tab.wait("document.querySelector('#tables td') !== null")
    values = tab.run("[...document.querySelectorAll('td.number')].map((e) => e.dataset.value)")
    answer = signbit.load(data)(np.float32([1, -2, 3, -0.5]).reshape(1, 1, 1, 4))[0]
    np.testing.assert_array_equal(np.float32(values), answer)


def test_a_network_of_a_photo_and_numbers_takes_both(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    data = opened(network_of_both())
    field = "document.querySelector('#fields textarea')"
    tab.run(f"{field}.value = '1 -2 3 -0.5'")
    tab.run("document.querySelector('#run').click()")
    tab.wait(REFUSED)
    assert "The network also needs a photo" in tab.text("#notice")
    file = photo(tmp_path)
    tab.drop(file, "#zone")
    tab.wait("!document.querySelector('#seen').hidden")
    tab.run("document.querySelector('#run').click()")
    tab.wait("document.querySelectorAll('#tables td.number').length === 6")
    values = tab.run("[...document.querySelectorAll('td.number')].map((e) => e.dataset.value)")
    numbers = np.float32([1, -2, 3, -0.5]).reshape(1, 1, 1, 4)
    pixels = Photographs(signbit.load(encode(*photo_network())))(file)[None]  # of the same size
    answer = signbit.load(data)({"constructor": numbers, "__proto__": pixels})
    wanted = np.concatenate([answer["toString"][0], answer["__proto__"][0]])
    np.testing.assert_array_equal(np.float32(values), wanted)


def test_a_network_without_class_names_says_its_numbers(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    data = opened(photo_network())
    file = photo(tmp_path)
    tab.drop(file, "#zone")
    tab.wait("document.querySelector('#tables td') !== null")
    values = tab.run("[...document.querySelectorAll('td.number')].map((e) => e.dataset.value)")
    engine = signbit.load(data)
    np.testing.assert_array_equal(np.float32(values), engine(Photographs(engine)(file)[None])[0])


def test_a_file_that_does_not_say_how_photos_fit_is_refused_in_words(
    tab: Tab, opened: Callable[..., bytes], tmp_path: Path
) -> None:
    graph, constants = photo_network(*CLASSES)
    bare = replace(graph, inputs=(replace(graph.inputs[0], resize=None),))
    opened((bare, constants))
    tab.drop(photo(tmp_path), "#zone")
    tab.wait(REFUSED)
    assert tab.text("#notice").startswith("The network cannot take this")
