"""Passes that change the order of two operations, where the result stays the same."""
