"""Which checkpoints are there, what each is, which may be compared, and why not."""
