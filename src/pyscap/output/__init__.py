"""How events are shown: templates, presets, themes."""
