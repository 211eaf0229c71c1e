"""Joining the processes of one training, and what is said when one of them is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, gather

from signbit.errors import CheckpointError, LostProcessError, RecipeError

__all__ = ["TIMEOUT", "join", "lost_process_named", "require_agreement", "require_images"]

TIMEOUT = timedelta(minutes=10)
"""How long a process waits for one that is silent but not closed: a frozen or unplugged machine.

A process that dies closes its connections, which the others notice at once.
"""


def join() -> Accelerator:
    """This process's Accelerator; with others where torchrun or `accelerate launch` started it."""
    return Accelerator(
        mixed_precision="no",
        # Accelerate joins processes on CPUs only where it is told that these are CPUs.
        cpu=not torch.accelerator.is_available(),
        kwargs_handlers=[InitProcessGroupKwargs(timeout=TIMEOUT)],
    )


def require_agreement(
    accelerator: Accelerator,
    folder: Path,
    epochs: int,
    train_digest: str,
    teacher_digest: str = "0",
) -> None:
    """Raise CheckpointError where a process sees another number of finished epochs or other inputs.

    That is how several machines without common storage start. The digests, of the training images
    and of the teacher, are hexadecimal.
    """
    digests = [int(digest[:15], 16) for digest in (train_digest, teacher_digest)]
    own = torch.tensor([[epochs, *digests]], device=accelerator.device)
    everyone = gather(own)
    for rank, (their_epochs, images, teacher) in enumerate(everyone.tolist()):
        if their_epochs != int(everyone[0, 0]):
            raise CheckpointError(
                f"{folder}: process 0 sees {int(everyone[0, 0])} finished epochs, process {rank} "
                f"sees {their_epochs}; put the folder where every machine reaches it"
            )
        for what, digest, first in (
            ("training images", images, int(everyone[0, 1])),
            ("teachers", teacher, int(everyone[0, 2])),
        ):
            if digest != first:
                raise CheckpointError(
                    f"{folder}: processes 0 and {rank} have different {what}; give every machine "
                    "the same data"
                )


def require_images(accelerator: Accelerator, images: int, batch_size: int) -> None:
    """Raise RecipeError where a step has too few images for each process to get one."""
    steps = -(-images // batch_size)
    if images // steps < accelerator.num_processes:
        raise RecipeError(
            f"batch_size={batch_size} leaves no image for some of {accelerator.num_processes} "
            "processes; raise it, or start fewer"
        )


@contextmanager
def lost_process_named(folder: Path) -> Iterator[None]:
    """Turn the backend's errors about a peer into one LostProcessError that says what to do."""
    try:
        yield
    except RuntimeError as error:
        # NCCL and the store have exception types of their own; gloo has only its source's path.
        if not isinstance(error, dist.DistError) and "gloo/transport" not in str(error):
            raise
        raise LostProcessError(
            f"{folder}: another process of this training was killed, failed or stopped answering; "
            "the same command, with as many processes or fewer, goes on from the last finished "
            "epoch"
        ) from error
