"""Pages and comments can be read: their width, their words, and where their links lead."""

import io
import re
import tokenize
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100
FOLDERS = ("docs", "native", "src", "benchmarks", "examples", "tests", "tools")
PAGES = sorted([*ROOT.glob("*.md"), *(p for name in FOLDERS for p in (ROOT / name).rglob("*.md"))])
SOURCES = sorted(
    path
    for name in ("src", "native")
    for suffix in ("py", "h", "cpp", "yaml", "toml")
    for path in (ROOT / name).rglob(f"*.{suffix}")
)

FILES = {
    path.relative_to(ROOT).as_posix()
    for name in ("", *(f"{folder}/**/" for folder in FOLDERS))
    for path in ROOT.glob(f"{name}*.*")
}

COUNTED = (
    "one|once|twice|two|three|four|five|one of each|ms|µs|kB|MiB|bits?|bytes?|words?|images|"
    "weights|epochs|channels|filters|values?|numbers?|constants?|scales?|thresholds?|shifts?|"
    "slopes?|offsets?|passes|cycles|faults|operations|lines?|cores|threads|process|folders?|files?|"
    "entry|colours?|panels?|training|multiply-adds|elements|seconds|milliseconds|ns|doubles|functions|"
    "blocks|object|scores?|shortcut|segment|parts|BOPs|FLOPs|pair|sums|comparison|parameters?"
)
UNITS = (
    "channel|input channel|output channel|filter|image|pixel|layer|step|epoch|second|process|"
    "class|core|seed|stage|method|side|tap|window|vector|cycle|call|round|block|run|command|"
    "measure|folder|start|quote|rate|sample|part|instruction set|logit|word|byte|row|group"
)
# Each is a way of saying "per" that has to be read twice, or a name for NaN that names nothing.
RIDDLES = {
    "say 'per'": rf"\b(?:{COUNTED}|\d) an? (?:{UNITS})\b",
    "say 'NaN', or 'NaN or infinite'": r"\bno number\b|\bnumbers that are none\b",
}
# Where "a" begins the object of a verb: "the first one a step refers to".
NOT_PER = re.compile(r"\bone a step (?:refers|follows)\b")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def fenced(text: str) -> list[tuple[str, bool]]:
    """The lines of a page, and whether each is code between fences."""
    lines, inside = [], False
    for line in text.splitlines():
        fence = line.lstrip().startswith("```")
        lines.append((line, inside or fence))
        inside ^= fence
    return lines


def is_prose(line: str) -> bool:
    """A line that can be broken: no table, no indented code, no picture, no single link."""
    if line.lstrip().startswith("|") or re.match(r" {4}\S", line):
        return False
    return " " in re.sub(r"!?\[[^]]*\]\([^)]*\)", "LINK", line).strip()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_are_wrapped(page):
    wide = [
        f"{number}: {line}"
        for number, (line, code) in enumerate(fenced(page.read_text("utf-8")), 1)
        if not code and len(line) > WIDTH and is_prose(line)
    ]
    assert wide == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    found = set()
    for line, code in fenced(page.read_text("utf-8")):
        if not code and (heading := re.match(r"#+ (.*)", line)):
            words = re.sub(r"[^\w\- ]", "", heading[1].lower().replace("`", ""))
            found |= {words.strip().replace(" ", "-"), re.sub(r"[-\s]+", "-", words).strip("-")}
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    text = "\n".join(line for line, code in fenced(page.read_text("utf-8")) if not code)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = unquote(target).partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


# What a reader's own folder would hold.
THEIRS = {"mine.py", "signbit.toml", "table.md", "signbit/methods/median.py", "net.h"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_files_exist(page):
    for file in re.findall(r"`([\w./-]+\.(?:py|cpp|h|toml|md|sh))`", page.read_text("utf-8")):
        assert file in THEIRS or any(f"/{known}".endswith(f"/{file}") for known in FILES), file


def comments(path: Path) -> str:
    """What a source says in words: comments, docstrings and messages, one after another."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        kinds = ("COMMENT", "STRING", "FSTRING_MIDDLE")
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        said = [t.string for t in tokens if tokenize.tok_name[t.type] in kinds]
        return " ".join(re.sub(r"^#+|^\w*[\"']+|[\"']+$", "", one) for one in said)
    mark = "//" if path.suffix in (".h", ".cpp") else "#"
    return " ".join(line.partition(mark)[2] for line in text.splitlines() if mark in line)


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=name)
def test_sentences_are_no_riddles(path):
    said = path.read_text("utf-8") if path.suffix == ".md" else comments(path)
    said = NOT_PER.sub("", " ".join(said.split()))
    for cure, riddle in RIDDLES.items():
        assert re.findall(riddle, said) == [], cure
