"""From a module to its exported graph: wrappers off, torch kept quiet, lines of code remembered."""
