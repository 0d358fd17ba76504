"""The control plane under /__emu: clock, applications, numbers, calls, faults, deliveries, truth."""
