"""The storm: both halves in one process on one virtual clock, every fault of a plan, then the judge."""
