"""What every section of a recipe is: data without unknown keys, and numbers that are no bools."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

__all__ = ["Number", "Section", "Whole", "no_bool"]


def no_bool(value: Any) -> Any:
    """`value`, unless it is a bool, which would be read as 0 or 1. Raises ValueError then."""
    if isinstance(value, bool):
        raise ValueError("a number is needed, not true or false")
    return value


Whole = Annotated[int, BeforeValidator(no_bool)]
Number = Annotated[float, BeforeValidator(no_bool)]


class Section(BaseModel):
    """Base of a recipe and its sections: no unknown keys, no infinities, nothing that changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
