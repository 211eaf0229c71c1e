"""The tables that commands print, and how they fill a terminal."""
