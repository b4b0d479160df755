//! JSON Web Tokens in compact form (RFC 7515, RFC 7519): a few lines over keys that are parsed once and kept.
//!
//! Signing dominates the cost of a sign-in, and general libraries parse the private key again at every signature; this
//! file keeps an AWS-LC key pair ready instead. Verification always takes the algorithm from the caller, never from the
//! token, so `alg: none` and key confusion have no way in.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, RsaEncoding, RsaPublicKeyComponents};
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::hash::{base64url, from_base64url};

/// The signature algorithms (RFC 7518 §3.1) that clients and APIs may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Alg {
    /// HMAC with SHA-256; the key is a shared secret.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256; the default.
    #[default]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

impl Alg {
    /// The JOSE name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
        }
    }

    /// Reads the JOSE name; `None` for an algorithm we do not offer.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Hs256, Self::Rs256, Self::Rs512, Self::Ps256].into_iter().find(|alg| alg.name() == name)
    }

    fn rsa_encoding(self) -> &'static dyn RsaEncoding {
        match self {
            Self::Rs512 => &signature::RSA_PKCS1_SHA512,
            Self::Ps256 => &signature::RSA_PSS_SHA256,
            Self::Rs256 | Self::Hs256 => &signature::RSA_PKCS1_SHA256,
        }
    }

    fn rsa_parameters(self) -> &'static signature::RsaParameters {
        match self {
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Rs256 | Self::Hs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        }
    }
}

/// An RSA key that signs tokens. Cheap to clone.
#[derive(Clone)]
pub struct RsaKey {
    kid: Arc<str>,
    pair: Arc<KeyPair>,
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RsaKey").field(&self.kid).finish()
    }
}

impl RsaKey {
    /// Makes a new 2048-bit key and returns it as PKCS #8 DER. Takes about 75 ms; `None` only if AWS-LC fails.
    pub fn generate() -> Option<Zeroizing<Vec<u8>>> {
        let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let der = pair.as_der().ok()?;
        Some(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// Reads PKCS #8 DER once; `None` when it is no RSA key of at least 2048 bits.
    pub fn from_pkcs8(kid: &str, der: &[u8]) -> Option<Self> {
        Some(Self { kid: kid.into(), pair: Arc::new(KeyPair::from_pkcs8(der).ok()?) })
    }

    /// The key id in the header of every token it signs.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs `claims` with header `{alg, typ, kid}`. Costs one RSA signature (about 0.4 ms).
    pub fn sign<C: Serialize>(&self, alg: Alg, typ: &str, claims: &C) -> Option<String> {
        let mut token = signing_input(&Header { alg: alg.name(), typ, kid: Some(&self.kid) }, claims)?;
        let mut mark = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(alg.rsa_encoding(), &SystemRandom::new(), token.as_bytes(), &mut mark).ok()?;
        push_signature(&mut token, &mark);
        Some(token)
    }

    /// Whether `token` carries this key's signature made with `alg`.
    pub fn verifies(&self, alg: Alg, token: &Parsed<'_>) -> bool {
        let public = self.pair.public_key();
        let parts = RsaPublicKeyComponents {
            n: public.modulus().big_endian_without_leading_zero(),
            e: public.exponent().big_endian_without_leading_zero(),
        };
        token.alg() == alg.name()
            && parts.verify(alg.rsa_parameters(), token.input.as_bytes(), &token.signature).is_ok()
    }

    /// `kty`, `n` and `e` of the public key as a JSON Web Key (RFC 7517); the caller adds `use`, `alg` and certificates.
    pub fn jwk(&self) -> Map<String, Value> {
        let public = self.pair.public_key();
        let mut jwk = Map::new();
        jwk.insert("kty".into(), "RSA".into());
        jwk.insert("n".into(), base64url(public.modulus().big_endian_without_leading_zero()).into());
        jwk.insert("e".into(), base64url(public.exponent().big_endian_without_leading_zero()).into());
        jwk.insert("kid".into(), self.kid().into());
        jwk
    }
}

/// Signs `claims` with HS256 under `key`, header `{alg, typ}` (no `kid`: both sides know the one secret).
pub fn sign_hs256<C: Serialize>(key: &[u8], typ: &str, claims: &C) -> Option<String> {
    let mut token = signing_input(&Header { alg: "HS256", typ, kid: None }, claims)?;
    let mark = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), token.as_bytes());
    push_signature(&mut token, mark.as_ref());
    Some(token)
}

