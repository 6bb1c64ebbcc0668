"""The file format: every block, read and written from one declaration."""
