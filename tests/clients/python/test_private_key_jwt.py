"""A machine that proves itself by a signature instead of a secret, through auth0-python."""

import pytest
from auth0.authentication import GetToken
from auth0.authentication.exceptions import Auth0Error
from auth0.management.types import (
    ClientCreateAuthenticationMethod,
    ClientCreateAuthenticationMethodPrivateKeyJwt,
    PublicKeyCredential,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from world import domain, management


def new_key():
    """The public half to register, and the private half to sign with."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return public.decode(), private.decode()


def test_a_signature_opens_the_api_and_another_key_does_not(story):
    public, private = new_key()
    credential = PublicKeyCredential(name="first", credential_type="public_key", pem=public, alg="RS256")
    machine = management.clients.create(
        name="A machine",
        app_type="non_interactive",
        grant_types=["client_credentials"],
        client_authentication_methods=ClientCreateAuthenticationMethod(
            private_key_jwt=ClientCreateAuthenticationMethodPrivateKeyJwt(credentials=[credential])
        ),
    )
    audience = story.api.identifier
    management.client_grants.create(client_id=machine.client_id, audience=audience, scope=["read:messages"])

    def token_signed_with(key):
        get_token = GetToken(domain, machine.client_id, client_assertion_signing_key=key)
        return get_token.client_credentials(audience)

    assert token_signed_with(private)["scope"] == "read:messages"
    with pytest.raises(Auth0Error) as refusal:
        token_signed_with(new_key()[1])
    assert (refusal.value.status_code, refusal.value.error_code) == (401, "invalid_client")
