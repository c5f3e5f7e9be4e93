"""A site's settings: everything its owner sets from the command line, as forms.

What is accepted and refused is decided where the commands decide it too:
`sites/settings.py`, `sites/goal.py`, `store/tokens.py`, `upkeep/`.
"""
