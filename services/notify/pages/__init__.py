"""The pages that people open: answer by personal link, read after signing in. No script, four languages."""
