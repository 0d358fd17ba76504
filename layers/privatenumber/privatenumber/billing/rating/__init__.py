"""What each record and number costs: pure functions of facts and price list (billing-rules.md §3 to §6)."""
