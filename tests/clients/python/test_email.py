"""Signing in by a code from an e-mail through auth0-python. The mails lie in the inbox of `ringpass dev`."""

import json
import re
import secrets
import urllib.request

import jwt
import pytest
from auth0.authentication import GetToken, Passwordless
from auth0.authentication.exceptions import Auth0Error

from world import domain, settings, wrong


def mail_to(address):
    """The newest mail to somebody."""
    with urllib.request.urlopen(f"{settings['http_url']}/dev/messages") as answer:
        messages = json.load(answer)
    return next(each for each in messages if each["channel"] == "email" and each["recipient"] == address)


def test_a_code_from_a_mail_signs_in():
    web = settings["web"]
    email = f"ada.{secrets.token_hex(6)}@mail.example"
    passwordless = Passwordless(domain, web["client_id"], client_secret=web["client_secret"])
    answer = passwordless.email(email, send="code")
    assert re.fullmatch("[0-9a-f]{24}", answer.pop("_id"))
    assert answer == {"email": email, "email_verified": True}

    mail = mail_to(email)
    code = re.search(r"\b\d{6}\b", mail["body"]).group()
    token = GetToken(domain, web["client_id"], client_secret=web["client_secret"])

    def log_in(otp):
        return token.passwordless_login(username=email, otp=otp, realm="email", scope="openid email", audience="")

    with pytest.raises(Auth0Error, match="Wrong email or verification code."):
        log_in(wrong(code))
    claims = jwt.decode(log_in(code)["id_token"], options={"verify_signature": False})
    assert re.fullmatch(r"email\|[0-9a-f]{24}", claims["sub"])
    assert (claims["email"], claims["email_verified"]) == (email, True)
