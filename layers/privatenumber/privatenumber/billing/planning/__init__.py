"""What is to come: rents, returns, packages, spending, complaints (billing-rules.md §5 and §6)."""
