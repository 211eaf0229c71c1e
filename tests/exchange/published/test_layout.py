from signbit.exchange.published.layout import Published

PUBLISHED = Published(
    source="a test",
    recipe="bnn-digits",
    modules={"stem.0": "conv1", "stages.1": "layer2", "stages.1.conv": "layer2.binary"},
    parameters={"activation.alpha": "a.alpha_a"},
)


def test_the_longest_module_counts() -> None:
    assert PUBLISHED.their_name("stages.1.conv.weight") == "layer2.binary.weight"
    assert PUBLISHED.their_name("stages.1.norm.bias") == "layer2.norm.bias"
    assert PUBLISHED.their_name("stages.10.norm.bias") == "stages.10.norm.bias"


def test_parameters_are_renamed_inside_such_modules_alone() -> None:
    assert PUBLISHED.their_name("stages.1.conv.activation.alpha") == "layer2.binary.a.alpha_a"
    assert PUBLISHED.their_name("other.activation.alpha") == "other.activation.alpha"


def test_without_a_table_names_are_the_same() -> None:
    same = Published(source="a test", recipe="bnn-digits")
    for name in ("conv1.weight", "layer1.0.bn1.running_mean", "weight"):
        assert same.their_name(name) == name
