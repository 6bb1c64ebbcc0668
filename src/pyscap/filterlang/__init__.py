"""The filter language: text, tree, check, program."""
