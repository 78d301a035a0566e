"""What the relay knows beforehand: versioned tables with their sources, and the rules to read them."""
