//! A credential of a client: the public key that checks the assertions with which it proves itself
//! (<https://auth0.com/docs/api/management/v2/clients/post-credentials>; `docs/COMPATIBILITY.md` C1101-C1112).

use serde_json::{Map, Value};

use super::schema::{self, Field, Format, Invalid, Kind, List, Object, field};
use crate::kit::clock::{Millis, parse_rfc3339, rfc3339};
use crate::kit::ids;
use crate::kit::public_key::{Alg, Pasted, PublicKey};
use crate::kit::rng::Rng;

/// Most public keys of one client that have not expired.
pub const MAX_ACTIVE: usize = 2;

/// A credential of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCredential {
    /// `cred_` and 22 letters.
    pub id: String,
    /// Whose it is.
    pub client_id: String,
    /// What people call it.
    pub name: Option<String>,
    /// Key id: the key's thumbprint, unless another was chosen.
    pub kid: String,
    /// The one algorithm it is good for.
    pub alg: Alg,
    /// The key, a DER `SubjectPublicKeyInfo`.
    pub public_key: Vec<u8>,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
    /// When it ends, if it does.
    pub expires_at: Option<Millis>,
}

/// A credential ready to check assertions.
#[derive(Debug, Clone)]
pub struct ProvingKey {
    /// Its key id.
    pub kid: String,
    /// Its algorithm.
    pub alg: Alg,
    /// When it ends, if it does.
    pub expires_at: Option<Millis>,
    /// The key, parsed.
    pub key: PublicKey,
}

impl ClientCredential {
    /// A new credential from the body of `POST /clients/{id}/credentials`.
    pub fn create(client_id: &str, body: &Value, rng: &Rng, now: Millis) -> Result<Self, Invalid> {
        Self::from_members(client_id, schema::check(&CREATE, body)?, "", rng, now)
    }

    /// The same from members that were checked and stand at `path` of a larger body.
    pub fn from_members(
        client_id: &str,
        body: &Map<String, Value>,
        path: &str,
        rng: &Rng,
        now: Millis,
    ) -> Result<Self, Invalid> {
        let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let kind = text("credential_type").unwrap_or_default();
        if kind != PUBLIC_KEY {
            let reason = format!("{kind} is for mutual TLS, which this server does not offer: use {PUBLIC_KEY}");
            return Err(Invalid::payload(&reason, &at("credential_type"), ""));
        }
        if text("subject_dn").is_some() {
            return Err(Invalid::payload("A public_key has no subject_dn", &at("subject_dn"), ""));
        }
        let pem = text("pem").ok_or_else(|| Invalid::payload("Missing required property: pem", path, ""))?;
        let pasted = Pasted::read(pem).map_err(|why| Invalid::payload(&why.to_string(), &at("pem"), ""))?;
        let alg = text("alg").and_then(Alg::parse).unwrap_or_else(|| pasted.default_alg());
        pasted.suits(alg).map_err(|why| Invalid::payload(&why, &at("alg"), ""))?;
        let from_certificate = body.get("parse_expiry_from_cert").and_then(Value::as_bool).unwrap_or(false);
        let ends = pasted.certificate_ends.filter(|_| from_certificate);
        Ok(Self {
            id: ids::client_credential(rng),
            client_id: client_id.to_owned(),
            name: text("name").map(str::to_owned),
            kid: text("kid").map_or(pasted.thumbprint, str::to_owned),
            alg,
            public_key: pasted.spki,
            created_at: now,
            updated_at: now,
            expires_at: text("expires_at").and_then(parse_rfc3339).or(ends),
        })
    }

    /// Checks the body of `PATCH /clients/{id}/credentials/{credential_id}`: only the expiry can change.
    pub fn patch(body: &Value) -> Result<&Map<String, Value>, Invalid> {
        schema::check(&UPDATE, body)
    }

    /// Applies what [`ClientCredential::patch`] checked; a null takes the expiry away.
    pub fn apply(&mut self, patch: &Map<String, Value>, now: Millis) {
        if let Some(expires_at) = patch.get("expires_at") {
            self.expires_at = expires_at.as_str().and_then(parse_rfc3339);
        }
        self.updated_at = now;
    }

