"""What torch prints, logs and warns of while it follows a model, kept from the user.

What the model itself prints stays, and so do logs that TORCH_LOGS asks for.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from signbit.compiler.exporting.places import is_the_models

__all__ = ["quiet_torch"]


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Inside it torch's own code writes nothing to stderr, and its warnings are not shown."""
    if os.environ.get("TORCH_LOGS"):
        yield
        return
    handlers = {
        handler
        for name in ("torch", *logging.root.manager.loggerDict)
        if name.partition(".")[0] == "torch"
        for handler in logging.getLogger(name).handlers
    }
    stderr = sys.stderr
    with warnings.catch_warnings():
        # Also where warnings are errors: torch's own, some of which it runs into when it pickles.
        warnings.filterwarnings("ignore", module=r"torch\.|copyreg$")
        show = warnings.showwarning

        def show_others(message: Any, category: Any, filename: str, *rest: Any) -> None:
            if is_the_models(filename):
                show(message, category, filename, *rest)

        for handler in handlers:
            handler.addFilter(_nothing)
        sys.stderr = _WithoutTorch(stderr)
        warnings.showwarning = show_others  # type: ignore[assignment]
        try:
            yield
        finally:
            sys.stderr = stderr
            for handler in handlers:
                handler.removeFilter(_nothing)


def _nothing(record: logging.LogRecord) -> bool:
    return False


class _WithoutTorch:
    """A stream that leaves out what torch's own modules write to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text unless a function of torch's calls."""
        if str(sys._getframe(1).f_globals.get("__name__")).partition(".")[0] == "torch":
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
