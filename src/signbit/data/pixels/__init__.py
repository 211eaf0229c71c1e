"""What happens to the pixels of an image: decoding, size, augmentation, normalisation."""
