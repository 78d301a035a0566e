"""The demonstration: the relay itself on a temporary ledger, and what it must deliver, written by hand."""
