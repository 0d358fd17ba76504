"""One adapter per mode between the life of a binding and the platform's wire models."""
