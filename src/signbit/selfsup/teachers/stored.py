"""Teachers of S2-BNN's guidance: runs of a pre-training, and MoCo v2's published checkpoints.

Any other module that maps images to a vector teaches as it is (`signbit.selfsup.teachers.own`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from signbit.data.pixels.preprocessing import Preprocessing
from signbit.errors import CheckpointError, RecipeError
from signbit.methods import Method, get
from signbit.selfsup.backbone import build_backbone
from signbit.selfsup.head import Embedder, ProjectionHead
from signbit.training.networks import make_method
from signbit.training.runs.folder import RunFolder
from signbit.training.runs.initial_weights import read_state
from signbit.training.runs.state_dicts import load_state
from signbit.training.supervised.teacher import FrozenTeacher, require_size

__all__ = ["EmbeddingOf", "moco_embedder", "open_teacher"]

Normalization = tuple[tuple[float, ...], tuple[float, ...]]
"""(mean, std) per channel, in units of 0 … 1."""

_RUN = ("embedder.backbone.network.", "embedder.head.")


class EmbeddingOf(nn.Module):
    """An Embedder as a teacher: images (N, channels, H, W) → embedding (N, dim) alone."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__()
        self.embedder = embedder

    def forward(self, pixels: Tensor) -> Tensor:
        embedding: Tensor
        _, embedding = self.embedder(pixels)
        return embedding


def open_teacher(
    path: str | Path,
    preprocessing: Preprocessing,
    *,
    network: str | None = None,
    normalization: Normalization | None = None,
) -> FrozenTeacher:
    """The teacher at `path`, frozen, for a student whose images are made by `preprocessing`.

    path: the folder of a finished run of pre-training, which knows its network and normalisation,
    or the .safetensors file of a MoCo v2 checkpoint (see `moco_embedder`), whose network is
    `network`, real-resnet50 if None, and whose images were normalised by `normalization`, as the
    student's if None. A run of another network than `network` is refused.

    Raises CheckpointError where there is no such teacher, it is not finished, does not fit its
    network or sees images of another size; RecipeError where a run is given a normalisation.
    """
    path = Path(path)
    student = (preprocessing.mean, preprocessing.std)
    if path.is_dir():
        if normalization is not None:
            raise RecipeError(f"the teacher {path} is a run, which knows its own normalisation")
        embedder, size, own = _of_run(path, network)
    else:
        channels = preprocessing.input_size[2]
        embedder = moco_embedder(
            read_state(path), f"teacher {path}", network or "real-resnet50", channels=channels
        )
        size = (*embedder.backbone.input_size, channels)
        own = student if normalization is None else normalization
    require_size(path, size, preprocessing)
    return FrozenTeacher(EmbeddingOf(embedder), student, own)


def moco_embedder(
    state: Mapping[str, Tensor], what: str, network: str = "real-resnet50", *, channels: int = 3
) -> Embedder:
    """The query encoder of a MoCo v2 checkpoint, with its MLP head.

    state: by MoCo's names. `module.`, of DistributedDataParallel, is dropped where all names have
    it. Where some begin with `encoder_q.`, those are the network, and `encoder_k.…`, `queue` and
    `queue_ptr` are left alone; else all names are the network's. What is left are torchvision's
    names, with `fc.0` and `fc.2` in the place of `fc`. Sizes of the head are the file's.

    Raises CheckpointError that names the first tensor that is missing, unexpected or of another
    shape, by the file's own name; `what` is what does not fit.
    """
    prefix = "module." if state and all(name.startswith("module.") for name in state) else ""
    if any(name.startswith(f"{prefix}encoder_q.") for name in state):
        spare = tuple(prefix + name for name in ("encoder_k.", "queue"))
        state = {name: value for name, value in state.items() if not name.startswith(spare)}
        prefix += "encoder_q."
    return _embedder(state, what, network, get("real"), channels, (prefix, f"{prefix}fc."))


def _of_run(
    path: Path, network: str | None
) -> tuple[Embedder, tuple[int, int, int], Normalization]:
    """A run's embedder, (H, W, C) of its images, and their normalisation."""
    state, folder = read_state(path), RunFolder(path)
    recipe = folder.recipe()
    assert recipe is not None  # or there would be no state
    if network is not None and recipe.network != network:
        raise CheckpointError(
            f"teacher {path} is a {recipe.network}, but its network has to be {network}"
        )
    try:
        own = Preprocessing.from_json(folder.facts()["preprocessing"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}/run.json: bad or missing {error}") from error
    # The momentum encoder and its queue have served.
    state = {name: value for name, value in state.items() if name.startswith("embedder.")}
    method = make_method(recipe.method)
    size = own.input_size
    embedder = _embedder(state, f"teacher {path}", recipe.network, method, size[2], _RUN)
    return embedder, size, (own.mean, own.std)


def _embedder(
    state: Mapping[str, Tensor],
    what: str,
    network: str,
    method: Method,
    channels: int,
    prefixes: tuple[str, str],
) -> Embedder:
    """`prefixes` are what names of the network and of the head begin with in `state`."""
    backbone_prefix, head_prefix = prefixes
    first, second = (state.get(f"{head_prefix}{layer}.weight") for layer in (0, 2))
    if first is None or second is None or first.dim() != 2 or second.dim() != 2:
        raise CheckpointError(
            f"{what} does not fit: it needs the matrices {head_prefix}0.weight and "
            f"{head_prefix}2.weight of a head of two linear layers, as MoCo v2 and a run of "
            "pre-training have it"
        )
    backbone = build_backbone(network, method, channels)
    head = ProjectionHead(backbone.width, first.shape[0], second.shape[0])
    embedder = Embedder(backbone, head)

    def called(name: str) -> str:
        if name.startswith("head."):
            return head_prefix + name.removeprefix("head.")
        return backbone_prefix + name.removeprefix("backbone.network.")

    load_state(embedder, state, what, called=called)
    return embedder
