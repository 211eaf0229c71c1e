"""Where a compiled file goes that no engine runs as it is: sources and packages made of it."""
