"""What the layers of a network become: products of weights, of signs, and of two values."""
