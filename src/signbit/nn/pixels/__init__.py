"""What reads pixels as whole numbers: first layers in int16, and tables."""
