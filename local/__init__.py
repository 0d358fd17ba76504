"""The stack on a laptop: MiniStack runs the deployed template, the emulator is the platform."""
