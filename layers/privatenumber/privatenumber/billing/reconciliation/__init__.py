"""Our records against the platform's own figures (billing-rules.md §9)."""
