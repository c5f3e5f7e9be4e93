"""`page-tracker upkeep`: tidy the lake now."""

from contextlib import ExitStack
from dataclasses import replace

import click

from page_tracker.commands.options import setting_option
from page_tracker.server.embedded import redis_of
from page_tracker.services import open_lake, open_upkeep
from page_tracker.settings import Settings


@click.command()
@setting_option("data")
@setting_option("lake")
def upkeep(**options: str | None) -> None:
    """Tidy the lake now: merge files, let old hits go, throw away what is spent.

    The writer does so by itself every minute.
    """
    settings = Settings.from_environment(**options)
    with ExitStack() as stack:
        if settings.redis_url is None:
            url = stack.enter_context(redis_of(settings))
            settings = replace(settings, redis_url=url)
        lake = open_lake(settings)
        open_upkeep(settings, lake)()
        for name in ("hits", "drops"):
            table = lake.snapshot(name)
            sizes = table.get_add_actions(flatten=True)["size_bytes"].to_pylist()
            click.echo(f"{name}: {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB")
