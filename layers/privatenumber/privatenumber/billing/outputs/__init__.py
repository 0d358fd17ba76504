"""What people and programs get to see: text, tables, pages and files."""
