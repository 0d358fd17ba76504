"""The platform's API: reading of requests, the operations, envelopes and refusals."""
