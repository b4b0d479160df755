"""Second factors through auth0-python. It knows the settings and a demand; for the calls of the MFA API there is its `post`."""

import base64
import hmac
import re
import secrets
import struct
import time

import pytest
from auth0.authentication import GetToken
from auth0.authentication.exceptions import Auth0Error
from auth0.management.core import ApiError
from auth0.management.types import UpdateEnabledClientConnectionsRequestContentItem

import world
from twilio import Twilio
from world import domain, management, settings

GRANT = "http://auth0.com/oauth/grant-type/mfa-"
REALM_GRANT = "http://auth0.com/oauth/grant-type/password-realm"
PASSWORD = "Correct horse battery 1"
REALM = f"members-{secrets.token_hex(4)}"
MASKED = re.compile(r".(?=.{4})")


class Member(GetToken):
    """A person with a password and a phone, at an application that signs people in."""

    def __init__(self, application, twilio):
        super().__init__(domain, application.client_id, application.client_secret)
        self.twilio = twilio
        self.number = world.new_number()
        self.email = f"{secrets.token_hex(4)}@example.org"
        self.user_id = management.users.create(connection=REALM, email=self.email, password=PASSWORD).user_id

    def demand(self, **wishes):
        """What the password gets: the SDK's own error, with all that the server said."""
        with pytest.raises(Auth0Error) as demand:
            self.login(self.email, PASSWORD, realm=REALM, scope=wishes.pop("scope", "openid"), **wishes)
        assert (demand.value.status_code, demand.value.error_code) == (403, "mfa_required")
        return demand.value.content["mfa_token"], demand.value.content["mfa_requirements"]

    def associate(self, token, **what):
        return self.post(f"https://{domain}/mfa/associate", what, {"Authorization": f"Bearer {token}"})

    def enroll_phone(self, channel="sms"):
        """Enrols the phone with the first sign-in; what `/mfa/associate` answered, and the tokens."""
        mfa_token, _ = self.demand()
        phone = {"authenticator_types": ["oob"], "oob_channels": [channel], "phone_number": self.number}
        made = self.associate(mfa_token, **phone)
        return made, self.prove("oob", mfa_token, oob_code=made["oob_code"], binding_code=self.code(channel))

    def code(self, channel="sms"):
        return (self.twilio.code_read if channel == "sms" else self.twilio.code_heard)(self.number)

    def authenticators(self, token):
        return self.get(f"https://{domain}/mfa/authenticators", headers={"Authorization": f"Bearer {token}"})

    def challenge(self, mfa_token, **which):
        fields = {"client_id": self.client_id, "mfa_token": mfa_token, "challenge_type": "oob otp"} | which
        return self.authenticated_post(f"https://{domain}/mfa/challenge", fields)

    def prove(self, way, mfa_token, **proof):
        fields = {"client_id": self.client_id, "grant_type": GRANT + way, "mfa_token": mfa_token} | proof
        return self.authenticated_post(f"https://{domain}/oauth/token", fields)


def refused(status, code, message):
    """Expects the SDK's own error, word for word."""
    return pytest.raises(Auth0Error, match=f"^{re.escape(f'{status}: {message}')}$", check=lambda e: e.error_code == code)


def shown(secret, steps=0):
    """What an authenticator application shows (RFC 6238)."""
    mac = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + steps), "sha1")
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.fixture(scope="module")
def twilio():
    """Everybody is asked for a second factor; texts and calls go through Twilio."""
    twilio = Twilio()
    factors = management.guardian.factors
    for name in ["sms", "otp", "recovery-code"]:
        assert factors.set(name, enabled=True).enabled
    assert factors.phone.set_message_types(message_types=["sms", "voice"]).message_types == ["sms", "voice"]
    assert factors.phone.set_provider(provider="twilio").provider == "twilio"
    factors.phone.set_twilio_provider(sid=twilio.sid, auth_token=twilio.token, from_="+15550009999")
    assert factors.phone.get_twilio_provider().sid == twilio.sid
    assert management.guardian.policies.set(request=["all-applications"]) == ["all-applications"]
    yield twilio
    twilio.close()
    management.guardian.policies.set(request=[])
    for name in ["sms", "otp", "recovery-code"]:
        factors.set(name, enabled=False)
    factors.phone.set_message_types(message_types=[])
    factors.phone.set_provider(provider="auth0")


@pytest.fixture(scope="module")
def application(twilio):
    database = management.connections.create(name=REALM, strategy="auth0")
    grants = [REALM_GRANT, *(GRANT + way for way in ["oob", "otp", "recovery-code"])]
    made = management.clients.create(name="A members' area", app_type="regular_web", grant_types=grants)
    enabled = UpdateEnabledClientConnectionsRequestContentItem(client_id=made.client_id, status=True)
    management.connections.clients.update(database.id, request=[enabled])
    return made


@pytest.fixture
def member(application, twilio):
    return Member(application, twilio)


