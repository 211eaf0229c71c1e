import pytest
import torch

from signbit import models, recipes
from signbit.selfsup import build_backbone
from signbit.training.networks import make_method, network_of
from signbit.training.optimizer import make_optimizer
from signbit.training.recipe.augment import ResizedCrop
from signbit.training.recipe.parsing import single_runs
from signbit.training.recipe.sections import Adam, Bop, Sgd, Steps
from signbit.training.supervised.teacher import Teacher

WITHOUT_LABELS = [name for name in recipes.names() if recipes.load(name).selfsup is not None]
CIFAR10 = [name for name in recipes.names() if "cifar10" in name]
IMAGENET = [name for name in recipes.names() if "imagenet" in name]

# network: (published top-1, optimiser, epochs, batch)
PUBLISHED = {
    "adabin-resnet18-imagenet": (63.1, Sgd, 120, 256),
    "adabin-resnet18-imagenet-two-stage": (66.4, Adam, 256, 512),
    "adabin-resnet20-cifar10": (88.1, Sgd, 400, 128),
    "adabin-vgg-small-cifar10": (92.3, Sgd, 400, 128),
    "binary-densenet28-imagenet": (60.7, Adam, 120, 256),
    "bireal-resnet18-imagenet": (56.4, Adam, 256, 512),
    "bireal-resnet34-imagenet": (62.2, Adam, 256, 512),
    "bnext-tiny-imagenet": (72.4, Adam, 512, 512),
    "irnet-resnet18-cifar10": (91.5, Sgd, 400, 128),
    "irnet-resnet18-imagenet": (58.1, Sgd, 100, 256),
    "irnet-resnet20-cifar10": (86.5, Sgd, 400, 128),
    "irnet-vgg-small-cifar10": (90.4, Sgd, 300, 128),
    "meliusnet22-imagenet": (63.6, Adam, 120, 256),
    "moco-reactnet-a-imagenet": (60.8, Sgd, 200, 256),
    "moco-resnet18-imagenet": (50.3, Sgd, 200, 256),
    "moco-resnet50-imagenet": (71.1, Sgd, 800, 256),
    "quicknet-imagenet": (63.3, Adam, 600, 2048),
    "quicknet-large-imagenet": (66.9, Adam, 600, 2048),
    "quicknet-small-imagenet": (59.4, Adam, 600, 2048),
    "reactnet-a-imagenet": (69.4, Adam, 256, 256),
    "reactnet-resnet18-imagenet": (65.9, Adam, 256, 512),
    "real-to-binary-resnet18-imagenet": (65.4, Adam, 75, 256),
    "resnet-e18-imagenet": (58.1, Adam, 120, 1024),
    "s2bnn-baseline-bireal-resnet18-imagenet": (42.8, Sgd, 200, 256),
    "s2bnn-baseline-reactnet-a-imagenet": (46.9, Sgd, 200, 256),
    "s2bnn-baseline-xnor-resnet18-imagenet": (23.9, Sgd, 200, 256),
    "s2bnn-contrastive-guided-reactnet-a-imagenet": (56.0, Adam, 200, 256),
    "s2bnn-enhanced-reactnet-a-imagenet": (52.5, Adam, 200, 256),
    "s2bnn-guided-bireal-resnet18-imagenet": (51.2, Adam, 200, 256),
    "s2bnn-guided-reactnet-a-imagenet": (61.5, Adam, 200, 256),
    "s2bnn-guided-xnor-resnet18-imagenet": (37.0, Adam, 200, 256),
    "sdbnn-resnet18-cifar10": (92.5, Sgd, 600, 128),
    "sdbnn-resnet18-imagenet": (66.5, Adam, 256, 512),
    "sdbnn-resnet20-cifar10": (86.9, Sgd, 500, 128),
    "sdbnn-vgg-small-cifar10": (90.8, Sgd, 400, 128),
    "xnor-resnet18-imagenet": (51.2, Sgd, 58, 256),
}
OURS = [
    "binary-densenet28-cifar10",
    "binary-vit-cifar10",
    "bireal-resnet18-cifar10",
    "bnext-tiny-cifar10",
    "bnn-bop-vgg-small-cifar10",
    "bnn-digits",
    "bnn-resnet20-cifar10",
    "bnn-vgg-small-cifar10",
    "comparison-cifar10",
    "comparison-digits",
    "keywords",
    "meliusnet22-cifar10",
    "mixer-cifar10",
    "moco-cifar10",
    "moco-digits",
    "moco-resnet20-cifar10",
    "pokebnn-cifar10",
    "pokebnn-imagenet",
    "quicknet-cifar10",
    "real-to-binary-resnet18-cifar10",
    "resnet-e18-cifar10",
    "s2bnn-baseline-cifar10",
    "s2bnn-baseline-resnet20-cifar10",
    "s2bnn-contrastive-guided-cifar10",
    "s2bnn-contrastive-guided-resnet20-cifar10",
    "s2bnn-enhanced-cifar10",
    "s2bnn-enhanced-resnet20-cifar10",
    "s2bnn-guided-cifar10",
    "s2bnn-guided-digits",
    "s2bnn-guided-resnet20-cifar10",
    "sdbnn-digits",
]


