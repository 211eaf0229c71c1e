"""How a published file is to be read: its recipe, its classes, and its names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from signbit.exchange.imported import ImportedGraph
from signbit.exchange.published.keras import KerasLayers

__all__ = ["Published", "PublishedGraph"]


@dataclass(frozen=True)
class Published:
    """One published network, or several whose files have the same names."""

    source: str
    """Who publishes the network, and under which name."""
    recipe: str
    """The shipped recipe that says network, method and preprocessing."""
    overrides: tuple[str, ...] = ()
    """What differs from that recipe, such as network=real-resnet56."""
    class_names: tuple[str, ...] | None = None
    """Class names in the order of the scores; None: those of the images given on import."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """Path of a module here -> its path in the file; those inside keep the rest of their path."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Path of a parameter inside such a module -> its path in the file's module."""
    keras: KerasLayers | None = None
    """What Keras calls the layers, of files that it wrote."""

    def their_name(self, name: str) -> str:
        """What the file calls the tensor that is called `name` here.

        The longest path of `modules` that the name begins with counts; names that begin with none
        are the same in the file.
        """
        parts = name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            module, rest = ".".join(parts[:length]), ".".join(parts[length:])
            if module in self.modules:
                return f"{self.modules[module]}.{self.parameters.get(rest, rest)}"
        return name


@dataclass(frozen=True)
class PublishedGraph:
    """One published network that has no class here: a reader makes a graph of its file."""

    source: str
    """Who publishes the network, and under which name."""
    read: Callable[[Path], ImportedGraph]
    """Reads the file. It may raise CheckpointError and CompileError."""
    data: str
    """The images that it was trained with, as --data names them."""
    class_names: tuple[str, ...]
    """In the order of the scores."""
