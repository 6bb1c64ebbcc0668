"""The filter language: text -> tree -> typed tree -> op program.

In:  the text of a filter, and a macro file. Out: `compile_filter()`, whose program goes into the
plan. Next: the engine's `filter/` runs the program. In order: `parser.py` (with `filter.lark` and
`syntax.py`), `macros.py`, `check.py` (with `values.py` and `regex.py`), `lower.py` (with
`cost.py` and `narrow.py`).

Importing this package loads no parser; the first filter does.
"""
