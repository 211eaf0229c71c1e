"""Parameters that do nothing beside others, as methods declare them.

A recipe that gives such a parameter says something that does not happen, so it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

__all__ = ["Idle", "idle_parameters"]


class Idle(NamedTuple):
    """A parameter that does nothing where `other` has this value; without `other`, it never does.

    Its values in `but` are excepted: they have an effect.
    """

    parameter: str
    other: str = ""
    value: object = None
    but: tuple[object, ...] = ()


def idle_parameters(rules: Iterable[Idle], given: Mapping[str, object]) -> dict[str, list[str]]:
    """The parameters of `given` that do nothing, each with the others that take its effect."""
    idle: dict[str, list[str]] = {}
    for rule in rules:
        if rule.parameter not in given or given[rule.parameter] in rule.but:
            continue
        if not rule.other:
            idle.setdefault(rule.parameter, [])
        elif rule.other in given and given[rule.other] == rule.value:
            idle.setdefault(rule.parameter, []).append(rule.other)
    return {parameter: idle[parameter] for parameter in given if parameter in idle}
