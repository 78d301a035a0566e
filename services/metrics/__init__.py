"""Response times and balances, from the topics and the ledger, for Prometheus."""
