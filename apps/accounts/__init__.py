"""Users, roles, sessions, scoped tokens."""
