"""Recordings: fetched before the platform forgets them, kept in a bucket (recording-and-call-stop.md)."""
