"""A database of passwords through auth0-python: sign-up, sign-in, and a link to choose a new password."""

import secrets

import pytest
from auth0.authentication import Database, GetToken
from auth0.authentication.exceptions import Auth0Error
from auth0.management.types import UpdateEnabledClientConnectionsRequestContentItem

from world import domain, management

REALM_GRANT = "http://auth0.com/oauth/grant-type/password-realm"
PASSWORD = "Correct horse battery 1"
REALM = f"users-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def credentials():
    connection = management.connections.create(name=REALM, strategy="auth0")
    application = management.clients.create(
        name="An application with passwords", app_type="regular_web", grant_types=["password", REALM_GRANT]
    )
    enabled = UpdateEnabledClientConnectionsRequestContentItem(client_id=application.client_id, status=True)
    management.connections.clients.update(connection.id, request=[enabled])
    return {"client_id": application.client_id, "client_secret": application.client_secret}


@pytest.fixture
def email():
    return f"{secrets.token_hex(4)}@example.org"


def sign_up(credentials, email, password=PASSWORD):
    return Database(domain, **credentials).signup(email, password, REALM)


def sign_in(credentials, email, password=PASSWORD):
    return GetToken(domain, **credentials).login(email, password, realm=REALM, grant_type=REALM_GRANT, scope="openid")


def test_a_person_signs_up_and_signs_in(credentials, email):
    user = sign_up(credentials, email)
    assert (user["email"], user["email_verified"], len(user["_id"])) == (email, False, 24)
    assert sign_in(credentials, email)["token_type"] == "Bearer"


def test_a_taken_address_a_weak_and_a_wrong_password_are_refused(credentials, email):
    sign_up(credentials, email)
    with pytest.raises(Auth0Error) as taken:
        sign_up(credentials, email)
    assert (taken.value.status_code, taken.value.error_code) == (400, "invalid_signup")
    with pytest.raises(Auth0Error) as weak:
        sign_up(credentials, email, "weak")
    assert (weak.value.status_code, weak.value.error_code) == (400, "invalid_password")
    with pytest.raises(Auth0Error) as wrong:
        sign_in(credentials, email, "wrong")
    assert (wrong.value.status_code, wrong.value.error_code) == (403, "invalid_grant")


def test_whoever_forgot_a_password_gets_the_same_answer_as_whoever_has_none(credentials, email):
    sign_up(credentials, email)
    for address in (email, f"x{email}"):
        answer = Database(domain, **credentials).change_password(address, REALM)
        assert answer == "We've just sent you an email to reset your password."
