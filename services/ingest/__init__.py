"""National alerts in: validated, given their ids, kept, answered."""
