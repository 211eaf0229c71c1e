"""From a real-valued network to a binary one: `signbit.nn.binarize`.

`tracing` follows the network's forward as a graph, `choosing` says which layers become binary,
`activations` what keeps signs from being constant, and `network` puts it together.
"""

from signbit.binarizing.network import Binarized, binarize
from signbit.binarizing.report import Change, Report

__all__ = ["Binarized", "Change", "Report", "binarize"]
