"""One module per verb: the stages in order."""
