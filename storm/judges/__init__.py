"""The judge: one module per invariant, each of which holds us against the platform's truth."""
