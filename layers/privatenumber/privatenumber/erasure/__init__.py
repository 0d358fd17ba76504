"""Erasing a person, an order or what is old; billing facts stay (users.md U-S12, U-N16, U-D23)."""
