"""The `signbit` command: its entry point, and what the commands share."""
