"""Running `.sbnn` files without PyTorch: the native engine and its NumPy reference."""
