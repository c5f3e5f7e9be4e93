"""A site's settings: all that its owner sets from the command line, as forms.

What may be said, and what is refused, is decided where the commands ask it too:
`sites/settings.py`, `sites/goal.py`, `store/tokens.py`, `upkeep/`.
"""