    /// Whether it has not ended.
    pub fn is_active(&self, now: Millis) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }

    /// The object on the wire. The key itself is not part of it.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = Map::new();
        let mut set = |name: &str, value: Value| view.insert(name.to_owned(), value);
        set("id", self.id.as_str().into());
        set("credential_type", PUBLIC_KEY.into());
        set("kid", self.kid.as_str().into());
        set("alg", self.alg.name().into());
        if let Some(name) = &self.name {
            set("name", name.as_str().into());
        }
        set("created_at", rfc3339(self.created_at).into());
        set("updated_at", rfc3339(self.updated_at).into());
        if let Some(at) = self.expires_at {
            set("expires_at", rfc3339(at).into());
        }
        view
    }

    /// The key parsed; `None` only for a row that was not written by us.
    pub fn proving_key(&self) -> Option<ProvingKey> {
        let key = PublicKey::new(&self.public_key, self.alg)?;
        Some(ProvingKey { kid: self.kid.clone(), alg: self.alg, expires_at: self.expires_at, key })
    }
}

const PUBLIC_KEY: &str = "public_key";

/// `client_authentication_methods` in `POST /clients`: whole credentials.
pub const NEW_METHODS: Object = Object {
    fields: &[&[field("private_key_jwt", Kind::Object(&NEW), "Signed assertions")]],
    required: &["private_key_jwt"],
    open: false,
};

/// The same in `PATCH /clients/{id}`: credentials of the client, by their ids.
pub const ATTACHED_METHODS: Object = Object {
    fields: &[&[field("private_key_jwt", Kind::Object(&ATTACHED), "Signed assertions")]],
    required: &["private_key_jwt"],
    open: false,
};

const NEW: Object = list_of(&[&[field("credentials", Kind::List(&NEW_LIST), "Credentials of the client")]]);
const NEW_LIST: List = List { items: Kind::Object(&CREATE), min: 1, max: MAX_ACTIVE, unique: false };
const ATTACHED: Object = list_of(&[&[field("credentials", Kind::List(&ATTACHED_LIST), "Credentials of the client")]]);
const ATTACHED_LIST: List = List { items: Kind::Object(&REFERENCE), min: 1, max: 10, unique: true };
const REFERENCE: Object =
    Object { fields: &[&[field("id", Kind::TEXT, "Id of a credential")]], required: &["id"], open: false };

const fn list_of(fields: &'static [&'static [Field]]) -> Object {
    Object { fields, required: &["credentials"], open: false }
}

/// `POST /clients/{id}/credentials`, and each credential inside `POST /clients`.
const CREATE: Object = Object {
    fields: &[&[
        field("credential_type", Kind::OneOf(&[PUBLIC_KEY, "cert_subject_dn", "x509_cert"]), "Kind of credential"),
        field("name", Kind::Text(1, 128), "Name of the credential"),
        field("subject_dn", Kind::Text(1, 256), "Subject of a certificate"),
        field("pem", Kind::Text(1, 4096), "Public key or X.509 certificate, PEM"),
        field("alg", Kind::OneOf(ALGS), "Algorithm of the signatures"),
        field("parse_expiry_from_cert", Kind::Bool, "Whether it ends with its certificate"),
        field("expires_at", Kind::Format(&DATE), "When it ends"),
        field("kid", Kind::Format(&KID), "Key id"),
    ]],
    required: &["credential_type"],
    open: false,
};

const UPDATE: Object =
    Object { fields: &[&[field("expires_at", Kind::Format(&DATE), "When it ends")]], required: &[], open: false };

const ALGS: &[&str] = &["RS256", "RS384", "PS256", "PS384", "ES256", "ES384"];
const DATE: Format = Format { name: "date-time", is_pattern: false, holds: |text| parse_rfc3339(text).is_some() };
const KID: Format = Format {
    name: "^([0-9a-zA-Z-_]{10,64})$",
    is_pattern: true,
    holds: |kid| {
        (10..=64).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    },
};
