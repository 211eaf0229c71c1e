"""C sources of one compiled network: constants in flash, no heap, the engine's bits.

The operations are in `ops`, one file for each family, and the steps in steps.py; each is the
translation of its function in `signbit.runtime.reference`. fragments/ has what they call.
"""

from signbit.targets.c.project import Project, generate, write

__all__ = ["Project", "generate", "write"]
