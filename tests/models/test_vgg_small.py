"""VGG-Small: its size and the order of its parts."""

from torch import nn

from signbit import methods, models
from signbit.nn.layers import BinaryConv2d


def test_size():
    model = models.build("vgg-small", methods.get("bnn"), classes=10, channels=3)
    binary = sum(m.weight.numel() for m in model.modules() if isinstance(m, BinaryConv2d))
    # 9·(128·128 + 128·256 + 256·256 + 256·512 + 512·512)
    assert binary == 4_571_136
    # + stem 3456, normalisations 2·(128·2 + 256·2 + 512·2), classifier 8192·10 + 10
    assert sum(p.numel() for p in model.parameters()) == binary + 3_456 + 3_584 + 81_930


def test_pool_sits_between_convolution_and_normalisation():
    model = models.build("vgg-small", methods.get("bnn"), classes=10, channels=3)
    plain = [BinaryConv2d, nn.BatchNorm2d, nn.Hardtanh]
    pooled = [BinaryConv2d, nn.MaxPool2d, nn.BatchNorm2d, nn.Hardtanh]
    orders = [[type(part) for part in block] for block in model.blocks]
    assert orders == [pooled, plain, pooled, plain, pooled]
