"""Measurements of whole processes beside their peers, and instruction counts of the stages."""
