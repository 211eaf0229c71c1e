"""Whether a compiled file says what PyTorch says: node by node, and end to end."""
