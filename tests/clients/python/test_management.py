"""The Management API through auth0-python: everything an operator sets up, and what there is to see afterwards."""

import re

import pytest
from auth0.authentication import GetToken
from auth0.authentication.exceptions import Auth0Error
from auth0.management import BadRequestError, ManagementClient, NotFoundError, UnauthorizedError
from auth0.management.types import UpdateConnectionOptions

import world
from world import domain, management, settings


def test_the_sms_connection_keeps_the_options_it_was_given(story):
    sent = world.gateway_options(story.gateway, story.gateway.authentication)
    sent |= {"messaging_service_sid": None, "house_rule": ["x"]}
    updated = management.connections.update(story.connection.id, options=UpdateConnectionOptions(**sent))
    assert updated.options == sent
    assert management.connections.get(story.connection.id).options == sent

    shorter = world.gateway_options(story.gateway, story.gateway.authentication)
    management.connections.update(story.connection.id, options=UpdateConnectionOptions(**shorter))
    assert management.connections.get(story.connection.id).options == shorter


def test_a_secret_that_is_not_base64url_is_refused_and_not_repeated(story):
    authentication = story.gateway.authentication | {"secret": "not base64url, but private"}
    sent = world.gateway_options(story.gateway, authentication)
    with pytest.raises(BadRequestError) as refusal:
        management.connections.update(story.connection.id, options=UpdateConnectionOptions(**sent))
    assert refusal.value.status_code == 400
    message = refusal.value.body["message"]
    assert "options.gateway_authentication.secret" in message
    assert "private" not in message


def test_enabled_clients_are_listed(story):
    listed = [each.client_id for each in management.connections.clients.get(story.connection.id)]
    assert story.application.client_id in listed
    world.enable(story.connection.id, story.application.client_id, False)
    listed = [each.client_id for each in management.connections.clients.get(story.connection.id)]
    assert story.application.client_id not in listed
    world.enable(story.connection.id, story.application.client_id, True)


def test_a_client_is_created_listed_changed_and_deleted():
    created = management.clients.create(name="Short-lived")
    assert re.fullmatch(r"[A-Za-z0-9]{32}", created.client_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{64}", created.client_secret)
    assert created.client_id in [each.client_id for each in management.clients.list()]

    changed = management.clients.update(created.client_id, callbacks=["https://app.example/callback"])
    assert changed.callbacks == ["https://app.example/callback"]
    assert changed.name == "Short-lived"

    management.clients.delete(created.client_id)
    with pytest.raises(NotFoundError) as refusal:
        management.clients.get(created.client_id)
    assert refusal.value.body["errorCode"] == "inexistent_client"


def test_an_api_keeps_its_scopes(story):
    api = management.resource_servers.get(story.api.id)
    assert [(scope.value, scope.description) for scope in api.scopes] == [("read:messages", "Read messages")]
    assert api.identifier == story.api.identifier


def test_a_grant_opens_the_api_to_a_machine(story):
    with pytest.raises(Auth0Error) as refusal:
        story.get_token().client_credentials(story.api.identifier)
    assert (refusal.value.status_code, refusal.value.error_code) == (403, "access_denied")

    management.client_grants.create(
        client_id=story.application.client_id, audience=story.api.identifier, scope=["read:messages"]
    )
    tokens = story.get_token().client_credentials(story.api.identifier)
    assert tokens["scope"] == "read:messages"
    assert tokens["expires_in"] == 86400
    assert "refresh_token" not in tokens


def test_a_token_of_get_token_opens_the_management_api():
    machine = GetToken(domain, settings["management"]["client_id"], settings["management"]["client_secret"])
    token = machine.client_credentials(f"https://{domain}/api/v2/")["access_token"]
    with_token = ManagementClient(domain=domain, token=token)
    assert with_token.connections.get(world.sms_connection().id).name == "sms"

    with pytest.raises(UnauthorizedError) as refusal:
        ManagementClient(domain=domain, token=f"{token}x").connections.list()
    assert refusal.value.body["statusCode"] == 401


def test_users_are_found_changed_and_deleted(story, number):
    story.sign_in(number)
    user = world.user_of(number)
    assert re.fullmatch(r"sms\|[0-9a-f]{24}", user.user_id)
    assert user.phone_number == number
    assert user.phone_verified is True
    assert [(each.connection, each.provider, each.is_social) for each in user.identities] == [("sms", "sms", False)]

    management.users.update(user.user_id, user_metadata={"colour": "blue", "size": 4})
    changed = management.users.update(user.user_id, user_metadata={"colour": None})
    assert changed.user_metadata == {"size": 4}
    assert management.users.get(user.user_id).user_metadata == {"size": 4}

    management.users.delete(user.user_id)
    with pytest.raises(NotFoundError) as refusal:
        management.users.get(user.user_id)
    assert refusal.value.body["errorCode"] == "inexistent_user"
    assert world.user_of(number) is None


def test_users_and_the_log_are_searched(story, number):
    story.sign_in(number)
    found = list(management.users.list(q=f'phone_number:"{number}" AND identities.connection:"sms"'))
    assert [user.user_id for user in found] == [world.user_of(number).user_id]
    own = [event.log_id for event in management.users.logs.list(found[0].user_id)]
    assert own == [event.log_id for event in management.logs.list(search=f'user:"{number}" type:s')]
    assert len(own) == 2
    with pytest.raises(BadRequestError) as refusal:
        management.users.list(q="phone_number:(")
    assert refusal.value.body["errorCode"] == "invalid_query_string"


def test_a_blocked_user_gets_no_message_and_no_token(story, number):
    story.sign_in(number)
    user = world.user_of(number)
    code = story.send_code(number)
    management.users.update(user.user_id, blocked=True)
    before = len(story.gateway.messages)
    story.passwordless().sms(number)
    assert len(story.gateway.messages) == before
    with pytest.raises(Auth0Error) as refusal:
        story.get_token().passwordless_login(number, code, "sms", "openid", "")
    assert (refusal.value.status_code, refusal.value.error_code) == (401, "unauthorized")
    assert refusal.value.message == "user is blocked"


def test_the_logs_tell_the_story(story, number):
    story.sign_in(number)
    story.gateway.answer = 500
    with pytest.raises(Auth0Error):
        story.passwordless().sms(number)
    story.gateway.answer = 200

    user = world.user_of(number)
    mine = [event for event in management.logs.list(sort="date:1") if number in (event.user_name, sent_to(event))]
    assert [event.type for event in mine] == ["cs", "ss", "s", "f"]
    sent, signed_up, signed_in, failed = mine
    assert sent.details["body"]["phone_number"] == number
    assert signed_up.connection == signed_in.connection == "sms"
    assert signed_in.user_id == user.user_id
    assert failed.details["error"]["type"] == "sms_provider_error"


def sent_to(event):
    details = event.details or {}
    return (details.get("body") or {}).get("phone_number")


def test_a_rotated_secret_replaces_the_old_one(story):
    created = management.clients.create(name="Rotating", token_endpoint_auth_method="client_secret_post")
    management.client_grants.create(client_id=created.client_id, audience=story.api.identifier, scope=[])

    def token_with(secret):
        return GetToken(domain, created.client_id, secret).client_credentials(story.api.identifier)

    token_with(created.client_secret)
    rotated = management.clients.rotate_secret(created.client_id)
    assert rotated.client_secret != created.client_secret
    token_with(rotated.client_secret)
    with pytest.raises(Auth0Error) as refusal:
        token_with(created.client_secret)
    assert (refusal.value.status_code, refusal.value.error_code) == (401, "access_denied")
    assert refusal.value.message == "Unauthorized"
