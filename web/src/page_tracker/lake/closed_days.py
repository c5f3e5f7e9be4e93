"""The tables of closed days, and the marks that say whether what they have holds.

A day's rows do as long as the mark that they were made under is the one that the hits
have: every commit of hits that touches a closed day moves that mark.
"""

from __future__ import annotations

# What closed days come to: made from the hits, and again if these change.
OF_CLOSED_DAYS = ("days", "visits", "pages")

# What tells the form that a table has now from those that it had.
_FORMS = {"visits": "-visits2", "pages": "-pages2"}


def closed_mark(day: int) -> str:
    """The application whose number is the last version that touched a closed day.

    The table of hits has it once the day was closed. Its name changes with what day
    tables hold, so that all days are closed again; the third also has how the pages of
    a whole site were read.
    """
    return f"closed3:{day}"


def made_mark(table: str, day: int) -> str:
    """The application whose number is the mark that a table's rows of a day were made
    under.

    Its name changes with the table's columns: what an older version made is made again.
    The mark of the hits keeps its name, for every version moves it.
    """
    return closed_mark(day) + _FORMS.get(table, "")
