"""Views: events grouped, listed and drawn; what others call chisels.

In:  a name and a filter. Out: rows on a terminal, as text or as JSON. In order: `specs.py` (the
shapes), `catalogue.py` (every view, declared), `build.py` (a view as a plan), `collect.py` (rows
out of the engine), `units.py`, `screen.py` and `heat.py` (rows as text), `commands.py`.
"""
