"""The `page-tracker` command, also `python -m page_tracker`.

It takes a quarter of a second to load on a busy machine, and Ctrl-C is told in a line
then as well: `cli.py` does so from when it is there.
"""

import sys


def main() -> None:
    """Load the command, and run it."""
    try:
        # pylint: disable-next=import-outside-toplevel # what is being told of
        from page_tracker.cli import main as command

        command()
    except KeyboardInterrupt:
        # pylint: disable-next=import-outside-toplevel # seldom needed
        from page_tracker.errors import StoppedError

        stopped = StoppedError()
        print(f"\npage-tracker: {stopped}", file=sys.stderr)
        sys.exit(stopped.exit_code)


if __name__ == "__main__":
    main()
