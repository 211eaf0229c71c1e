"""A trained network as a folder of the Hugging Face Hub: its card, weights, file, recipe, report.

README.md  config.json  recipe.yaml  model.safetensors  model.sbnn  report.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import yaml
from torch import Tensor

from signbit.data.sources.any_source import source_name
from signbit.hub import MODEL, WEIGHTS
from signbit.printable import printable
from signbit.report.card import NOT_STATED
from signbit.report.findings import Findings
from signbit.training.recipe import Recipe

__all__ = ["model_folder"]

_NAME = "OWNER/NAME"

_USE = """## Use
```python
import signbit

engine = signbit.load("hub:{name}")    # needs the extra "hub"; no PyTorch
{call}
```
`start=hub:{name}` begins a training with its weights. `@REVISION` behind the name, a commit of this
repository, means the same files always.
"""
_CALLS = {
    True: 'engine.predict("photo.jpg")            # Pillow reads photographs',
    False: "features = engine(images)              # uint8 (N, H, W, C)",
}

_FILES = f"""## Files
- `{MODEL}`: the network in one bit, as the engine runs it
- `{WEIGHTS}`: the latent weights in PyTorch, from which training goes on
- `recipe.yaml`: everything that it was trained by
- `config.json`: classes, input, versions, and SHA-256 of the files
- `report.html`: how it answers, what it looks like inside, what it costs
"""


def model_folder(
    findings: Findings,
    page: bytes,
    data: bytes,
    weights: Mapping[str, Tensor],
    recipe: Recipe,
    facts: Mapping[str, Any],
    *,
    name: str | None = None,
) -> dict[str, bytes]:
    """The files by name. `data` is the compiled file, `facts` what run.json holds.

    name: OWNER/NAME on the Hub, as the card's examples say it. Where things lie on the machine that
    trained it is in none of them but as the names of folders.
    """
    files = {
        MODEL: data,
        WEIGHTS: safetensors.torch.save({key: each.contiguous() for key, each in weights.items()}),
        "recipe.yaml": _without_places(recipe).to_yaml().encode("utf-8", "backslashreplace"),
        "report.html": page,
    }
    kept = ("class_names", "preprocessing", "train_images", "train_digest", "start_digest")
    config = {
        "library_name": "signbit",
        "network": recipe.network,
        "method": recipe.method.name,
        **{key: facts.get(key) for key in (*kept, "versions")},
        "sha256": {key: hashlib.sha256(each).hexdigest() for key, each in files.items()},
    }
    readme = _readme(findings, recipe, name or _NAME)
    return {
        "README.md": readme.encode("utf-8", "backslashreplace"),
        "config.json": (json.dumps(config, indent=1) + "\n").encode(),
        **files,
    }


def _without_places(recipe: Recipe) -> Recipe:
    """The recipe without the folders of the machine that trained it."""
    data = recipe.data.model_copy(update={"source": source_name(recipe.data.source)})
    changes: dict[str, object] = {"data": data}
    if recipe.start is not None:
        changes["start"] = source_name(recipe.start)
    if recipe.teacher is not None and recipe.teacher.checkpoint is not None:
        place = source_name(recipe.teacher.checkpoint)
        changes["teacher"] = recipe.teacher.model_copy(update={"checkpoint": place})
    if recipe.selfsup is not None and recipe.selfsup.guided is not None:
        guided = recipe.selfsup.guided
        if guided.teacher is not None:
            guided = guided.model_copy(update={"teacher": source_name(guided.teacher)})
        changes["selfsup"] = recipe.selfsup.model_copy(update={"guided": guided})
    return recipe.model_copy(update=changes)


def _readme(findings: Findings, recipe: Recipe, name: str) -> str:
    """The card: metadata as YAML between lines of dashes, then Markdown."""
    scores = findings.scores
    classifies = scores is not None
    metadata: dict[str, object] = {
        "library_name": "signbit",
        "pipeline_tag": "image-classification" if classifies else "image-feature-extraction",
        "tags": ["binary-neural-network", "signbit", recipe.method.name],
    }
    licence = findings.card["licence"]
    if licence != NOT_STATED:
        metadata["license"] = licence.lower()  # as the Hub writes the names of SPDX
    if recipe.data.source.startswith("hub:"):
        metadata["datasets"] = [recipe.data.source.removeprefix("hub:")]
    if scores is not None:
        metadata["metrics"] = ["accuracy"]
    rows = findings.facts
    if scores is not None:
        rows.append(("top-1", f"{scores.top1:.2%} of {len(scores.labels):,} test images"))
    text = yaml.safe_dump(metadata, allow_unicode=True, sort_keys=False)
    table = "".join(f"| {_cell(key)} | {_cell(value)} |\n" for key, value in rows)
    head = f"---\n{text}---\n# {_cell(findings.title)}\nA binary neural network: its weights and "
    head += "activations are signs.\n\n| | |\n|---|---|\n"
    use = _USE.format(name=name, call=_CALLS[classifies])
    return f"{head}{table}\n{use}\n{_FILES}"


def _cell(text: str) -> str:
    """Text as Markdown shows it, in one cell of a table: no markup, no HTML."""
    return re.sub(r"([\\`*_{}\[\]<>#|&!~$])", r"\\\1", printable(text))
