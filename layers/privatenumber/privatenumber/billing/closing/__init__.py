"""Days and months: closed, allocated, stated, corrected (billing-rules.md §8.3, §9.4)."""
