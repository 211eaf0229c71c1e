from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[np.generic]

class _Node(TypedDict):
    name: str
    op: str
    kernel: str
    bytes: int
    macs: int
    dots: tuple[int, int, int]

def usable_isas() -> list[str]: ...

class Model:
    @staticmethod
    def open(path: bytes, threads: int, isa: str, /) -> Model: ...
    @staticmethod
    def load(data: bytes, threads: int, isa: str, /) -> Model: ...
    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def graph_json(self) -> str: ...
    @property
    def input(self) -> int: ...
    @property
    def output(self) -> int: ...
    @property
    def classes(self) -> list[str]: ...
    @property
    def source(self) -> dict[str, str]: ...
    @property
    def tensors(self) -> list[tuple[str, str, tuple[int, int, int]]]: ...
    @property
    def nodes(self) -> list[_Node]: ...
    def run(self, images: _Array, output: _Array, /) -> None: ...
    def run_nodes(
        self,
        count: int,
        feeds: Sequence[tuple[int, _Array]],
        fetches: Sequence[tuple[int, _Array]],
        /,
    ) -> None: ...
    def time_nodes(self, images: _Array | None, runs: int) -> list[tuple[float, float]]: ...
