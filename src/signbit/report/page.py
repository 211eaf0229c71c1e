"""The report as one file of HTML: nothing is loaded from anywhere, and nothing in it is a script.

All text that comes from a run, a file or the images' names is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from matplotlib.figure import Figure

from signbit.html import table
from signbit.report.drawn import data_uri, inline_svg
from signbit.report.findings import Findings
from signbit.report.inside import Inside, filters_picture, signs_picture
from signbit.report.scores import Scores

__all__ = ["page_of"]

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1><p class="quiet">A report by signbit.</p></header>
<nav aria-label="Parts"><ul>{links}</ul></nav>
<main>
{sections}
</main>
</body>
</html>
"""

_CHARTS = {
    "curves": "Loss and accuracy after every epoch",
    "signs": "How even the signs are: the share of +1 in each layer's input, over the epochs",
    "flips": "How many weights change their sign, over the epochs",
    "confusion": "How many images of each label (row) got each answer (column)",
    "classes": "Accuracy of each class",
    "reliability": "How often an answer of a given probability is right",
    "bytes": "Bytes of each layer in the file",
    "operations": "Operations of each layer",
    "times": "Time of each node",
}
"""What each chart shows, in words; also for who cannot see it."""

Parts = Iterator[tuple[str, str, str]]
"""(id, heading, HTML) of sections."""


def page_of(findings: Findings, charts: dict[str, Figure]) -> str:
    """The page, with the charts of `charts_of`."""
    drawn = {name: _chart(name, figure) for name, figure in charts.items()}
    parts = [*_sections(findings, drawn)]
    return _PAGE.format(
        title=escape(findings.title),
        style=files("signbit.report").joinpath("page.css").read_text("utf-8"),
        links="".join(f'<li><a href="#{name}">{head}</a></li>' for name, head, _ in parts),
        sections="\n".join(
            f'<section id="{name}"><h2>{head}</h2>\n{body}</section>' for name, head, body in parts
        ),
    )


def _sections(findings: Findings, drawn: dict[str, str]) -> Parts:
    yield "card", "What it is", _card(findings)
    if findings.scores is not None:
        yield "answers", "How it answers", _answers(findings, findings.scores, drawn)
    if findings.mistakes and findings.scores is not None:
        yield "mistakes", "Most certain mistakes", _mistakes(findings, findings.scores)
    if training := [drawn[name] for name in ("curves", "signs", "flips") if name in drawn]:
        yield "training", "How it was trained", "".join(training)
    yield "inside", "What it looks like inside", _inside(findings.inside)
    yield "costs", "What it costs", _costs(findings, drawn)


def _card(findings: Findings) -> str:
    missing = "".join(f'<p class="quiet">{escape(each)}</p>' for each in findings.without)
    return _named("The card", table([], findings.facts)) + missing


def _answers(findings: Findings, scores: Scores, drawn: dict[str, str]) -> str:
    images = f"of {len(scores.labels):,} images it names the class"
    top1 = f'<p><span class="big">{scores.top1:.2%}</span> {images}</p>'
    return top1 + "".join(drawn[name] for name in ("confusion", "classes", "reliability"))


def _mistakes(findings: Findings, scores: Scores) -> str:
    probabilities, answers = scores.probabilities, scores.answers
    shown = []
    for index, pixels in findings.mistakes:
        said, label = scores.names[answers[index]], scores.names[scores.labels[index]]
        words = f"{said}, {probabilities[index].max():.0%}; it is {label}"
        shown.append(_picture(data_uri(pixels), f"image {index}: {words}", words))
    return f'<div class="pictures">{"".join(shown)}</div>'


def _inside(inside: Inside) -> str:
    parts = []
    if inside.first is not None:
        name, filters = inside.first
        words = f"The {len(filters)} filters of {name}, each over its own range"
        parts.append(_picture(data_uri(filters_picture(filters)), words, words))
    if inside.image is not None:
        words = "The image whose signs are below"
        parts.append(_picture(data_uri(inside.image), words, words))
    for each in inside.maps:
        height, width, channels = each.bits.shape
        words = f"{each.node}: {height} × {width}, {channels} channels, {each.positive:.0%} +1"
        parts.append(_picture(data_uri(signs_picture(each.bits)), f"signs of {words}", words))
    if not parts:
        return "<p>It reads no image, so there is nothing to see.</p>"
    white = '<p class="quiet">White is +1, black −1; the first channels of each layer.</p>'
    return white + f'<div class="pictures sheets">{"".join(parts)}</div>'


def _costs(findings: Findings, drawn: dict[str, str]) -> str:
    rows = [
        (
            layer.name,
            layer.kind,
            "×".join(map(str, layer.output)),
            *(f"{value:,}" for value in (layer.bops, layer.flops, layer.bytes)),
        )
        for layer in findings.cost.layers
    ]
    heads = ["layer", "binary or real", "output", "BOPs", "FLOPs", "bytes"]
    charts = "".join(drawn[name] for name in ("times", "operations", "bytes"))
    return charts + _named("The layers", table(heads, rows, numbers=3))


def _chart(name: str, figure: Figure) -> str:
    words = escape(_CHARTS[name])
    svg = inline_svg(figure, name).replace("<svg", f'<svg role="img" aria-label="{words}"', 1)
    return f"<figure>{svg}<figcaption>{words}</figcaption></figure>\n"


def _picture(address: str, alternative: str, words: str) -> str:
    return (
        f'<figure><img src="{address}" alt="{escape(alternative)}">'
        f"<figcaption>{escape(words)}</figcaption></figure>\n"
    )


def _named(name: str, shown: str) -> str:
    """A table that scrolls sideways on a phone is reached by the keyboard, too, and has a name."""
    return f'<div class="wide" role="region" tabindex="0" aria-label="{name}">{shown}</div>\n'
