"""Several checks, each of which may refuse: all that they refuse is raised at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from signbit.errors import CompileError, Refusal

__all__ = ["Collected"]


class Collected:
    """`with` it the CompileError of a check is kept, and what follows goes on."""

    def __init__(self) -> None:
        self.refused: list[Refusal] = []

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, CompileError):
            return False
        self.keep(error)
        return True

    def keep(self, error: CompileError) -> None:
        """Keep all that was refused."""
        self.refused += error.refusals

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """`with` it the same, but for what is refused where something else was before."""
        known = {each.place for each in self.refused}
        try:
            yield
        except CompileError as error:
            self.refused += [each for each in error.refusals if each.place not in known]

    def require_none(self) -> None:
        """Raise CompileError with all that was kept."""
        if self.refused:
            raise CompileError(*self.refused)
