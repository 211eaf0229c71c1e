"""Other people's formats and networks."""
