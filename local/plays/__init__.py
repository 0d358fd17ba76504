"""One play per mode: what an order of that mode looks like, act by act, each claim checked."""
