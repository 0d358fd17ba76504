"""Disputes with the platform about a difference: how they move, what they book, what they are proven with."""
