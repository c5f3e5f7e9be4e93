"""A question's filter and goals, taken apart in plain Python."""

from __future__ import annotations

from msgspec.structs import replace

from page_tracker.query.query import And, Filter, HasDone, Leaf, Not, Or, Query
from page_tracker.sites.goal import Goal


def names_goal(leaf: Leaf, goal: Goal) -> bool:
    def fold(text: str) -> str:
        return text if leaf.case_sensitive else text.lower()

    if leaf.operator == "contains":
        return any(fold(value) in fold(goal.name) for value in leaf.values)
    return any(fold(value) == fold(goal.name) for value in leaf.values)


def less_goals(query: Query) -> Query:
    return replace(
        query,
        dimensions=tuple(each for each in query.dimensions if each != "event:goal"),
    )


def together(part: Filter) -> list[Filter]:
    """What must all hold, however it is nested."""
    if isinstance(part, And):
        return [each for inner in part.parts for each in together(inner)]
    if isinstance(part, Or) and len(part.parts) == 1:
        return together(part.parts[0])
    return [part]


def mentions_conversion(part: Filter) -> bool:
    """Whether it asks for a goal, or for a property, of the event itself."""
    match part:
        case Leaf(dimension=name):
            return name == "event:goal" or name.startswith("event:props:")
        case And(parts) | Or(parts):
            return any(mentions_conversion(each) for each in parts)
        case Not(inner):
            return mentions_conversion(inner)
        case HasDone():
            return False


def names_of(part: Filter) -> set[str]:
    match part:
        case Leaf(dimension=name):
            return {name}
        case And(parts) | Or(parts):
            return {name for each in parts for name in names_of(each)}
        case Not(inner):
            return names_of(inner)
        case HasDone():
            return {"another event"}


def only_about(part: Filter, name: str) -> list[Filter]:
    """What must hold that asks of an event for this alone."""
    return [each for each in together(part) if names_of(each) == {name}]


def about(part: Filter, name: str) -> Filter:
    """What is asked, asked of another dimension."""
    match part:
        case Leaf():
            return replace(part, dimension=name)
        case And(parts):
            return And(tuple(about(each, name) for each in parts))
        case Or(parts):
            return Or(tuple(about(each, name) for each in parts))
        case Not(inner):
            return Not(about(inner, name))
    raise AssertionError(part)


def page_fits(path: str, page: str) -> bool:
    """`*` stands for anything within a folder, `**` for anything."""
    if not page:
        return not path
    if page.startswith("**"):
        return any(page_fits(path[at:], page[2:]) for at in range(len(path) + 1))
    if page.startswith("*"):
        ends = path.find("/") if "/" in path else len(path)
        return any(page_fits(path[at:], page[1:]) for at in range(ends + 1))
    return path[:1] == page[0] and page_fits(path[1:], page[1:])
