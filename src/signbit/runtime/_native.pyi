from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[np.generic]
_Sizes = tuple[int, int]

class _Node(TypedDict):
    op: str
    kernel: str
    bytes: int
    macs: int
    dots: tuple[int, int, int]

class _Size(TypedDict):
    constants: tuple[float, float]
    arena: tuple[float, float]
    scratch: tuple[float, float]
    operations: float

def usable_isas() -> list[str]: ...
def available_threads() -> int: ...
def check_model(data: bytes, input_size: _Sizes | None = None) -> None: ...

class Model:
    @staticmethod
    def load(
        data: bytes,
        threads: int,
        isa: str,
        input_size: _Sizes = (0, 0),
        limits: tuple[int, int] = (0, 0),
        share_all: bool = False,
        fuse: bool = True,
    ) -> Model: ...
    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def graph_json(self) -> str: ...
    @property
    def tensors(self) -> list[tuple[str, tuple[int, int, int]]]: ...
    @property
    def confidences(self) -> list[tuple[float, float]]: ...
    @property
    def nodes(self) -> list[_Node]: ...
    @property
    def size(self) -> _Size: ...
    @property
    def most_samples(self) -> int: ...
    def check_batch(self, count: int, /) -> None: ...
    def run(self, count: int, inputs: list[_Array], outputs: list[_Array], /) -> None: ...
    def run_single(self, count: int, input: _Array, output: _Array, /) -> None: ...
    def run_nodes(
        self,
        count: int,
        feeds: list[tuple[int, _Array]],
        fetches: list[tuple[int, _Array]],
        /,
    ) -> None: ...
    def time_nodes(
        self, count: int, inputs: list[_Array], runs: int, /
    ) -> list[tuple[float, float, int]]: ...

class training:  # noqa: N801  (a submodule)
    """Arrays are anything with DLPack: NumPy's, PyTorch's; sizes are pairs, vertical first."""

    class SignConv:
        def __init__(
            self,
            size: _Sizes,
            channels: _Sizes,
            kernel: _Sizes,
            stride: _Sizes,
            padding: _Sizes,
            dilation: _Sizes,
            groups: int,
        ) -> None: ...
        @property
        def sign_bytes(self) -> int: ...
        @property
        def out_size(self) -> _Sizes: ...
        def run(
            self,
            weights: Any,
            x: Any,
            shift: Any | None,
            divisor: float,
            scale: Any | None,
            offset: Any | None,
            border: Any | None,
            signs: Any,
            dots: Any,
            threads: int,
        ) -> None: ...

    class LayerInput:
        def __init__(self, x: Any, shift: Any | None, signs: Any, weights: Any) -> None: ...

    class LayerGradients:
        def __init__(
            self, of_x: Any, of_shift: Any | None, products: Any | None, of_weights: Any
        ) -> None: ...

    class ConvBackward:
        def __init__(
            self,
            size: _Sizes,
            channels: _Sizes,
            kernel: _Sizes,
            stride: _Sizes,
            padding: _Sizes,
            bfloat16: bool,
        ) -> None: ...
        def run(
            self,
            of_dots: Any,
            input: training.LayerInput,
            kind: int,
            t: float,
            k: float,
            divisor: float,
            gradients: training.LayerGradients,
            threads: int,
        ) -> None: ...

    class UnitInput:
        def __init__(
            self,
            x: Any,
            shift: Any | None,
            weights: Any,
            weight_scale: Any | None,
            gamma: Any,
            beta: Any,
            shortcut: Any | None,
            add_input: bool,
            clip: bool,
            eps: float,
        ) -> None: ...

    class UnitGradients:
        def __init__(
            self,
            y: Any | None,
            of_y: Any,
            of_x: Any,
            of_shift: Any | None,
            of_weights: Any,
            of_gamma: Any,
            of_beta: Any,
            of_shortcut: Any | None,
        ) -> None: ...

    class BinaryUnit:
        def __init__(
            self,
            size: _Sizes,
            channels: _Sizes,
            kernel: _Sizes,
            stride: _Sizes,
            padding: _Sizes,
            pool: int,
            bfloat16: bool,
        ) -> None: ...
        @property
        def out_size(self) -> _Sizes: ...
        def forward(
            self,
            input: training.UnitInput,
            y: Any,
            statistics: Any,
            mean: Any,
            variance: Any,
            momentum: float,
            threads: int,
            join: Callable[[], object] | None,
        ) -> None: ...
        def backward(
            self,
            input: training.UnitInput,
            statistics: Any,
            kind: int,
            t: float,
            k: float,
            gradients: training.UnitGradients,
            threads: int,
            sums: Any,
            join: Callable[[], object] | None,
        ) -> None: ...

    @staticmethod
    def rprelu(x: Any, before: Any, slope: Any, after: Any, y: Any, threads: int) -> None: ...
    @staticmethod
    def rprelu_gradients(
        x: Any,
        gradient: Any,
        before: Any,
        slope: Any,
        of_x: Any,
        of_parameters: Any,
        threads: int,
    ) -> None: ...
    class DepthwiseInput:
        def __init__(
            self,
            x: Any,
            shift: Any | None,
            divisor: float,
            weights: Any,
            stride: _Sizes,
            padding: _Sizes,
            dilation: _Sizes,
        ) -> None: ...

    @staticmethod
    def depthwise(
        input: training.DepthwiseInput, scale: Any | None, border: Any | None, y: Any, threads: int
    ) -> None: ...
    @staticmethod
    def depthwise_gradients(
        input: training.DepthwiseInput,
        kind: int,
        t: float,
        k: float,
        of_y: Any,
        of_x: Any,
        of_shift: Any | None,
        products: Any | None,
        of_weights: Any,
        threads: int,
    ) -> None: ...
    @staticmethod
    def batch_norm(
        x: Any,
        gamma: Any,
        beta: Any,
        eps: float,
        shortcut: Any | None,
        clip: bool,
        y: Any,
        statistics: Any,
        mean: Any,
        variance: Any,
        momentum: float,
        threads: int,
        join: Callable[[], object] | None,
    ) -> None: ...
    @staticmethod
    def batch_norm_gradients(
        x: Any,
        gamma: Any,
        beta: Any,
        eps: float,
        statistics: Any,
        y: Any | None,
        of_y: Any,
        of_x: Any,
        of_shortcut: Any | None,
        of_gamma: Any,
        of_beta: Any,
        sums: Any,
        threads: int,
        join: Callable[[], object] | None,
    ) -> None: ...
    @staticmethod
    def maxout(x: Any, negative: Any, positive: Any, y: Any, threads: int) -> None: ...
    @staticmethod
    def maxout_gradients(
        x: Any,
        gradient: Any,
        negative: Any,
        positive: Any,
        of_x: Any,
        of_parameters: Any,
        threads: int,
    ) -> None: ...
    @staticmethod
    def times_map_gradients(
        y: Any, map: Any, gradient: Any, of_y: Any, of_map: Any, threads: int
    ) -> None: ...
    @staticmethod
    def add_by_sign(x: Any, addend: Any, sum: Any, threads: int) -> None: ...
    @staticmethod
    def meet(places: Any, rank: int, round: int, bytes: int, seconds: float) -> bool: ...
    @staticmethod
    def are_signs(values: Any) -> bool: ...
    @staticmethod
    def add_by_channel(addend: Any, sum: Any, threads: int) -> None: ...
    @staticmethod
    def surrogate_gradient(
        kind: int,
        t: float,
        k: float,
        divisor: float,
        x: Any,
        shift: Any | None,
        gradient: Any,
        sums: Any | None,
        products: Any | None,
        threads: int,
    ) -> None: ...
