//! The floor's keyed hashes and signatures, over keys made once at its start.

use std::time::UNIX_EPOCH;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;

use super::store::Mac;
use crate::load::AUDIENCE;
use crate::{Result, random};

/// The keys of one run.
pub(super) struct Keys {
    codes: hmac::Key,
    gateway: hmac::Key,
    tokens: KeyPair,
    random: SystemRandom,
}

impl Keys {
    pub(super) fn make() -> Result<Self> {
        Ok(Self {
            codes: hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()?),
            gateway: hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()?),
            tokens: KeyPair::generate(KeySize::Rsa2048)?,
            random: SystemRandom::new(),
        })
    }

    /// The keyed hash under which a code is stored.
    pub(super) fn mac(&self, number: &str, code: &str) -> Result<Mac> {
        Ok(hmac::sign(&self.codes, format!("{number} {code}").as_bytes()).as_ref().try_into()?)
    }

    /// The HS256 token that goes with one message.
    pub(super) fn gateway_token(&self, now: i64) -> Result<String> {
        let id = BASE64URL.encode(random::bytes::<16>()?);
        let claims = format!(
            r#"{{"sub":"urn:Auth0","aud":"urn:BenchGateway","iss":"http://127.0.0.1/","iat":{now},"exp":{},"jti":"{id}"}}"#,
            now + 300
        );
        let mut token = signing_input(r#"{"alg":"HS256","typ":"JWT"}"#, &claims);
        let tag = hmac::sign(&self.gateway, token.as_bytes());
        push_signature(&mut token, tag.as_ref());
        Ok(token)
    }

    /// The answer of the token endpoint: two RS256 tokens and their frame.
    pub(super) fn answer(&self, number: &str, now: i64) -> Result<String> {
        let common = format!(
            r#""iss":"http://127.0.0.1/","sub":"sms|6492b5a75bedeae7449299fa","iat":{now},"exp":{}"#,
            now + 86_400
        );
        let id = format!(
            r#"{{{common},"aud":"bench","sid":"0123456789abcdef0123456789abcdef","name":"{number}","nickname":"","picture":"https://cdn.example/avatar.png","phone_number":"{number}","phone_number_verified":true,"phone_verified":true,"updated_at":"2026-01-01T00:00:00.000Z"}}"#
        );
        let access = format!(
            r#"{{{common},"aud":["{AUDIENCE}","http://127.0.0.1/userinfo"],"scope":"openid profile phone","azp":"bench","gty":"passwordless"}}"#
        );
        Ok(format!(
            r#"{{"access_token":"{}","id_token":"{}","scope":"openid profile phone","expires_in":86400,"token_type":"Bearer"}}"#,
            self.rs256(&access)?,
            self.rs256(&id)?
        ))
    }

    fn rs256(&self, claims: &str) -> Result<String> {
        let mut token = signing_input(r#"{"alg":"RS256","typ":"JWT","kid":"floor-key-of-this-run"}"#, claims);
        let mut signature = [0; 256];
        self.tokens.sign(&RSA_PKCS1_SHA256, &self.random, token.as_bytes(), &mut signature)?;
        push_signature(&mut token, &signature);
        Ok(token)
    }
}

/// A fresh code of six digits.
pub(super) fn code() -> Result<String> {
    Ok(format!("{:06}", u64::from_be_bytes(random::bytes()?) % 1_000_000))
}

/// Unix time in seconds.
#[expect(clippy::disallowed_methods, reason = "the benchmark stands apart from the server and its Clock")]
pub(super) fn now() -> Result<i64> {
    Ok(i64::try_from(std::time::SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

fn signing_input(head: &str, claims: &str) -> String {
    let mut token = String::with_capacity(1_024);
    BASE64URL.encode_string(head, &mut token);
    token.push('.');
    BASE64URL.encode_string(claims, &mut token);
    token
}

fn push_signature(token: &mut String, signature: &[u8]) {
    token.push('.');
    BASE64URL.encode_string(signature, token);
}
