"""What naming a user agent's bot costs, by `re2.Set` and by ua-parser's engine.

    python bench/bots.py [--rounds 5]

Both try the patterns of crawler-user-agents on the agents of test/data/agents.tsv,
nothing cached; prints the median of the rounds' processor time for each agent, what
building takes, and whether they find the same.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser.core import Domain
from ua_parser.lazy import UserAgentMatcher
from ua_parser.regex import Resolver

from page_tracker.lookups import bots

AGENTS = Path(__file__).parents[1] / "test" / "data" / "agents.tsv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    lines = AGENTS.read_text("utf-8").splitlines()[1:]
    agents = [line.partition("\t")[0] for line in lines]
    patterns = [each["pattern"] for each in CRAWLER_USER_AGENTS_DATA]
    theirs = _measured("ua-parser", _ua_parser, patterns, agents, rounds)
    ours = _measured("re2.Set", bots.first_found, patterns, agents, rounds)
    print(f"the same for all agents: {ours == theirs}")


def _ua_parser(patterns: Sequence[str]) -> Callable[[str], int | None]:
    numbered = [UserAgentMatcher(each, str(i)) for i, each in enumerate(patterns)]
    resolve = Resolver((numbered, [], []))

    def first(text: str) -> int | None:
        found = resolve(text, Domain.USER_AGENT).user_agent
        return None if found is None else int(found.family)

    return first


def _measured(
    engine: str,
    build: Callable[[Sequence[str]], Callable[[str], int | None]],
    patterns: Sequence[str],
    agents: Sequence[str],
    rounds: int,
) -> list[int | None]:
    """Print what it costs; what was found of each agent."""
    began = time.process_time()
    first = build(patterns)
    found = [first(each) for each in agents]  # engines build what they need at first
    built = time.process_time() - began
    costs = []
    for _ in range(rounds):
        began = time.process_time()
        for each in agents:
            first(each)
        costs.append((time.process_time() - began) / len(agents) * 1e6)
    print(
        f"{engine}: {statistics.median(costs):.1f} µs an agent"
        f" ({min(costs):.1f}-{max(costs):.1f}), {len(patterns)} patterns,"
        f" built in {1000 * built:.0f} ms"
    )
    return found


if __name__ == "__main__":
    main()
