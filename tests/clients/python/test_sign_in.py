"""Signing in through auth0-python: start, code, tokens, and every way it can go wrong."""

import re

import jwt
import pytest
from auth0.authentication import GetToken, Passwordless, Users
from auth0.authentication.exceptions import Auth0Error, TokenValidationError
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier

from world import domain, settings, wrong

JWKS_URL = f"{settings['issuer']}.well-known/jwks.json"


def verified(token, audience):
    """Checks a token as any API would: the key the token names, RS256 and nothing else, issuer, audience, expiry."""
    key = jwt.PyJWKClient(JWKS_URL).get_signing_key_from_jwt(token)
    return jwt.decode(
        token,
        key.key,
        algorithms=["RS256"],
        audience=audience,
        issuer=settings["issuer"],
        options={"require": ["exp", "iat", "sub"]},
    )


def refused(status, code, message):
    """Expects the SDK's own error, word for word."""
    return pytest.raises(Auth0Error, match=f"^{re.escape(f'{status}: {message}')}$", check=lambda e: e.error_code == code)


def test_starting_sends_exactly_one_message_through_the_gateway(story, number):
    before = len(story.gateway.messages)
    answer = story.passwordless().sms(number)
    assert re.fullmatch("[0-9a-f]{24}", answer.pop("_id"))
    assert answer == {"phone_number": number, "phone_verified": True}

    (message,) = story.gateway.messages[before:]
    assert re.fullmatch(r"Your verification code is: \d{6}", message.pop("body"))
    request = message.pop("req")
    assert message == {"recipient": number, "sender": "+15550009999"}
    assert request["ip"] == "127.0.0.1"
    assert request["user-agent"].startswith("Python/")


def test_the_code_brings_an_id_token_that_names_the_phone(story, number):
    tokens = story.sign_in(number, scope="openid profile phone")
    assert tokens["token_type"] == "Bearer"
    assert "refresh_token" not in tokens

    client_id = story.application.client_id
    claims = verified(tokens["id_token"], client_id)
    assert re.fullmatch(r"sms\|[0-9a-f]{24}", claims["sub"])
    assert claims["phone_number"] == number
    assert claims["phone_number_verified"] is True
    assert claims["name"] == number
    assert claims["exp"] - claims["iat"] == 36000

    # The SDK's verifier agrees, and does not accept the token for anybody else.
    signature = AsymmetricSignatureVerifier(JWKS_URL)
    assert TokenVerifier(signature, settings["issuer"], client_id).verify(tokens["id_token"]) == claims
    with pytest.raises(TokenValidationError):
        TokenVerifier(signature, settings["issuer"], "somebody else").verify(tokens["id_token"])


def test_without_an_audience_the_access_token_is_opaque_and_userinfo_knows_whose_it_is(story, number):
    tokens = story.sign_in(number, scope="openid profile phone")
    assert "." not in tokens["access_token"]
    profile = Users(domain).userinfo(tokens["access_token"])
    assert profile["sub"] == verified(tokens["id_token"], story.application.client_id)["sub"]
    assert profile["phone_number"] == number
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", profile["updated_at"])

    with refused(401, "invalid_token", "The access token is invalid or has expired"):
        Users(domain).userinfo("not-a-token")


def test_with_an_audience_the_access_token_is_what_the_api_expects(story, number):
    tokens = story.sign_in(number, scope="openid read:messages", audience=story.api.identifier)
    claims = verified(tokens["access_token"], story.api.identifier)
    assert claims["aud"] == [story.api.identifier, f"{settings['issuer']}userinfo"]
    assert claims["azp"] == story.application.client_id
    assert set(claims["scope"].split()) == {"openid", "read:messages"}
    assert claims["exp"] - claims["iat"] == tokens["expires_in"] == 86400
    with pytest.raises(jwt.InvalidAudienceError):
        verified(tokens["access_token"], "https://another.example/")


