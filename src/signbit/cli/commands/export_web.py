"""`signbit export web`: a compiled network becomes a package and a page for browsers."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Json, Model, folder_to_write

__all__ = ["export_web"]


def export_web(
    model: Model,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="SITE", parser=folder_to_write, help="The folder to write."
        ),
    ],
    example: Annotated[
        Path | None,
        typer.Option(
            metavar="PHOTO", exists=True, dir_okay=False, help="A photo that the page begins with."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files of an earlier package there.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a folder that runs the network in a browser, with the engine's bits.

    It holds a page, a JavaScript module with types, the engine as WebAssembly, and the network. Any
    web server can serve it, and a bundler takes it as it is; nothing is loaded from elsewhere.

    Example: [bold]signbit export web model.sbnn -o site[/]
    """
    from signbit.targets.folders import require_free, write_folder
    from signbit.targets.web import web_package

    require_free(out, overwrite=overwrite)
    files = web_package(model.read_bytes(), model.stem, example)
    write_folder(out, files, overwrite=overwrite)
    size = sum(map(len, files.values()))
    download = sum(
        len(gzip.compress(files[name]))
        for name in files
        if name == "signbit.wasm" or ("/" not in name and name.endswith(".js"))
    )
    figures = {
        "model": str(model),
        "site": str(out),
        "files": sorted(files),
        "package_bytes": size,
        "runtime_bytes": download,
    }
    said = (
        f"{out}: {len(files)} files, {console.compact(size, 'B')}; a browser loads "
        f"{console.compact(download, 'B')} of engine, compressed, and the network's "
        f"{console.compact(len(files['model.sbnn']), 'B')}"
    )
    console.publish(figures, [said], as_json=json)
    console.say(f"next: {console.shell('python', '-m', 'http.server', '--directory', out)}")
    console.say("and open http://localhost:8000")
