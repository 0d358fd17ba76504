"""The life of a binding: choose X, bind, change, release, recover (design.md §4)."""
