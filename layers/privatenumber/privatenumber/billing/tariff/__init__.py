"""What things cost: dated price lists and the packages that can be bought (billing-rules.md §2, §5)."""
