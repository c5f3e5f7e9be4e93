"""What forms send, as the equivalent parts of an address. Pure.

from, to                             → period
dimension, operator, value, instead  → f, in the place of `instead`
"""

from __future__ import annotations

from collections.abc import Sequence

from page_tracker.web.pages.address_filter import new_condition, text_of, values_of
from page_tracker.web.pages.panels import EVENTS

Pairs = list[tuple[str, str]]

_FIELDS = ("from", "to", "dimension", "operator", "value", "instead", "property")


def meant(pairs: Sequence[tuple[str, str]]) -> Pairs:
    """The parts of an address, with those that a form has set."""
    form = {name: text for name, text in pairs if name in _FIELDS}
    found = [pair for pair in pairs if pair[0] not in _FIELDS]
    if "from" in form and "to" in form:
        found = [pair for pair in found if pair[0] not in ("period", "by")]
        found.append(("period", f"{form['from']}..{form['to']}"))
    if "property" in form:
        found.append((EVENTS.name, f"props:{form['property']}"))
    if "dimension" in form:
        found = _with_filter(found, form)
    return found


def _with_filter(pairs: Pairs, form: dict[str, str]) -> Pairs:
    """With the form's filter, if it gives one; else with the parts named here."""
    operator, name = form.get("operator", "is"), form["dimension"]
    values = values_of(form.get("value", ""))
    try:
        text = text_of(new_condition(operator, name, values))
    except ValueError:
        text = f"{operator}~{name}~{form.get('value', '')}"
    old = ("f", form.get("instead", ""))
    if old in pairs:
        return [("f", text) if pair == old else pair for pair in pairs]
    return [*pairs, ("f", text)]
