"""The file format: every block, read and written from one declaration.

In:  bytes of captures, or values to be written. Out: blocks, layouts for the engine, facts.
Order: `versions` (numbers) → `blocks` (declarations) → `layouts` (the same as plain rows) →
`encode` (writing) → `info`, `merge` (whole files).
"""
