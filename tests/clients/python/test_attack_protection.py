"""Attack protection through auth0-python: a number that somebody guesses at is blocked, seen, and released."""

import pytest
from auth0.authentication.exceptions import Auth0Error
from auth0.management import NotFoundError

import world
from world import management


@pytest.fixture
def two_tries():
    """Two wrong codes block a number, whatever address they come from."""
    settings = management.attack_protection.brute_force_protection
    fresh = settings.get()
    changed = settings.update(max_attempts=2, mode="count_per_identifier")
    assert (changed.max_attempts, changed.mode) == (2, "count_per_identifier")
    yield
    settings.update(max_attempts=fresh.max_attempts, mode=fresh.mode)


def redeem(story, number, code):
    return story.get_token().passwordless_login(number, code, "sms", "openid", "")


def test_a_guessed_number_is_blocked_and_released(story, number, two_tries):
    code = story.send_code(number)
    for _ in range(2):
        with pytest.raises(Auth0Error) as refusal:
            redeem(story, number, world.wrong(code))
        assert (refusal.value.status_code, refusal.value.error_code) == (403, "invalid_grant")
    for blocked in [lambda: redeem(story, number, code), lambda: story.send_code(number)]:
        with pytest.raises(Auth0Error) as refusal:
            blocked()
        assert (refusal.value.status_code, refusal.value.error_code) == (429, "too_many_attempts")

    blocks = management.user_blocks.list_by_identifier(identifier=number).blocked_for
    assert [(block.identifier, block.connection) for block in blocks] == [(number, "sms")]
    management.user_blocks.delete_by_identifier(identifier=number)
    assert management.user_blocks.list_by_identifier(identifier=number).blocked_for == []
    assert redeem(story, number, story.send_code(number))["token_type"] == "Bearer"


def test_an_address_is_not_throttled_and_may_be_released_all_the_same():
    with pytest.raises(NotFoundError) as refusal:
        management.anomaly.blocks.check_ip("127.0.0.1")
    assert refusal.value.body["message"] == "IP is not blocked"
    management.anomaly.blocks.unblock_ip("127.0.0.1")


def test_the_sign_ins_of_today_are_counted(story, number):
    story.sign_in(number)
    today = management.stats.get_daily()[-1]
    assert today.logins >= 1 and today.signups >= 1
    assert management.stats.get_active_users_count() >= 1
