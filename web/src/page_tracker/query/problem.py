"""What is wrong with a question."""

from __future__ import annotations


class QueryError(ValueError):
    """A question that cannot be asked: `pointer` says where, `problem` what."""

    def __init__(self, pointer: str, problem: str) -> None:
        super().__init__(f"{pointer}: {problem}")
        self.pointer = pointer
        self.problem = problem
