"""The reference engine: every operation and step in NumPy, slow and obvious, the native engine's
oracle. What each computes is in `ops` and `steps`, one function per row of the table.
"""

from signbit.runtime.reference.engine import DOTS, ReferenceEngine

__all__ = ["DOTS", "ReferenceEngine"]
