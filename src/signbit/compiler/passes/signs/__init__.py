"""Passes about signs: each becomes a comparison of the value before it with a threshold."""
