"""The commands, one file each; heavy imports inside the command's function."""
