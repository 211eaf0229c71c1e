"""What a model must be before it compiles: each file is one reason to refuse it."""
