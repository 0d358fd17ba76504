"""Call facts: from a push to stored, immutable rows."""