def test_a_password_asks_for_a_second_factor_and_a_phone_is_enrolled(member):
    mfa_token, requirements = member.demand()
    assert requirements == {"enroll": [{"type": "phone"}, {"type": "otp"}]}
    not_enrolled = "User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator."
    with refused(401, "unsupported_challenge_type", not_enrolled):
        member.challenge(mfa_token)
    made, tokens = member.enroll_phone()
    assert (made["authenticator_type"], made["oob_channel"], made["binding_method"]) == ("oob", "sms", "prompt")
    assert re.fullmatch("[0-9A-Z]{24}", made["recovery_codes"][0])
    assert tokens["token_type"] == "Bearer" and tokens["id_token"]
    assert member.demand()[1] == {"challenge": [{"type": "phone"}, {"type": "recovery-code"}]}


def test_a_call_speaks_the_code(member):
    made, _ = member.enroll_phone("voice")
    assert made["oob_channel"] == "voice"
    mfa_token, _ = member.demand()
    listed = member.authenticators(mfa_token)
    assert [each["id"].split("|")[0] for each in listed] == ["sms", "voice", "recovery-code"]
    assert listed[0]["name"] == MASKED.sub("X", member.number)
    challenge = member.challenge(mfa_token, authenticator_id=listed[1]["id"])
    assert challenge["challenge_type"] == "oob"
    wrong = world.wrong(member.code("voice"))
    with refused(403, "invalid_grant", "Invalid binding_code."):
        member.prove("oob", mfa_token, oob_code=challenge["oob_code"], binding_code=wrong)
    member.prove("oob", mfa_token, oob_code=challenge["oob_code"], binding_code=member.code("voice"))
    with refused(403, "expired_token", "mfa_token is expired"):
        member.prove("oob", mfa_token, oob_code=challenge["oob_code"], binding_code=member.code("voice"))


def test_an_application_is_added_with_a_token_for_the_mfa_api_and_removed(member):
    member.enroll_phone()
    scope = "enroll read:authenticators remove:authenticators"
    mfa_token, _ = member.demand(audience=f"{settings['issuer']}mfa/", scope=scope)
    with refused(403, "access_denied", "User is already enrolled."):
        member.associate(mfa_token, authenticator_types=["otp"])
    oob_code = member.challenge(mfa_token)["oob_code"]
    token = member.prove("oob", mfa_token, oob_code=oob_code, binding_code=member.code())["access_token"]

    secret = member.associate(token, authenticator_types=["otp"])["secret"]
    member.prove("otp", token, otp=shown(secret))
    mfa_token, requirements = member.demand()
    assert {"type": "otp"} in requirements["challenge"]
    with refused(403, "invalid_grant", "Invalid otp_code."):
        member.prove("otp", mfa_token, otp=shown(secret, 9))
    # The step of the confirmation is used up; the next one is within the window.
    member.prove("otp", mfa_token, otp=shown(secret, 1))

    totp = next(each["id"] for each in member.authenticators(token) if each["authenticator_type"] == "otp")
    member.client.base_headers["Authorization"] = f"Bearer {token}"
    member.client.delete(f"https://{domain}/mfa/authenticators/{totp.replace('|', '%7C')}")
    assert "otp" not in [each["authenticator_type"] for each in member.authenticators(token)]


def test_a_recovery_code_is_good_once_and_an_administrator_makes_another(member):
    made, _ = member.enroll_phone()

    def recover(code):
        return member.prove("recovery-code", member.demand()[0], recovery_code=code)["recovery_code"]

    following = recover(made["recovery_codes"][0])
    assert recover(following) != following
    with refused(403, "invalid_grant", "Invalid recovery_code."):
        recover(following)
    recover(management.users.regenerate_recovery_code(member.user_id).recovery_code)


def test_an_administrator_sees_the_phone_and_takes_it_away(member):
    member.enroll_phone()
    methods = list(management.users.authentication_methods.list(member.user_id))
    assert {each.type for each in methods} == {"phone", "recovery-code"}
    phone = next(each for each in methods if each.type == "phone")
    assert (phone.phone_number, phone.confirmed) == (member.number, True)
    (enrollment,) = management.users.enrollments.get(member.user_id)
    assert management.guardian.enrollments.get(enrollment.id).status == "confirmed"
    management.guardian.enrollments.delete(enrollment.id)
    with pytest.raises(ApiError, check=lambda error: error.status_code == 404):
        management.guardian.enrollments.get(enrollment.id)
    assert "enroll" in member.demand()[1]


def test_the_built_in_sender_does_without_twilio(member):
    management.guardian.factors.phone.set_provider(provider="auth0")
    mfa_token, _ = member.demand()
    phone = {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": member.number}
    made = member.associate(mfa_token, **phone)
    inbox = member.get(f"{settings['http_url']}/dev/messages")
    text = next(each["body"] for each in inbox if each["recipient"] == member.number)
    binding_code = re.search(r"\b\d{6}\b", text).group()
    member.prove("oob", mfa_token, oob_code=made["oob_code"], binding_code=binding_code)
    with refused(400, "invalid_request", "There was an error making the voice call"):
        mfa_token, _ = member.demand()
        voice = next(each["id"] for each in member.authenticators(mfa_token) if each["id"].startswith("voice"))
        member.challenge(mfa_token, authenticator_id=voice)
    management.guardian.factors.phone.set_provider(provider="twilio")
