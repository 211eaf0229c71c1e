"""From a source to the batches of a training step: caches, order, worker processes, seeds."""
