"""The Private Number platform on a laptop."""
