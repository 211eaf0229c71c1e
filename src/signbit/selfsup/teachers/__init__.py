"""Real networks that guide a binary one: stored ones, and a user's own."""
