"""Passes that compute with constants: batch norms, scales and shifts become one another."""
