"""The declared tables: what a user can read about events, parameters, fields and calls."""
