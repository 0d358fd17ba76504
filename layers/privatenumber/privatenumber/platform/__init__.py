"""What the platform speaks: wire models, pushes, the client."""
