//! A key that signs tokens, with its certificate and its place in the rotation (Auth0: "Signing keys").

use serde_json::{Map, Value};

use crate::kit::clock::{DAY, Millis, SECOND, rfc3339};
use crate::kit::jwt::RsaKey;
use crate::kit::rng::Rng;
use crate::kit::secret::Secret;
use crate::kit::{certificate, hash, ids};

/// Where a key stands in the rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Published, not yet signing.
    Next,
    /// Signing.
    Current,
    /// No longer signing; its tokens still verify.
    Previous,
    /// Withdrawn; its tokens verify no more.
    Revoked,
}

impl State {
    /// The stored word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Previous => "previous",
            Self::Revoked => "revoked",
        }
    }

    /// Reads the stored word.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Next, Self::Current, Self::Previous, Self::Revoked].into_iter().find(|state| state.name() == name)
    }
}

/// Longest life of a token that a signing key signs, in seconds: what clients and APIs may be set to at most.
pub const LONGEST_LIFETIME: i64 = 2_592_000;
/// How long after the end of its last token a previous key stays: the clocks of nodes and of APIs differ.
const MARGIN: Millis = DAY;

/// Where a key stands, and since when: enough to tell what time asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    state: State,
    current_since: Option<Millis>,
    current_until: Option<Millis>,
}

impl Standing {
    /// Whether it has signed for as long as `age`.
    pub fn is_due(&self, age: Millis, now: Millis) -> bool {
        self.state == State::Current && self.current_since.is_some_and(|since| since + age <= now)
    }

    /// Whether it signs no more and everything that it may have signed has ended, whatever lifetimes were set meanwhile.
    pub fn is_spent(&self, now: Millis) -> bool {
        self.state == State::Previous
            && self.current_until.is_some_and(|until| until + LONGEST_LIFETIME * SECOND + MARGIN <= now)
    }
}

/// One signing key.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// Key id, 21 characters of base64url.
    pub kid: String,
    /// Its place in the rotation.
    pub state: State,
    /// PKCS #8 DER as base64; empty once revoked.
    pub private_key: Secret,
    /// Self-signed certificate, DER.
    pub certificate: Vec<u8>,
    /// When it was made.
    pub created_at: Millis,
    /// Since when it signs or signed.
    pub current_since: Option<Millis>,
    /// Until when it signed.
    pub current_until: Option<Millis>,
    /// When it was revoked.
    pub revoked_at: Option<Millis>,
}

impl SigningKey {
    /// Makes an RSA-2048 key (about 75 ms: call it on a blocking thread). `None` only if the cryptography fails.
    pub fn generate(state: State, tenant: &str, rng: &Rng, now: Millis) -> Option<Self> {
        Self::from_pkcs8(&RsaKey::generate()?, ids::key(rng), state, tenant, now)
    }

    /// A key from PKCS #8 DER.
    pub fn from_pkcs8(der: &[u8], kid: String, state: State, tenant: &str, now: Millis) -> Option<Self> {
        Some(Self {
            kid,
            state,
            private_key: Secret::new(hash::base64(der)),
            certificate: certificate::self_signed(der, tenant).ok()?,
            created_at: now,
            current_since: (state == State::Current).then_some(now),
            current_until: None,
            revoked_at: None,
        })
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        Standing { state: self.state, current_since: self.current_since, current_until: self.current_until }
    }

    /// The key ready to sign; `None` once revoked.
    pub fn rsa(&self) -> Option<RsaKey> {
        RsaKey::from_pkcs8(&self.kid, &hash::from_any_base64(self.private_key.expose())?)
    }

    /// The certificate as PEM.
    pub fn certificate_pem(&self) -> String {
        certificate::pem("CERTIFICATE", &self.certificate)
    }

    /// The certificate in its PKCS #7 envelope, PEM.
    pub fn pkcs7_pem(&self) -> String {
        certificate::pem("PKCS7", &certificate::pkcs7(&self.certificate))
    }

    /// The object of `GET /api/v2/keys/signing`.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = Map::new();
        let mut set = |key: &str, value: Value| view.insert(key.to_owned(), value);
        set("kid", self.kid.as_str().into());
        set("cert", self.certificate_pem().into());
        set("pkcs7", self.pkcs7_pem().into());
        set("current", (self.state == State::Current).into());
        set("next", (self.state == State::Next).into());
        set("previous", (self.state == State::Previous).into());
        for (key, at) in [("current_since", self.current_since), ("current_until", self.current_until)] {
            if let Some(at) = at {
                set(key, rfc3339(at).into());
            }
        }
        set("fingerprint", certificate::fingerprint(&self.certificate).into());
        set("thumbprint", certificate::thumbprint(&self.certificate).into());
        set("revoked", (self.state == State::Revoked).into());
        if let Some(at) = self.revoked_at {
            set("revoked_at", rfc3339(at).into());
        }
        view
    }

    /// The JSON Web Key (RFC 7517) of `/.well-known/jwks.json`.
    pub fn jwk(&self) -> Option<Map<String, Value>> {
        let mut jwk = self.rsa()?.jwk();
        jwk.insert("use".into(), "sig".into());
        jwk.insert("alg".into(), "RS256".into());
        jwk.insert("x5t".into(), hash::base64url(&hash::sha1(&self.certificate)).into());
        jwk.insert("x5c".into(), vec![Value::from(hash::base64(&self.certificate))].into());
        Some(jwk)
    }
}
