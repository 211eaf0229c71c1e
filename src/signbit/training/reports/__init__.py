"""What a run records about itself, and pictures and tables of it."""
