"""Passes that make fewer nodes of several, and change no value."""
