"""What migration 0001 makes, in two parts. Like every released migration it is never edited."""
