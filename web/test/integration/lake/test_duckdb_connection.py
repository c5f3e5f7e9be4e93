"""What is opened as DuckDB."""

from page_tracker.lake.duckdb_connection import connect


def test_a_slow_statement_draws_nothing_into_what_a_command_prints() -> None:
    """After two seconds DuckDB 2.0 draws a progress bar on standard output, in a pipe
    too; a cursor has none anyway."""
    with connect("64MB", threads=1) as connection:
        asked = "SELECT current_setting('enable_progress_bar')"
        shown = [
            each.sql(asked).fetchall() for each in (connection, connection.cursor())
        ]

    assert shown == [[(False,)], [(False,)]]
