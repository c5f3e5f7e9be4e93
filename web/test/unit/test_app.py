"""The counter page, its Redis replaced."""

from unittest.mock import Mock, patch

import pytest
import redis
from flask.testing import FlaskClient

from page_tracker.app import create_app

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def http_client() -> FlaskClient:
    return create_app().test_client()


@patch("page_tracker.app.redis")
def test_a_view_is_counted_and_the_number_stated(
    mock_redis: Mock, http_client: FlaskClient
) -> None:
    mock_redis.return_value.incr.return_value = 5

    response = http_client.get("/")

    assert response.status_code == 200
    assert response.text == "This page has been seen 5 times."
    mock_redis.return_value.incr.assert_called_once_with("page_views")


@pytest.mark.parametrize("failure", [redis.ConnectionError, redis.TimeoutError])
@patch("page_tracker.app.redis")
def test_a_failure_of_redis_is_logged_and_answered_with_500(
    mock_redis: Mock,
    http_client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    failure: type[Exception],
) -> None:
    mock_redis.return_value.incr.side_effect = failure("away")

    response = http_client.get("/")

    assert response.status_code == 500
    assert response.text == "Sorry, something went wrong \U0001f614"
    assert "The view could not be counted" in caplog.text