def test_the_shelf() -> None:
    assert {*PUBLISHED, *OURS} <= {*recipes.names()}


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_builds_and_says_where_it_comes_from(name: str) -> None:
    recipe = recipes.load(name)
    for run in single_runs(recipe):
        with torch.device("meta"):  # shapes alone, however large
            method = make_method(run.method)
            model = network_of(run, method, classes=10, channels=len(recipe.data.mean))
            assert make_optimizer(run.optimizer, model).param_groups
        if run.teacher is not None:
            assert run.teacher.network in models.names()
    header = [line for line in recipes.text(name).splitlines() if line.startswith("#")]
    assert len(header) >= 3
    assert max(len(line) for line in header) <= 110
    assert "20" in "".join(header)  # the paper's year
    assert "\n" not in recipe.description
    assert len(recipe.description) < 80


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_configurations(name: str) -> None:
    top1, optimizer, epochs, batch = PUBLISHED[name]
    recipe = recipes.load(name)
    assert f"{top1} %" in recipes.text(name)
    assert f"{top1} %" in recipe.description
    assert isinstance(recipe.optimizer, optimizer)
    assert (recipe.epochs, recipe.batch_size) == (epochs, batch)
    assert "Departures:" in recipes.text(name)


@pytest.mark.parametrize(
    ("name", "lr", "decay"),
    [
        ("sdbnn-resnet20-cifar10", 0.11, 1e-4),
        ("sdbnn-resnet18-cifar10", 0.08, 1e-4),
        ("sdbnn-vgg-small-cifar10", 0.08, 1e-4),
        ("irnet-resnet20-cifar10", 0.1, 1e-4),
        ("irnet-vgg-small-cifar10", 0.007, 1e-4),
        ("adabin-resnet20-cifar10", 0.1, 1e-4),
        ("adabin-vgg-small-cifar10", 0.1, 1e-4),
        ("adabin-resnet18-imagenet", 0.1, 1e-5),
    ],
)
def test_sgd_with_cosine(name: str, lr: float, decay: float) -> None:
    recipe = recipes.load(name)
    assert recipe.optimizer == Sgd(name="sgd", lr=lr, momentum=0.9, weight_decay=decay)
    assert recipe.schedule == "cosine"
    # EDE starts later in VGG-Small.
    expected = 0.1 if "vgg" in name else 1e-3
    assert recipe.method.params["t_min"] == expected


@pytest.mark.parametrize(
    ("name", "lr"),
    [
        ("sdbnn-resnet18-imagenet", 1e-3),
        ("adabin-resnet18-imagenet-two-stage", 1e-3),
        ("reactnet-resnet18-imagenet", 1e-3),
        ("reactnet-a-imagenet", 5e-4),
    ],
)
def test_two_stages_from_a_real_teacher(name: str, lr: float) -> None:
    recipe = recipes.load(name)
    assert recipe.teacher == Teacher(network="real-resnet34", weight=1.0, temperature=1.0)
    assert recipe.schedule == "linear-stepped-first"
    first, second = single_runs(recipe)
    assert first.method.params["binarize"] == "activations"
    assert "binarize" not in second.method.params
    assert first.optimizer == Adam(name="adam", lr=lr, weight_decay=1e-5, decay_on="reactnet")
    assert second.optimizer == Adam(name="adam", lr=lr, weight_decay=0.0)


@pytest.mark.parametrize("depth", [18, 34])
def test_bireal_smooths_labels(depth: int) -> None:
    recipe = recipes.load(f"bireal-resnet{depth}-imagenet")
    assert recipe.optimizer == Adam(name="adam", lr=1e-3, weight_decay=0.0)
    assert (recipe.label_smoothing, recipe.schedule) == (0.1, "linear-stepped-first")


def test_steps_come_where_the_papers_have_them() -> None:
    xnor = recipes.load("xnor-resnet18-imagenet")
    assert isinstance(xnor.schedule, Steps)
    assert [round(share * xnor.epochs, 1) for share in xnor.schedule.at] == [30.0, 40.0]
    irnet = recipes.load("irnet-resnet18-imagenet")
    assert isinstance(irnet.schedule, Steps)
    assert [share * irnet.epochs for share in irnet.schedule.at] == [30, 60, 90]


