"""Training with labels, and what it is measured by."""
