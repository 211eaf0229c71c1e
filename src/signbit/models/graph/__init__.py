"""Networks that are data: a list of nodes, each one of a closed table of operations.

A network that another tool wrote has no class here. Its graph is in the run's recipe, its tensors
in the checkpoint, and nothing of either is executed.
"""

from signbit.models.graph.network import IMAGE, GraphNetwork, GraphNode, is_free_name

__all__ = ["IMAGE", "GraphNetwork", "GraphNode", "is_free_name"]
