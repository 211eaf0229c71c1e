"""A convolution and its gradients, written out tap by tap in NumPy float64."""

from __future__ import annotations

import numpy as np

GEOMETRIES = {
    "plain": ((3, 3), (1, 1), (1, 1), (1, 1), 1),
    "strided": ((3, 2), (2, 1), (0, 1), (1, 1), 1),
    "dilated": ((2, 3), (1, 2), (2, 1), (2, 1), 1),
    "grouped": ((3, 3), (2, 2), (1, 1), (1, 1), 2),
    "depthwise": ((1, 3), (1, 1), (0, 1), (1, 1), 4),
}
"""Name -> kernel, stride, padding, dilation, groups."""


def conv_oracle(x, w, incoming, kernel, stride, padding, dilation, groups):
    """(y, gradient of x, gradient of w); `incoming` is a function of y's shape."""
    n, channels, height, width = x.shape
    out = w.shape[0]
    padded = np.zeros((n, channels, height + 2 * padding[0], width + 2 * padding[1]))
    inside = np.s_[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width]
    padded[inside] = x
    rows = (padded.shape[2] - dilation[0] * (kernel[0] - 1) - 1) // stride[0] + 1
    columns = (padded.shape[3] - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1
    grad = incoming((n, out, rows, columns))
    y = np.zeros_like(grad)
    to_x, to_w = np.zeros_like(padded), np.zeros_like(w)
    per_in, per_out = channels // groups, out // groups
    for o in range(out):
        group = slice(o // per_out * per_in, (o // per_out + 1) * per_in)
        for i in range(rows):
            for j in range(columns):
                for ky in range(kernel[0]):
                    for kx in range(kernel[1]):
                        r, c = i * stride[0] + ky * dilation[0], j * stride[1] + kx * dilation[1]
                        y[:, o, i, j] += padded[:, group, r, c] @ w[o, :, ky, kx]
                        to_x[:, group, r, c] += grad[:, o, i, j, None] * w[o, :, ky, kx]
                        to_w[o, :, ky, kx] += grad[:, o, i, j] @ padded[:, group, r, c]
    return y, grad, to_x[inside], to_w
