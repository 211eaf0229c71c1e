"""Keras' files of Larq Zoo's networks: the answers are Keras', and what does not fit is named."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from signbit import methods, models
from signbit.errors import CheckpointError
from signbit.exchange import published
from signbit.exchange.published.keras import KerasLayers, read_keras
from signbit.models.quicknet import BlurPool
from signbit.nn.layers import BinaryConv2d

h5py = pytest.importorskip("h5py")

LARQ = Path(os.environ.get("SIGNBIT_LARQ_ZOO", ".venv/larq-zoo/bin/python"))
"""Python with Larq Zoo, which `make interop` installs."""

LAYERS = KerasLayers("quant_conv2d", "quant_depthwise_conv2d", "quant_dense", epsilons={"0": 1e-3})


class Small(nn.Sequential):
    """A layer of each kind."""

    def __init__(self) -> None:
        super().__init__(
            nn.BatchNorm2d(3),
            nn.Conv2d(3, 4, 3, bias=False),
            nn.Conv2d(4, 4, 3, groups=4, bias=False),
            BlurPool(4),
            BinaryConv2d(4, 6, 3),
            nn.BatchNorm2d(6, affine=False),
            nn.Linear(6, 2),
        )


def write(
    file: Path, network: nn.Module, change: Callable[[Any], None] = lambda held: None
) -> Path:
    """A file as Keras lays it out, numbers from 10 on; change: of the open file."""
    random = np.random.default_rng(0)
    counts: dict[str, int] = {}
    with h5py.File(file, "w") as held:
        names = []
        for layer in network:
            kind = LAYERS.kind_of(layer)
            number = counts[kind] = counts.get(kind, 9) + 1
            name = f"{kind}_{number}"
            names.append(name.encode())
            group = held.create_group(name)
            tensors: dict[str, Any] = {}
            if isinstance(layer, nn.BatchNorm2d):
                parts = ("gamma", "beta") if layer.affine else ()
                for part in (*parts, "moving_mean", "moving_variance"):
                    tensors[part] = random.random(layer.num_features)
            elif isinstance(layer, nn.Linear):
                tensors = {"kernel": random.normal(size=(6, 2)), "bias": random.normal(size=2)}
            elif isinstance(layer, BlurPool):
                tensors["depthwise_kernel"] = layer.filters.permute(2, 3, 0, 1).numpy()
            else:
                out, channels, *size = layer.weight.shape
                deep = kind == "quant_depthwise_conv2d"
                shape = (*size, out, 1) if deep else (*size, channels, out)
                tensors["depthwise_kernel" if deep else "kernel"] = random.normal(size=shape)
            stored = [f"{name}/{part}:0" for part in tensors]
            group.attrs["weight_names"] = [each.encode() for each in stored]
            for each, value in zip(stored, tensors.values(), strict=True):
                group.create_dataset(each, data=np.float32(value))
        # Keras has them in an order of its own.
        held.attrs["layer_names"] = names[::-1]
        change(held)
    return file


def test_layers_are_found_by_kind_and_number(tmp_path: Path) -> None:
    network = Small()
    file = write(tmp_path / "a.h5", network)
    state = read_keras(file, network, LAYERS, "a.h5")
    with h5py.File(file) as held:
        first = held["batch_normalization_10/batch_normalization_10"]
        assert torch.equal(state["0.weight"], torch.tensor(first["gamma:0"][()]))
        # Keras adds 0.001 to this variance and PyTorch 0.00001.
        variance = state["0.running_var"] + network[0].eps
        np.testing.assert_allclose(variance, first["moving_variance:0"][()] + 1e-3, rtol=1e-6)
        last = held["batch_normalization_11/batch_normalization_11"]
        assert torch.equal(state["5.running_var"], torch.tensor(last["moving_variance:0"][()]))
        kernel = held["quant_conv2d_11/quant_conv2d_11/kernel:0"][()]
        assert torch.equal(state["4.weight"], torch.tensor(kernel.transpose(3, 2, 0, 1)))
    assert not [name for name in state if name.startswith("3.")]
    network.load_state_dict(state, strict=False)


def names_of(held: Any) -> list[str]:
    return [str(name) for name in held.attrs["layer_names"]]


def _shape(held: Any) -> None:
    del held["quant_dense_10/quant_dense_10/kernel:0"]
    held["quant_dense_10/quant_dense_10/kernel:0"] = np.zeros((6, 3), np.float32)


def _huge(held: Any) -> None:
    del held["quant_dense_10/quant_dense_10/kernel:0"]
    group = held["quant_dense_10/quant_dense_10"]
    group.create_dataset("kernel:0", (1 << 40,), np.float32, chunks=(1 << 20,), fillvalue=1)


def _missing(held: Any) -> None:
    held.attrs["layer_names"] = [name for name in names_of(held) if "depth" not in name]


def _more(held: Any) -> None:
    held.copy("quant_dense_10", "quant_dense_11")
    held.attrs["layer_names"] = [*names_of(held), "quant_dense_11"]


def _link(held: Any) -> None:
    del held["quant_conv2d_10"]
    held["quant_conv2d_10"] = h5py.ExternalLink("/etc/passwd", "/")


def _elsewhere(held: Any) -> None:
    del held["quant_dense_10/quant_dense_10/bias:0"]
    layout = h5py.VirtualLayout((2,), np.float32)
    layout[:] = h5py.VirtualSource("/etc/passwd", "a", (2,))
    held["quant_dense_10"].create_virtual_dataset("quant_dense_10/bias:0", layout)


def _in_another_file(held: Any) -> None:
    del held["quant_dense_10/quant_dense_10/bias:0"]
    held["quant_dense_10"].create_dataset(
        "quant_dense_10/bias:0", (2,), np.float32, external=[("/etc/passwd", 0, 8)]
    )


def _in_huge_pieces(held: Any) -> None:
    del held["quant_dense_10/quant_dense_10/bias:0"]
    group = held["quant_dense_10/quant_dense_10"]
    more = {"maxshape": (None,), "chunks": (1 << 27,), "compression": "gzip"}
    group.create_dataset("bias:0", (2,), np.float32, **more)


def _text(held: Any) -> None:
    del held["quant_conv2d_10/quant_conv2d_10/kernel:0"]
    held["quant_conv2d_10/quant_conv2d_10/kernel:0"] = "a text"


def _group(held: Any) -> None:
    del held["quant_conv2d_10/quant_conv2d_10/kernel:0"]
    held.create_group("quant_conv2d_10/quant_conv2d_10/kernel:0")


def _blur(held: Any) -> None:
    held["depthwise_conv2d_10/depthwise_conv2d_10/depthwise_kernel:0"][0, 0, 0, 0] = 0.5


def _nan(held: Any) -> None:
    held["quant_dense_10/quant_dense_10/bias:0"][0] = np.nan


def _nameless(held: Any) -> None:
    del held.attrs["layer_names"]


CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "shape": (_shape, "quant_dense_10's kernel is 6×3 of float32 there, and 6×2 of floats"),
    "huge": (_huge, "quant_dense_10's kernel is 1099511627776 of float32"),
    "missing": (_missing, "it has no further quant_depthwise_conv2d for 2"),
    "more": (_more, "it has quant_dense_11, which is not in this network"),
    "link": (_link, "quant_conv2d_10 is a link to elsewhere"),
    "elsewhere": (_elsewhere, "quant_dense_10's bias is in another file"),
    "in another file": (_in_another_file, "quant_dense_10's bias is in another file"),
    "in huge pieces": (_in_huge_pieces, "stored in pieces of 134,217,728 values"),
    "text": (_text, "quant_conv2d_10's kernel is  of object there"),
    "group": (_group, "quant_conv2d_10 has no kernel"),
    "blur": (_blur, "depthwise_conv2d_10 blurs otherwise than 3"),
    "nan": (_nan, "quant_dense_10's bias holds NaN or infinity"),
    "nameless": (_nameless, "is no whole HDF5 file of Keras"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_does_not_fit_is_named(tmp_path: Path, name: str) -> None:
    change, said = CHANGES[name]
    file = write(tmp_path / "a.h5", Small(), change)
    with pytest.raises(CheckpointError, match=r"^a\.h5") as caught:
        read_keras(file, Small(), LAYERS, "a.h5")
    assert said in str(caught.value)


@pytest.mark.parametrize("kept", [0, 100, 2000, -1])
def test_files_that_are_cut_off(tmp_path: Path, kept: int) -> None:
    file = write(tmp_path / "a.h5", Small())
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"^a\.h5: is no whole HDF5 file of Keras"):
        read_keras(file, Small(), LAYERS, "a.h5")


def test_nothing_is_half_imported(tmp_path: Path) -> None:
    file = tmp_path / "a.h5"
    file.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(CheckpointError, match=r"a\.h5 as larq-quicknet: is no whole HDF5 file"):
        published.import_network("larq-quicknet", file, tmp_path / "run", data="digits")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.skipif(not LARQ.exists(), reason="no Larq Zoo here; `make interop` installs it")
@pytest.mark.parametrize(
    "name", ["larq-quicknet-small", "larq-quicknet", "larq-quicknet-large", "larq-resnet-e18"]
)
def test_the_answers_are_kerass(tmp_path: Path, name: str) -> None:
    script = Path(__file__).with_name("larq_files.py")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": ""}
    subprocess.run([LARQ, script, name, tmp_path], check=True, env=environment)
    entry = published.get(name)
    method = methods.get("resnet-e", clip=1.25)
    network = models.build(name, method, classes=10, channels=3)
    assert entry.keras is not None
    state = read_keras(tmp_path / f"{name}.h5", network, entry.keras, name)
    network.load_state_dict(state, strict=False)
    told = np.load(tmp_path / f"{name}.npz")
    with torch.no_grad():
        found = network.eval()(torch.tensor(told["images"].transpose(0, 3, 1, 2))).numpy()
    scale = np.abs(told["logits"]).max()
    np.testing.assert_allclose(found, told["logits"], atol=1e-4 * scale)
