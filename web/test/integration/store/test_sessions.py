"""Sessions, one-time links and used codes in a real Redis."""

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from page_tracker.people.account import Account
from page_tracker.people.one_time import LIFETIMES, Link, Purpose
from page_tracker.people.session import IDLE, NOTED
from page_tracker.store.codes import UsedCodes
from page_tracker.store.links import INVITATIONS_KEY, Links
from page_tracker.store.sessions import MOST, Sessions

ADA = Account(id="1", name="ada", stamp="s")
BOB = Account(id="2", name="bob", stamp="s")
NOW = 1_800_000_000


@pytest.fixture
def redis(redis_client: Redis) -> Iterator[Redis]:
    redis_client.flushall()
    yield redis_client
    redis_client.flushall()


@pytest.fixture
def sessions(redis: Redis) -> Sessions:
    return Sessions(redis)


def everything(redis: Redis) -> bytes:
    """All that the store has, names and values."""
    found = []
    for key in redis.scan_iter("*"):
        found += [key, redis.dump(key)]
    return b"\n".join(found)


def test_a_session_is_found_by_what_the_browser_has_and_by_nothing_else(
    sessions: Sessions, redis: Redis
) -> None:
    secret = sessions.begin(ADA, "Firefox, Linux", NOW)
    found = sessions.find(secret, NOW)
    assert found and (found.account, found.client) == (ADA.id, "Firefox, Linux")
    assert sessions.find(secret + "x", NOW) is None and sessions.find("", NOW) is None
    (session_id,) = sessions.of(ADA.id)
    assert sessions.find(session_id, NOW) is None
    assert secret.encode() not in everything(redis)


def test_no_two_are_the_same(sessions: Sessions) -> None:
    assert len({sessions.begin(ADA, "", NOW) for _ in range(20)}) == 20


def test_its_use_is_noted_now_and_then(sessions: Sessions) -> None:
    secret = sessions.begin(ADA, "", NOW)
    for later, seen in ((NOTED - 1, 0), (NOTED, NOTED), (NOTED + 5, NOTED)):
        found = sessions.find(secret, NOW + later)
        assert found and found.seen == NOW + seen


def test_they_are_listed_and_ended_one_by_one(sessions: Sessions) -> None:
    secrets = [sessions.begin(ADA, str(at), NOW + at) for at in range(3)]
    other = sessions.begin(BOB, "", NOW)
    listed = sessions.of(ADA.id)
    assert [each.client for each in listed.values()] == ["2", "1", "0"]
    sessions.end(ADA.id, [list(listed)[1]])
    assert [bool(sessions.find(each, NOW)) for each in secrets] == [True, False, True]
    sessions.end_of(secrets[0])
    assert [each.client for each in sessions.of(ADA.id).values()] == ["2"]
    assert sessions.find(other, NOW)


def test_of_too_many_the_one_used_longest_ago_ends(sessions: Sessions) -> None:
    """Whom a proxy names and who keeps no cookie begins one with each request."""
    secrets = [sessions.begin(ADA, "", NOW + at) for at in range(MOST + 2)]
    found = [bool(sessions.find(each, NOW + MOST + 2)) for each in secrets]
    assert found == [False, False] + MOST * [True]
    assert len(sessions.of(ADA.id)) == MOST


def test_nobody_ends_another_one_s(sessions: Sessions) -> None:
    secret = sessions.begin(BOB, "", NOW)
    sessions.end(ADA.id, sessions.of(BOB.id))
    assert sessions.find(secret, NOW)


def test_one_that_was_ended_never_comes_back(sessions: Sessions, redis: Redis) -> None:
    secret = sessions.begin(ADA, "", NOW)
    sessions.end_of(secret)
    assert sessions.find(secret, NOW + NOTED) is None
    assert not redis.keys("pt:session:*")


def test_what_expired_is_off_the_list(sessions: Sessions, redis: Redis) -> None:
    sessions.begin(ADA, "", NOW)
    (key,) = redis.keys("pt:session:*")
    assert 0 < redis.ttl(key) <= IDLE
    redis.delete(key)
    assert sessions.of(ADA.id) == {}
    assert not redis.keys("pt:sessions:*")


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_is_good_for_once_and_for_so_long(
    redis: Redis, purpose: Purpose
) -> None:
    links = Links(redis)
    link = Link(purpose=purpose, account="1")
    secret = links.make(link)
    assert links.find(secret) == links.find(secret) == link
    (key,) = redis.keys("pt:link:*")
    assert 0 < redis.ttl(key) <= LIFETIMES[purpose]
    assert secret.encode() not in everything(redis)
    assert links.use(secret) == link
    assert links.use(secret) is None and links.find(secret) is None


def test_invitations_are_listed_until_they_are_used_taken_back_or_expire(
    redis: Redis,
) -> None:
    links = Links(redis)
    names = ("used", "taken", "expired", "open")
    made = {
        name: links.make(Link(purpose=Purpose.INVITATION, guest=name)) for name in names
    }
    links.make(Link(purpose=Purpose.PASSWORD, account="1"))
    ids = {each.link.guest: i for i, each in links.invitations().items()}
    assert set(ids) == set(names)
    links.use(made["used"])
    links.withdraw(ids["taken"])
    redis.delete(f"pt:link:{ids['expired']}")
    (left,) = links.invitations().values()
    assert left.link.guest == "open" and links.find(made["taken"]) is None
    assert abs(left.expires - time.time() - LIFETIMES[Purpose.INVITATION]) < 60
    assert redis.scard(INVITATIONS_KEY) == 1


@pytest.mark.parametrize("secret", ["", "x", "\udcff", "../x", "a" * 10_000])
def test_what_is_no_link_is_none(redis: Redis, secret: str) -> None:
    assert Links(redis).find(secret) is None and Links(redis).use(secret) is None


def test_a_code_is_good_for_once(redis: Redis) -> None:
    used = UsedCodes(redis)
    assert [used.use("1", 7), used.use("1", 7)] == [True, False]
    assert used.use("1", 8) and used.use("2", 7)
    assert all(0 < redis.ttl(key) <= 300 for key in redis.keys("pt:code:*"))
