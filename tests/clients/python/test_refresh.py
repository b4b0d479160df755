"""Refresh tokens through auth0-python: they rotate, a stolen one ends its family, and they can be revoked."""

import pytest
from auth0.authentication import RevokeToken
from auth0.authentication.exceptions import Auth0Error
from auth0.management.types import ClientRefreshTokenConfiguration

from world import domain, management


@pytest.fixture(scope="module", autouse=True)
def rotating(story):
    policy = ClientRefreshTokenConfiguration(rotation_type="rotating", expiration_type="expiring", leeway=0)
    management.clients.update(story.application.client_id, refresh_token=policy)


def sign_in(story, number):
    return story.sign_in(number, "openid offline_access", story.api.identifier)["refresh_token"]


def exchange(story, token):
    return story.get_token().refresh_token(token)["refresh_token"]


def is_over(story, token):
    with pytest.raises(Auth0Error) as refusal:
        exchange(story, token)
    assert (refusal.value.status_code, refusal.value.error_code) == (403, "invalid_grant")
    assert refusal.value.message == "Unknown or invalid refresh token."


def test_a_spent_token_ends_the_whole_family(story, number):
    first = sign_in(story, number)
    second = exchange(story, first)
    third = exchange(story, second)
    assert len({first, second, third}) == 3
    is_over(story, first)
    is_over(story, third)


def test_a_revoked_token_is_over(story, number):
    token = sign_in(story, number)
    RevokeToken(domain, **story.credentials()).revoke_refresh_token(token)
    is_over(story, token)
