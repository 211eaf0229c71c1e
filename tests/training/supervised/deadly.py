"""What a decoding process unpickles. It imports this module, so that it should need little."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signbit.data.loading.readers import Read


@dataclass
class DieAtLast:
    """Kills the process that reads an image, if it is not `main` and the run has begun."""

    read: Read
    main: int
    run: Path

    def __call__(self, index: int) -> NDArray[np.uint8]:
        if os.getpid() != self.main and (self.run / "recipe.yaml").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return self.read(index)
