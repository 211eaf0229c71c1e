"""The list of commands, and how the command line's own mistakes reach the entry point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

import signbit
from signbit.cli.commands.bench import bench
from signbit.cli.commands.compare import compare
from signbit.cli.commands.compile import compile_
from signbit.cli.commands.config import config
from signbit.cli.commands.curves import curves
from signbit.cli.commands.demo import demo
from signbit.cli.commands.evaluate import evaluate
from signbit.cli.commands.export_c import export_c
from signbit.cli.commands.export_onnx import export_onnx
from signbit.cli.commands.export_web import export_web
from signbit.cli.commands.finetune import finetune
from signbit.cli.commands.import_ import import_
from signbit.cli.commands.inspect import inspect
from signbit.cli.commands.predict import predict
from signbit.cli.commands.pretrain import pretrain
from signbit.cli.commands.probe import probe
from signbit.cli.commands.publish import publish
from signbit.cli.commands.recipes import recipes
from signbit.cli.commands.report import report
from signbit.cli.commands.train import train
from signbit.cli.every_command import Command, Group, as_command
from signbit.errors import UsageError

__all__ = ["DAY", "EXPORT", "app", "export", "invoke"]

app = typer.Typer(
    cls=Group,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print("signbit", signbit.__version__)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _signbit(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train neural networks in one bit, and run them as one bit: XNOR and popcount.

    Images → [bold]train[/] → run folder → [bold]compile[/] → model.sbnn → [bold]predict[/].
    [bold]signbit demo --out runs/demo[/] does all of it in under a minute.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


DAY: dict[str, dict[str, Callable[..., None]]] = {
    "Begin": {"demo": demo, "recipes": recipes, "config": config},
    "Train": {"train": train, "pretrain": pretrain, "finetune": finetune, "import": import_},
    "Measure": {
        "evaluate": evaluate,
        "probe": probe,
        "compare": compare,
        "curves": curves,
        "report": report,
        "publish": publish,
    },
    "Compile and run": {
        "compile": compile_,
        "inspect": inspect,
        "predict": predict,
        "bench": bench,
    },
}
"""The commands in the order of a user's day."""

EXPORT: dict[str, Callable[..., None]] = {
    "c": export_c,
    "web": export_web,
    "onnx": export_onnx,
}
"""What `signbit export` writes, by where it goes."""

for panel, commands in DAY.items():
    for name, command in commands.items():
        app.command(name, cls=Command, rich_help_panel=panel)(as_command(command))

export = typer.Typer(cls=Group, rich_markup_mode="rich")
for name, command in EXPORT.items():
    export.command(name, cls=Command)(as_command(command))
app.add_typer(
    export,
    name="export",
    help="Write a network for where signbit is not: microcontrollers, browsers, ONNX.",
    rich_help_panel="Compile and run",
)


def invoke(arguments: list[str]) -> int:
    """Run one command line and return its exit code.

    Raises UsageError where the line itself is wrong, KeyboardInterrupt where Ctrl-C ended it, and
    whatever the command raises.
    """
    try:
        code = app(arguments, prog_name="signbit", standalone_mode=False)
    except typer.TyperException as error:
        words = ["signbit", *_command_of(arguments), "--help"]
        raise UsageError(f"{error.format_message()} (see: {' '.join(words)})") from error
    if code == 130:  # typer turns Ctrl-C into this exit code
        raise KeyboardInterrupt
    return code or 0


def _command_of(arguments: list[str]) -> list[str]:
    """The words that name a command, as far as they do."""
    first, second = [*arguments, "", ""][:2]
    if first == "export":
        return [first, second] if second in EXPORT else [first]
    return [first] if any(first in commands for commands in DAY.values()) else []
