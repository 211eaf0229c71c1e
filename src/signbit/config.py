"""What a user has set for all commands, in `~/.config/signbit.toml`: cache, threads, data.

docs/configuration.md describes the file. Nothing of it changes what a network computes.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signbit.errors import ConfigError

__all__ = ["Config", "config_path", "read_config"]

MAX_THREADS = 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_KEYS = ("cache", "threads", "data")


@dataclass(frozen=True)
class Config:
    """The values of a file; None, or nothing, where it does not say.

    `threads`: the most of the engine in commands. `data`: folders by the name that `--data` takes.
    """

    path: Path | None = None
    """The file; None where there is none."""
    cache: Path | None = None
    threads: int | None = None
    data: Mapping[str, Path] = field(default_factory=dict)


def config_path() -> Path:
    """$SIGNBIT_CONFIG, or signbit.toml in $XDG_CONFIG_HOME or ~/.config; it may not be there."""
    if named := os.environ.get("SIGNBIT_CONFIG"):
        return Path(named).expanduser()
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    # A path that is not absolute is no folder, as the XDG specification says.
    return Path(folder if os.path.isabs(folder) else "~/.config").expanduser() / "signbit.toml"


def read_config() -> Config:
    """The user's configuration as it is now.

    Raises ConfigError, with the file and the line, for what is no TOML, an unknown key or a wrong
    value, and where SIGNBIT_CONFIG names no file.
    """
    path = config_path()
    try:
        text = path.read_text("utf-8")
        values = tomllib.loads(text)
    except FileNotFoundError:
        if os.environ.get("SIGNBIT_CONFIG"):
            raise ConfigError(f"{path}: no such file, which SIGNBIT_CONFIG names") from None
        return Config()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # also of bytes that are no UTF-8
        raise ConfigError(f"{path}: is no TOML: {error}") from error
    return _Reader(path, text).config(values)


@dataclass(frozen=True)
class _Reader:
    """Reads values, and says where in the text a wrong one stands."""

    path: Path
    text: str

    def config(self, values: dict[str, Any]) -> Config:
        for key in values:
            if key not in _KEYS:
                raise self._wrong(key, f"unknown key; the keys are {', '.join(_KEYS)}")
        cache, threads, data = (values.get(key) for key in _KEYS)
        if threads is not None and (type(threads) is not int or not 1 <= threads <= MAX_THREADS):
            raise self._wrong("threads", f"must be a whole number, 1 to {MAX_THREADS}")
        if data is not None and not isinstance(data, dict):
            raise self._wrong("data", 'must be a table, such as [data] and below it photos = "/a"')
        folders = {}
        for name, folder in (data or {}).items():
            if not _NAME.fullmatch(name):
                raise self._wrong(name, "a name of data is of letters, digits, - and _")
            folders[name] = self._folder(name, folder)
        kept = None if cache is None else self._folder("cache", cache)
        return Config(self.path, kept, threads, folders)

    def _folder(self, key: str, value: object) -> Path:
        """A path; one that is not absolute lies beside the file."""
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise self._wrong(key, 'must be a folder in quotes, such as "/big/disk"')
        return self.path.parent.absolute() / Path(value).expanduser()

    def _wrong(self, key: str, why: str) -> ConfigError:
        quoted = re.escape(key)
        found = re.search(
            rf"""^[ \t\[]*(?:data\.)?["']?{quoted}["']?[ \t]*[=\].]""", self.text, re.M
        )
        line = f", line {self.text.count(chr(10), 0, found.start()) + 1}" if found else ""
        return ConfigError(f"{self.path}{line}: {key}: {why}")
