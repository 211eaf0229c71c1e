"""What is computed from all channels of one pixel: mean magnitude, softmax, normalisations."""

from __future__ import annotations

import numpy as np

from signbit.targets.c.site import Body, Site
from signbit.targets.c.text import block, literal


def _each(site: Site, *body: str) -> list[str]:
    """A loop over the channels of the source's pixel, whose values are `p[i]`."""
    return block(f"for (int32_t i = 0; i < {site.source.channels}; ++i)", *body)


def _pixel(site: Site) -> str:
    return f"const real *const p = {site.source.name} + pixel * {site.source.channels};"


def _mean_abs(site: Site) -> Body:
    count = literal(np.float32(site.source.channels))
    summed = _each(site, "v += p[i] < 0 ? -p[i] : p[i];")
    return Body("real", ["float v = 0;", *summed, f"v /= {count};"], [_pixel(site)])


def _softmax(site: Site) -> Body:
    site.need("fma", "exp")
    e = site.work("e", "real", site.source.channels)
    pixel = [
        _pixel(site),
        "float most = p[0], sum = 0;",
        *_each(site, "if (most < p[i]) most = p[i];"),
        *_each(site, f"{e}[i] = exp_once(p[i] - most);", f"sum += {e}[i];"),
    ]
    return Body("real", [f"float v = {e}[c] / sum;"], pixel)


def _l2_normalise(site: Site) -> Body:
    site.need("fma", "sqrt")
    epsilon = site.array("epsilon")
    assert epsilon is not None
    least = literal(epsilon[0])
    pixel = [
        _pixel(site),
        "float length = 0;",
        *_each(site, "length = fma_once(p[i], p[i], length);"),
        "length = sqrt_once(length);",
        f"if (length < ({least})) length = {least};",
    ]
    return Body("real", ["float v = p[c] / length;"], pixel)


def _layer_norm(site: Site) -> Body:
    site.need("fma", "sqrt")
    epsilon = site.array("epsilon")
    assert epsilon is not None
    count = literal(np.float32(site.source.channels))
    pixel = [
        _pixel(site),
        "float mean = 0, deviation = 0;",
        *_each(site, "mean += p[i];"),
        f"mean /= {count};",
        *_each(site, "const float d = p[i] - mean;", "deviation = fma_once(d, d, deviation);"),
        f"deviation /= {count};",
        f"deviation += {literal(epsilon[0])};",
        "deviation = sqrt_once(deviation < 0 ? 0 : deviation);",
    ]
    return Body("real", ["float v = p[c] - mean;", "v /= deviation;"], pixel)


OPERATIONS = {
    "mean_abs": _mean_abs,
    "softmax": _softmax,
    "l2_normalise": _l2_normalise,
    "layer_norm": _layer_norm,
}
