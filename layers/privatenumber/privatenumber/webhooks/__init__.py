"""Outgoing webhooks: business systems are told what happened, in order, until they have heard it."""
