"""How a figure is counted, and how to ask the same question oneself. Pure.

Pages ask nothing that others cannot ask: here are their questions as a command, as a
request over HTTP and as SQL over the lake's files, each of which gives the same
figures.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from page_tracker.query.experiment import shares_as_text
from page_tracker.query.sql import Statement
from page_tracker.query.typed_filters import parse_filter, short_name
from page_tracker.web.pages.page_questions import Body


def command(body: Body) -> str:
    """The question as a command of `page-tracker`, for a shell."""
    words = ["page-tracker", "query", body["site_id"]]
    words += ["--metrics", ",".join(body["metrics"])]
    for name in body["dimensions"]:
        words += ["--by", short_name(name)]
    first, last = body["date_range"]
    words += ["--from", first, "--to", last]
    for each in body["filters"]:
        words += ["--filter", filter_words(each)]
    if compared := body["include"].get("comparisons"):
        words += ["--compare", "..".join(compared["date_range"])]
    for name, way in body.get("order_by", []):
        words += ["--order", f"{short_name(name)} {way}"]
    pages = body.get("pagination", {})
    for option in ("limit", "offset"):
        if pages.get(option):
            words += [f"--{option}", str(pages[option])]
    return shlex.join(words)


def filter_words(asked: Any) -> str:
    """A filter as people write it, if that can express it; else as JSON."""
    if len(asked) == 3 and isinstance(asked[2], list) and asked[1] != "segment":
        operator, name, values = asked
        told = "|".join(str(value).replace("|", "\\|") for value in values)
        text = f"{short_name(name)} {operator.replace('_', ' ')} {told}"
        try:
            if parse_filter(text) == asked:
                return text
        except ValueError:
            pass
    return json.dumps(asked, ensure_ascii=False)


def experiment_command(body: Body) -> str:
    """The question about an experiment as a command, for a shell."""
    words = ["page-tracker", "experiment", body["site_id"]]
    words += [short_name(body["dimension"]), body["goal"]]
    first, last = body["date_range"]
    words += ["--from", first, "--to", last]
    for each in body["filters"]:
        words += ["--filter", filter_words(each)]
    if body["control"]:
        words += ["--control", body["control"]]
    if body["shares"]:
        words += ["--shares", shares_as_text(body["shares"])]
    return shlex.join(words)


def curl(address: str, body: Body) -> str:
    """The question as a request over HTTP, for a shell with a token in `$TOKEN`."""
    sent = shlex.quote(json.dumps(body, ensure_ascii=False))
    return (
        f"curl {shlex.quote(address)}" f' -H "Authorization: Bearer $TOKEN" -d {sent}'
    )


def sql(asked: Statement) -> str:
    """A statement with its values inserted, as DuckDB runs it in the lake's folder."""
    told = re.sub(
        r"\$([a-z_0-9]+)",
        lambda match: (
            literal(asked.values[match[1]]) if match[1] in asked.values else match[0]
        ),
        asked.sql,
    )
    within = re.sub(r"'[^']*/((?:hits|days)/month=[^']*)'", r"'\1'", told)
    return f"SET TimeZone = 'UTC';\n{within};"


def literal(value: object) -> str:
    """A value as an SQL literal."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value.isoformat()}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(literal, value))}]"
    text = str(value).replace("'", "''")
    return f"'{text}'"
