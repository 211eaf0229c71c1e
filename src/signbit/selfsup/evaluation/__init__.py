"""What features are worth: probes, neighbours, fine-tuning, retrieval."""
