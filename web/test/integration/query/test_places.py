"""The same questions about the same hits are answered alike, wherever the lake lies and
whoever answers."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from page_tracker.days import day_number
from page_tracker.lake.moving import copy_rest
from page_tracker.lake.table import Lake
from page_tracker.query.catalog import METRICS
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.query import Query
from page_tracker.query.snapshot import Reading
from page_tracker.upkeep.day_tables import close
from support.asked import ZONES, bodies, hits_of_a_site, put, understood
from support.clickhouse import database
from support.drawing import examples
from support.own_bucket import OwnBucket, lake_in

QUESTIONS = 12


@st.composite
def questions(draw: st.DrawFn, zone: str) -> list[Query]:
    metrics = draw(st.permutations(list(METRICS)))[:QUESTIONS]
    return [understood(draw(bodies(metric)), zone) for metric in metrics]


def answers(asking: LakeAsking, queries: list[Query]) -> list[Any]:
    return [report.rows for report in asking.reports(queries)]


@pytest.mark.timeout(1800)
def test_a_folder_a_bucket_and_clickhouse_answer_alike(
    clickhouse_port: int, bucket_store: OwnBucket, tmp_path: Path
) -> None:
    engine = Engine(threads=1)

    @settings(
        max_examples=examples(2, long=100),
        phases=[Phase.generate],  # smaller examples cost minutes
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(data=st.data())
    def hold(data: st.DataObject) -> None:
        zone = data.draw(st.sampled_from(ZONES))
        rows = data.draw(hits_of_a_site(zone).filter(bool))
        queries = data.draw(questions(zone))
        with TemporaryDirectory(dir=tmp_path) as folder:
            here = Lake(f"{folder}/lake")
            put(here, rows, 1)
            close(here, sorted({day_number(row["day"]) for row in rows})[:-1])
            away = lake_in(bucket_store.bucket(), Path(folder, "copies"))
            copy_rest(here, away, lambda left: None)
            server = database(clickhouse_port, Path(here.uri))
            copying = Engine(threads=1, fetch=away.fetch_named)

            found = answers(LakeAsking(Reading(here), engine), queries)

            assert answers(LakeAsking(Reading(away), copying), queries) == found
            assert answers(LakeAsking(Reading(here), engine, server), queries) == found

    hold()  # pylint: disable=no-value-for-parameter # hypothesis gives it