/// A token taken apart and not yet believed: check its signature before reading the claims.
#[derive(Debug)]
pub struct Parsed<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    input: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parsed<'a> {
    /// Splits a compact token; `None` when it is none.
    pub fn new(token: &'a str) -> Option<Self> {
        let (input, signature) = token.rsplit_once('.')?;
        let (header, claims) = input.split_once('.')?;
        let object = |part: &str| serde_json::from_slice(&from_base64url(part)?).ok();
        Some(Self { header: object(header)?, claims: object(claims)?, input, signature: from_base64url(signature)? })
    }

    /// The header.
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// What the signature is over.
    pub(super) fn input(&self) -> &str {
        self.input
    }

    /// The signature.
    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The `alg` of the header, for comparison only.
    pub fn alg(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    /// The `kid` of the header, to look the key up.
    pub fn kid(&self) -> &str {
        self.header.get("kid").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the token is HS256 under `key`.
    pub fn verifies_hs256(&self, key: &[u8]) -> bool {
        self.alg() == "HS256"
            && hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), self.input.as_bytes(), &self.signature).is_ok()
    }

    /// The claims; believe them only after a `verifies…` call.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

/// The header of a token that we sign.
#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

fn signing_input<C: Serialize>(header: &Header<'_>, claims: &C) -> Option<String> {
    let mut token = base64url(&serde_json::to_vec(header).ok()?);
    token.push('.');
    token.push_str(&base64url(&serde_json::to_vec(claims).ok()?));
    Some(token)
}

fn push_signature(token: &mut String, signature: &[u8]) {
    token.push('.');
    token.push_str(&base64url(signature));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The recorded vectors of the gateway token: one secret as text, one as base64url.
    #[test]
    fn gateway_vectors_hold() {
        let claims = json!({"sub": "urn:Auth0", "aud": "urn:MySmsGateway", "iat": 1_700_000_000, "exp": 1_700_000_300});
        let input = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1cm46QXV0aDAiLCJhdWQiOiJ1cm46TXlTbXNHYXRld2F5IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAzMDB9";
        let token = sign_hs256(b"gateway-secret-for-tests", "JWT", &claims).unwrap();
        assert_eq!(token, format!("{input}.Uch3mU6FMhPe7BjhUhhwLZXxeXccGBbptFzaEELi3vU"));
        let key = crate::kit::hash::from_any_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
        let token = sign_hs256(&key, "JWT", &claims).unwrap();
        assert_eq!(token, format!("{input}.__sXjhdpiXlux72lY_4giyFe4v4Yj4fFfWQBHls58KU"));
    }

    #[test]
    fn every_algorithm_verifies_as_itself_and_as_nothing_else() {
        let key = RsaKey::from_pkcs8("k1", &RsaKey::generate().unwrap()).unwrap();
        for alg in [Alg::Rs256, Alg::Rs512, Alg::Ps256] {
            let token = key.sign(alg, "JWT", &json!({"sub": "x"})).unwrap();
            let parsed = Parsed::new(&token).unwrap();
            assert!(key.verifies(alg, &parsed));
            assert_eq!(parsed.kid(), "k1");
            for other in [Alg::Rs256, Alg::Rs512, Alg::Ps256].into_iter().filter(|other| *other != alg) {
                assert!(!key.verifies(other, &parsed));
            }
        }
    }

    #[test]
    fn unsigned_changed_and_confused_tokens_fail() {
        let key = RsaKey::from_pkcs8("k1", &RsaKey::generate().unwrap()).unwrap();
        let token = key.sign(Alg::Rs256, "JWT", &json!({"sub": "x"})).unwrap();
        let (input, _) = token.rsplit_once('.').unwrap();
        let none = format!("{}.{}.", base64url(br#"{"alg":"none"}"#), base64url(br#"{"sub":"x"}"#));
        assert!(!key.verifies(Alg::Rs256, &Parsed::new(&none).unwrap()));
        let stripped = format!("{input}.");
        assert!(!key.verifies(Alg::Rs256, &Parsed::new(&stripped).unwrap()));
        let modulus = key.jwk()["n"].as_str().unwrap().to_owned();
        let confused = sign_hs256(modulus.as_bytes(), "JWT", &json!({"sub": "x"})).unwrap();
        assert!(!key.verifies(Alg::Rs256, &Parsed::new(&confused).unwrap()));
        for junk in ["", ".", "..", "a.b.c", "e30.e30", "e30.W10.e30"] {
            assert!(Parsed::new(junk).is_none(), "{junk}");
        }
    }
}
