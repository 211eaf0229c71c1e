"""What learning without labels minimises, and the parts that objectives share."""
