"""What people and programs get to see: text, tables, pages and files."""


class CannotRender(ValueError):
    """A document has no such format or table; the message says why, and holds nothing that a caller sent."""
