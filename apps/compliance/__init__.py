"""What compliance has to do today, and the pack for the day of an audit. Owns no table."""
