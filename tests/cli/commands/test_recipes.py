from __future__ import annotations

import yaml
from tests.cli.conftest import Cli


def test_lists_what_ships(cli: Cli) -> None:
    listed = cli("recipes")
    assert listed.code == 0
    assert "sdbnn-resnet20-cifar10" in listed.out
    assert "86.9 %" in listed.out  # the published figure
    figures = cli("recipes", "--json").figures
    networks = {each["recipe"]: each["values"]["network"] for each in figures["recipes"]}
    assert networks["sdbnn-digits"] == "digits"


def test_prints_one_as_yaml_that_loads(cli: Cli) -> None:
    shown = cli("recipes", "sdbnn-digits")
    assert shown.code == 0
    values = yaml.safe_load(shown.out)
    figures = cli("recipes", "sdbnn-digits", "--json").figures
    assert figures["recipe"] == "sdbnn-digits"
    assert figures["values"]["epochs"] == values["epochs"]


def test_an_unknown_name_gets_the_nearest(cli: Cli) -> None:
    assert "sdbnn-digits" in cli("recipes", "sdbn-digits").mistake
