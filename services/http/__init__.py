"""What every API shares: the application, problems, authentication, limits, sessions, documentation."""
