"""The shared layer: signing, models and rooms of the Private Number backend."""
