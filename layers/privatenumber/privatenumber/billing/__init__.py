"""Money: price lists, rating, rent, closes, statements, reconciliation (billing-rules.md)."""
