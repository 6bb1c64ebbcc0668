"""Aggregations as data: key, value, filter, sort."""