def test_a_scope_the_api_does_not_have_is_not_granted(story, number):
    tokens = story.sign_in(number, scope="openid read:messages delete:world", audience=story.api.identifier)
    assert "delete:world" not in verified(tokens["access_token"], story.api.identifier)["scope"]


def test_client_credentials(story):
    machine = GetToken(domain, settings["management"]["client_id"], settings["management"]["client_secret"])
    tokens = machine.client_credentials(f"{settings['issuer']}api/v2/")
    claims = verified(tokens["access_token"], f"{settings['issuer']}api/v2/")
    assert claims["sub"] == f"{settings['management']['client_id']}@clients"
    assert claims["gty"] == "client-credentials"
    assert "update:connections" in claims["scope"].split()


def test_the_refresh_token_brings_fresh_tokens_for_the_same_person(story, number):
    first = story.sign_in(number, scope="openid phone offline_access", audience=story.api.identifier)
    again = story.get_token().refresh_token(first["refresh_token"])
    client_id = story.application.client_id
    assert verified(again["id_token"], client_id)["sub"] == verified(first["id_token"], client_id)["sub"]
    assert verified(again["access_token"], story.api.identifier)["azp"] == client_id

    narrower = story.get_token().refresh_token(first["refresh_token"], scope="openid")
    assert "phone_number" not in verified(narrower["id_token"], client_id)


def test_an_unknown_refresh_token_is_worth_nothing(story):
    with refused(403, "invalid_grant", "Unknown or invalid refresh token."):
        story.get_token().refresh_token("not-a-token")


def test_a_wrong_code_then_the_right_one_and_never_again(story, number):
    code = story.send_code(number)
    wrong_code = "Wrong phone number or verification code."
    with refused(403, "invalid_grant", wrong_code):
        story.get_token().passwordless_login(number, wrong(code), "sms", "openid", "")
    story.get_token().passwordless_login(number, code, "sms", "openid", "")
    with refused(403, "invalid_grant", wrong_code):
        story.get_token().passwordless_login(number, code, "sms", "openid", "")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (201, "Unexpected response while calling the SMS gateway: 201"),
        (401, "Authentication failed while calling the SMS gateway: 401"),
        (500, "Unexpected response while calling the SMS gateway: 500"),
    ],
)
def test_a_gateway_that_does_not_answer_200_is_an_error(story, number, status, message):
    story.gateway.answer = status
    try:
        with refused(400, "sms_provider_error", message):
            story.passwordless().sms(number)
    finally:
        story.gateway.answer = 200


def test_a_gateway_with_another_secret_refuses_us(story, number):
    ours = story.gateway.authentication
    story.gateway.authentication = ours | {"secret": "AAAA" + ours["secret"]}
    try:
        with refused(400, "sms_provider_error", "Authentication failed while calling the SMS gateway: 401"):
            story.passwordless().sms(number)
    finally:
        story.gateway.authentication = ours


def test_a_public_client_signs_in_without_a_secret(story, number):
    """A native or single-page application: auth0-python sends no secret when it has none."""
    for client_id in [settings["native"]["client_id"], settings["spa"]["client_id"]]:
        Passwordless(domain, client_id).sms(number)
        code = story.code_for(number)
        tokens = GetToken(domain, client_id).passwordless_login(number, code, "sms", "openid phone", "")
        assert verified(tokens["id_token"], client_id)["phone_number"] == number


def test_a_confidential_client_without_its_secret_is_refused(story, number):
    with refused(401, "unauthorized_client", "Client authentication is required."):
        Passwordless(domain, story.application.client_id).sms(number)
    with refused(401, "access_denied", "Unauthorized"):
        Passwordless(domain, story.application.client_id, "a wrong secret, long enough").sms(number)

    code = story.send_code(number)
    with refused(401, "access_denied", "Unauthorized"):
        GetToken(domain, story.application.client_id).passwordless_login(number, code, "sms", "openid", "")
