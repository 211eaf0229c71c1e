"""`signbit config`: what holds for all commands, and who says so."""

from __future__ import annotations

import os

from signbit.cli import console
from signbit.cli.arguments import Json

__all__ = ["config"]


def config(json: Json = False) -> None:
    """Show what is set for all commands, and by what: a file, the environment, or nobody.

    The file is ~/.config/signbit.toml, or what SIGNBIT_CONFIG names. It may set cache, a folder;
    threads, the most of the engine; and in a table data, folders by names that --data takes.

    Example: [bold]signbit config --json[/]
    """
    from signbit.config import config_path, read_config
    from signbit.data.loading.cache import cache_folder

    found = read_config()
    file = str(found.path or config_path())
    by_variable = "SIGNBIT_CACHE" if os.environ.get("SIGNBIT_CACHE") else None
    rows = [
        ("cache", str(cache_folder()), by_variable or (file if found.cache else "default")),
        (
            "threads",
            str(found.threads or "the CPUs that it may use"),
            file if found.threads else "default",
        ),
        *((f"data.{name}", str(folder), file) for name, folder in found.data.items()),
    ]
    figures = {
        "config": None if found.path is None else file,
        "settings": [
            {"name": name, "set_to": value, "set_by": origin} for name, value, origin in rows
        ],
    }
    table = console.table("settings", ["name", "is", "set by"], rows, words=(0, 1, 2))
    console.publish(figures, [table], as_json=json)
    if found.path is None:
        console.say(f"{file}: is not there; docs/configuration.md says what it may hold")