def test_bop_flips_as_published() -> None:
    optimizer = recipes.load("bnn-bop-vgg-small-cifar10").optimizer
    assert isinstance(optimizer, Bop)
    assert (optimizer.gamma, optimizer.threshold, optimizer.rest.lr) == (1e-4, 1e-8, 0.01)


@pytest.mark.parametrize("name", [*CIFAR10, *IMAGENET])
def test_images_are_prepared_as_published(name: str) -> None:
    data = recipes.load(name).data
    assert data.mean == (0.485, 0.456, 0.406)
    assert data.std == (0.229, 0.224, 0.225)
    assert data.augment.flip == (name not in WITHOUT_LABELS)
    if name in WITHOUT_LABELS:
        views = recipes.load(name).selfsup.views  # type: ignore[union-attr]
        assert (views.crop_area, views.gray_probability) == (0.2, 0.2)
        assert views.side == (256 if name in IMAGENET else None)
    elif name in CIFAR10:
        # Ours: what was best in a few epochs.
        padding = 0 if name.startswith(("best", "binarized")) else 4
        assert (data.augment.crop_padding, data.augment.resized_crop) == (padding, None)
    else:
        assert data.augment.resized_crop == ResizedCrop(area=0.08, side=256)
    if name in IMAGENET:
        assert data.resize_shorter_side == 256
        assert data.test_split == "validation"


@pytest.mark.parametrize("name", OURS)
def test_recipes_without_a_published_figure_say_what_is_ours(name: str) -> None:
    assert "ours" in recipes.text(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in WITHOUT_LABELS if name in IMAGENET])
def test_without_labels_as_published(name: str) -> None:
    recipe = recipes.load(name)
    section = recipe.selfsup
    assert section is not None
    backbone = build_backbone(recipe.network, make_method(recipe.method))
    assert (section.head.hidden, section.head.out) == (backbone.width, 128)
    guided, real = "guided" in name, name.startswith("moco")
    baseline = real or "baseline" in name
    assert (recipe.method.name == "real") == real
    if "contrastive" in name or not guided:
        assert section.contrastive is not None
        assert section.contrastive.model_dump() == {
            "queue": 65536,
            "momentum": 0.999,
            "temperature": 0.2,
        }
    else:
        assert section.contrastive is None
    if guided:
        assert section.guided is not None
        assert (section.guided.network, section.guided.temperature) == ("real-resnet50", 0.2)
    else:
        assert section.guided is None
    views = section.views
    wanted = (0.8, 0.5) if baseline else (0.6, 0.2)
    assert (views.jitter_probability, views.blur_probability) == wanted
    if isinstance(recipe.optimizer, Adam):
        assert recipe.optimizer == Adam(name="adam", lr=3e-4, weight_decay=0 if guided else 1e-4)
        assert recipe.schedule == "linear"
    else:
        assert recipe.optimizer == Sgd(name="sgd", lr=0.03, momentum=0.9, weight_decay=1e-4)
        assert recipe.schedule == "cosine"
    binarized = [run.method.params.get("binarize", "both") for run in single_runs(recipe)]
    assert binarized == (["both"] if baseline else ["activations", "both"])


@pytest.mark.parametrize("name", [name for name in WITHOUT_LABELS if "guided" in name])
def test_a_teacher_is_on_the_shelf_that_fits(name: str) -> None:
    own = "moco" + name.rpartition("guided")[2]  # every student of ImageNet has the same one
    student = recipes.load(name)
    teacher = recipes.load("moco-resnet50-imagenet" if name in IMAGENET else own)
    assert student.selfsup is not None
    assert student.selfsup.guided is not None
    assert teacher.selfsup is not None
    assert student.selfsup.guided.network == teacher.network
    assert student.selfsup.head.out == teacher.selfsup.head.out
    assert teacher.method.name == "real"
    assert (student.data.mean, student.data.std) == (teacher.data.mean, teacher.data.std)


@pytest.mark.parametrize("name", [name for name in WITHOUT_LABELS if recipes.load(name).stages])
def test_one_step_training_is_an_override(name: str) -> None:
    (run,) = single_runs(recipes.load(name, ["stages=null"]))
    *_, last = single_runs(recipes.load(name))
    # Of both weights and activations; the description says what was changed.
    assert run == last.model_copy(update={"description": run.description})
    assert "binarize" not in run.method.params
