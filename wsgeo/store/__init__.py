"""The run folder: ledger, tables with schema versions, resume."""
