"""Why a call or a text came out as it did, and why a binding served it or not."""
