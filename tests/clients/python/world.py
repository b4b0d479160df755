"""What every test needs: the running server, its Management API, and an application that may sign people in by SMS."""

import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auth0.authentication import GetToken, Passwordless
from auth0.management import ManagementClient
from auth0.management.types import (
    ClientJwtConfiguration,
    ResourceServerScope,
    UpdateConnectionOptions,
    UpdateEnabledClientConnectionsRequestContentItem,
)

from gateway import Gateway

OTP_GRANT = "http://auth0.com/oauth/grant-type/passwordless/otp"

# What `ringpass dev` wrote about itself: domain, issuer, clients and their secrets.
settings = json.loads(Path(os.environ["RINGPASS_DEV_JSON"]).read_text())
domain = settings["domain"]

management = ManagementClient(
    domain=domain,
    client_id=settings["management"]["client_id"],
    client_secret=settings["management"]["client_secret"],
)


@dataclass
class Story:
    gateway: Gateway
    connection: Any
    application: Any
    api: Any

    def credentials(self):
        return {"client_id": self.application.client_id, "client_secret": self.application.client_secret}

    def get_token(self):
        return GetToken(domain, **self.credentials())

    def passwordless(self):
        return Passwordless(domain, **self.credentials())

    def send_code(self, number):
        """Starts a sign-in and reads the code off the gateway, as a person reads it off the phone."""
        self.passwordless().sms(number)
        return self.code_for(number)

    def code_for(self, number):
        last = [message for message in self.gateway.messages if message["recipient"] == number][-1]
        return re.search(r"\d+$", last["body"]).group()

    def sign_in(self, number, scope="openid", audience=""):
        code = self.send_code(number)
        return self.get_token().passwordless_login(number, code, "sms", scope, audience)


def set_up():
    """A gateway the `sms` connection sends through, an API, and a confidential application that may use both."""
    authentication = new_authentication()
    gateway = Gateway(authentication)
    connection = sms_connection()
    options = gateway_options(gateway, authentication)
    management.connections.update(connection.id, options=UpdateConnectionOptions(**options))

    application = management.clients.create(
        name="A phone application",
        app_type="regular_web",
        token_endpoint_auth_method="client_secret_post",
        grant_types=[OTP_GRANT, "refresh_token", "client_credentials"],
        jwt_configuration=ClientJwtConfiguration(alg="RS256"),
    )
    enable(connection.id, application.client_id, True)
    api = management.resource_servers.create(
        name="Messages",
        identifier=f"https://messages.example/{secrets.token_hex(6)}",
        signing_alg="RS256",
        allow_offline_access=True,
        scopes=[ResourceServerScope(value="read:messages", description="Read messages")],
    )
    return Story(gateway, connection, application, api)


def sms_connection():
    return next(each for each in management.connections.list(strategy=["sms"]) if each.name == "sms")


def enable(connection_id, client_id, status):
    item = UpdateEnabledClientConnectionsRequestContentItem(client_id=client_id, status=status)
    management.connections.clients.update(connection_id, request=[item])


def user_of(number):
    """The newest users come first, so the one that just signed in is on the first page."""
    page = management.users.list(sort="created_at:-1")
    return next((user for user in page if user.phone_number == number), None)


def new_number():
    """A number that nobody has used yet: each test signs in a person of its own."""
    return f"+1555{secrets.randbelow(9_000_000) + 1_000_000}"


def new_authentication():
    return {
        "method": "bearer",
        "subject": "urn:Auth0",
        "audience": "urn:MySmsGateway",
        "secret": secrets.token_urlsafe(32),
        "secret_base64_encoded": True,
    }


def gateway_options(gateway, authentication):
    """Everything the `sms` connection has to know to send through your own gateway."""
    return {
        "name": "sms",
        "strategy": "sms",
        "provider": "sms_gateway",
        "gateway_url": gateway.url,
        "gateway_authentication": authentication,
        "from": "+15550009999",
        "template": "Your verification code is: @@password@@",
        "syntax": "md_with_macros",
        "totp": {"time_step": 300, "length": 6},
        "forward_req_info": "true",
        "brute_force_protection": True,
        "disable_signup": False,
    }


def wrong(code):
    """Six digits that are not the code."""
    return f"{(int(code) + 1) % 1_000_000:06}"
