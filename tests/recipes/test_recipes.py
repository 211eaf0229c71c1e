import pytest

from signbit import methods, models, recipes
from signbit.training.recipe_sections import Adam, Sgd

PUBLISHED = {
    "sdbnn-resnet20-cifar10": (500, 0.11, "86.9 %"),
    "sdbnn-vgg-small-cifar10": (400, 0.08, "90.8 %"),
}


def test_the_shelf() -> None:
    assert recipes.names() == [
        "adabin-resnet20-cifar10",
        "bireal-resnet18-cifar10",
        "bnn-digits",
        "bnn-resnet20-cifar10",
        "bnn-vgg-small-cifar10",
        "real-resnet18-imagenet",
        "real-resnet20-cifar10",
        "sdbnn-digits",
        "sdbnn-resnet20-cifar10",
        "sdbnn-vgg-small-cifar10",
    ]


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_builds_and_says_where_it_comes_from(name: str) -> None:
    recipe = recipes.load(name)
    method = methods.get(recipe.method.name, **recipe.method.params)
    channels = len(recipe.data.mean)
    models.build(recipe.network, method, classes=10, channels=channels)
    header = [line for line in recipes.text(name).splitlines() if line.startswith("#")]
    assert len(header) >= 3
    assert "20" in "".join(header)  # the paper's year
    assert "\n" not in recipe.description
    assert len(recipe.description) < 80


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_sdbnn_on_cifar10_is_as_published(name: str) -> None:
    epochs, lr, top1 = PUBLISHED[name]
    recipe = recipes.load(name)
    assert recipe.optimizer == Sgd(name="sgd", lr=lr, momentum=0.9, weight_decay=1e-4)
    assert (recipe.epochs, recipe.batch_size, recipe.schedule) == (epochs, 128, "cosine")
    assert top1 in recipes.text(name)
    assert recipe.method.params["t_min"] == (0.1 if "vgg" in name else 1e-3)


@pytest.mark.parametrize("name", [name for name in recipes.names() if "cifar10" in name])
def test_cifar10_recipes_prepare_images_as_published(name: str) -> None:
    data = recipes.load(name).data
    assert data.mean == (0.485, 0.456, 0.406)
    assert data.std == (0.229, 0.224, 0.225)
    assert (data.augment.flip, data.augment.crop_padding) == (True, 4)


@pytest.mark.parametrize(
    "name", [name for name in recipes.names() if not name.startswith(("adabin", "sdbnn", "real"))]
)
def test_recipes_without_a_published_figure_say_what_is_ours(name: str) -> None:
    recipe = recipes.load(name)
    assert isinstance(recipe.optimizer, Adam)
    assert "ours" in recipes.text(name)
