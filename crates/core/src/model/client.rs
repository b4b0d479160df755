//! A client: an application record with its id and secret; everything else is kept as sent in a closed list of members
//! (<https://auth0.com/docs/api/management/v2/clients>).

use serde_json::{Map, Value, json};

use super::client_credential::ClientCredential;
use super::client_fields::{CREATE, UPDATE};
use super::connection::texts;
use super::schema::{self, Invalid};
use crate::kit::clock::Millis;
use crate::kit::ids;
use crate::kit::jwt::Alg;
use crate::kit::rng::Rng;
use crate::kit::secret::Secret;

/// A client.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// 32 letters, or what the operator chose for the first administrator.
    pub id: String,
    /// Every client has one, public clients too; it also signs HS256 ID tokens.
    pub secret: Secret,
    /// The one client named `All Applications` that always exists and signs nobody in.
    pub is_global: bool,
    /// Every other member, as on the wire.
    pub doc: Map<String, Value>,
    /// When it was made.
    pub created_at: Millis,
}

/// How a client proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// Not at all: a public client.
    None,
    /// Secret in the body; either transport is accepted for either secret method.
    SecretPost,
    /// Secret in the Basic header.
    SecretBasic,
    /// A signed assertion.
    PrivateKeyJwt,
}

/// How refresh tokens of a client live. All times are seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Whether each use gives a new token and spends the old one.
    pub rotating: bool,
    /// How long a spent token may still be used once more.
    pub leeway: i64,
    /// Longest life of a chain of tokens; `None` for no end.
    pub lifetime: Option<i64>,
    /// Longest time between uses; `None` for no end.
    pub idle: Option<i64>,
}

impl Client {
    /// A new client that proves itself with a secret, or not at all.
    pub fn create(body: &Value, rng: &Rng, now: Millis) -> Result<Self, Invalid> {
        let (client, credentials) = Self::create_with_credentials(body, rng, now)?;
        if credentials.is_empty() { Ok(client) } else { Err(Invalid::body("Credentials have no place here")) }
    }

    /// A new client from the body of `POST /clients`, and the credentials that stand whole in it; the client keeps their
    /// ids.
    pub fn create_with_credentials(
        body: &Value,
        rng: &Rng,
        now: Millis,
    ) -> Result<(Self, Vec<ClientCredential>), Invalid> {
        let mut body = schema::without_nulls(schema::check(&CREATE, body)?);
        check_refresh_token(&body)?;
        let methods = body.remove(METHODS);
        let mut client = Self {
            id: ids::client(rng),
            secret: Secret::new(ids::client_secret(rng)),
            is_global: false,
            doc: Map::new(),
            created_at: now,
        };
        client.doc.insert("name".into(), Value::Null);
        client.doc.extend(defaults(body.get("app_type").and_then(Value::as_str).unwrap_or_default()));
        let mut credentials = Vec::new();
        if let Some(methods) = methods {
            client.doc.remove("token_endpoint_auth_method");
            for (index, whole) in
                listed(&methods).iter().enumerate().filter_map(|(at, one)| Some((at, one.as_object()?)))
            {
                let path = format!("{METHODS}.private_key_jwt.credentials[{index}]");
                credentials.push(ClientCredential::from_members(&client.id, whole, &path, rng, now)?);
            }
            let ids: Vec<Value> = credentials.iter().map(|credential| json!({"id": credential.id})).collect();
            client.doc.insert(METHODS.into(), json!({"private_key_jwt": {"credentials": ids}}));
        }
        client.merge(&body);
        client.check()?;
        Ok((client, credentials))
    }

    /// The client `All Applications`, which carries the classic log-in page.
    pub fn global(rng: &Rng, now: Millis) -> Self {
        let mut doc = Map::new();
        doc.insert("name".into(), "All Applications".into());
        doc.insert("callbacks".into(), json!([]));
        doc.insert("is_first_party".into(), true.into());
        doc.insert("cross_origin_authentication".into(), false.into());
        doc.insert("custom_login_page_on".into(), true.into());
        doc.insert("refresh_token".into(), refresh_defaults(""));
        Self {
            id: ids::client(rng),
            secret: Secret::new(ids::client_secret(rng)),
            is_global: true,
            doc,
            created_at: now,
        }
    }

    /// What stands for the application where there is none but the tenant itself. It is nobody's and is not stored.
    pub fn of_tenant(name: &str) -> Self {
        let doc = Map::from_iter([("name".to_owned(), name.into())]);
        Self { id: String::new(), secret: Secret::new(""), is_global: true, doc, created_at: 0 }
    }

    /// Applies the body of `PATCH /clients/{id}`: members merge, nested objects are replaced, a null removes.
    pub fn apply(&mut self, patch: &Value) -> Result<(), Invalid> {
        let patch = schema::check(&UPDATE, patch)?;
        check_refresh_token(patch)?;
        let mut changed = self.clone();
        if let Some(secret) = patch.get("client_secret").and_then(Value::as_str) {
            changed.secret = Secret::new(secret);
        }
        changed.merge(patch);
        changed.check()?;
        *self = changed;
        Ok(())
    }

    /// Draws a new secret.
    pub fn rotate_secret(&mut self, rng: &Rng) {
        self.secret = Secret::new(ids::client_secret(rng));
    }

    /// The object on the wire with every member. `signing_keys` is the array that all clients share.
    pub fn view(&self, tenant: &str, signing_keys: &Value) -> Map<String, Value> {
        let mut view = Map::new();
        view.insert("tenant".into(), tenant.into());
        view.insert("global".into(), self.is_global.into());
        view.extend(self.doc.clone());
        view.insert("client_id".into(), self.id.clone().into());
        view.insert("client_secret".into(), self.secret.expose().into());
        view.insert("signing_keys".into(), signing_keys.clone());
        view.insert("callback_url_template".into(), false.into());
        view
    }

    /// The name that people see.
    pub fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// The grant types it may use.
    pub fn grant_types(&self) -> Vec<String> {
        texts(self.doc.get("grant_types"))
    }

    /// Whether it may use this grant type.
    pub fn allows_grant(&self, grant_type: &str) -> bool {
        let listed = self.doc.get("grant_types").and_then(Value::as_array);
        listed.is_some_and(|listed| listed.iter().any(|allowed| allowed.as_str() == Some(grant_type)))
    }

    /// The credentials attached to it, by their ids.
    pub fn credential_ids(&self) -> Vec<&str> {
        let attached = self.doc.get(METHODS).map_or(&[][..], listed);
        attached.iter().filter_map(|one| one.get("id")?.as_str()).collect()
    }

    /// How it proves itself; `client_secret_post` when nothing was said.
    pub fn auth_method(&self) -> AuthMethod {
        if self.doc.contains_key(METHODS) {
            return AuthMethod::PrivateKeyJwt;
        }
        match self.text("token_endpoint_auth_method") {
            Some("none") => AuthMethod::None,
            Some("client_secret_basic") => AuthMethod::SecretBasic,
            _ => AuthMethod::SecretPost,
        }
    }

    /// Whether it cannot keep a secret.
    pub fn is_public(&self) -> bool {
        self.auth_method() == AuthMethod::None
    }

    /// Addresses that may receive codes and tokens.
    pub fn callbacks(&self) -> Vec<String> {
        texts(self.doc.get("callbacks"))
    }

    /// Origins that may call from a browser.
    pub fn allowed_origins(&self) -> Vec<String> {
        texts(self.doc.get("allowed_origins"))
    }

    /// Origins for cross-origin authentication and web messages.
    pub fn web_origins(&self) -> Vec<String> {
        texts(self.doc.get("web_origins"))
    }

    /// Addresses that a log-out may lead to.
    pub fn allowed_logout_urls(&self) -> Vec<String> {
        texts(self.doc.get("allowed_logout_urls"))
    }

    /// The address where a log-in of this client begins.
    pub fn initiate_login_uri(&self) -> Option<&str> {
        self.text("initiate_login_uri")
    }

    /// What signs its ID tokens: `jwt_configuration.alg`, RS256 when unset. HS256 needs a secret that the client can
    /// keep, so public and third-party clients get RS256 instead.
    pub fn id_token_alg(&self) -> Alg {
        let chosen = self.nested("jwt_configuration", "alg").and_then(Value::as_str).and_then(Alg::parse);
        match chosen {
            Some(Alg::Hs256) if self.is_public() || !self.is_first_party() => Alg::Rs256,
            chosen => chosen.unwrap_or_default(),
        }
    }

    /// Life of its ID tokens in seconds: `jwt_configuration.lifetime_in_seconds`, 36,000 when unset.
    pub fn id_token_lifetime(&self) -> i64 {
        self.nested("jwt_configuration", "lifetime_in_seconds").and_then(schema::integer).unwrap_or(36_000)
    }

    /// How its refresh tokens live; they do not rotate and do not expire when nothing was said. A page in a browser cannot
    /// keep a secret for long, so the tokens of a single-page application rotate whatever was said.
    pub fn refresh_policy(&self) -> RefreshPolicy {
        let text = |name: &'static str| self.nested("refresh_token", name).and_then(Value::as_str).unwrap_or_default();
        let flag = |name: &'static str| self.nested("refresh_token", name).and_then(Value::as_bool).unwrap_or(false);
        let number = |name: &'static str| self.nested("refresh_token", name).and_then(schema::integer);
        let expires = text("expiration_type") == "expiring";
        let end = |infinite: &'static str, name: &'static str, default| {
            (expires && !flag(infinite)).then(|| number(name).unwrap_or(default))
        };
        RefreshPolicy {
            rotating: text("rotation_type") == "rotating" || self.text("app_type") == Some("spa"),
            leeway: number("leeway").unwrap_or(0),
            lifetime: end("infinite_token_lifetime", "token_lifetime", 2_592_000),
            idle: end("infinite_idle_token_lifetime", "idle_token_lifetime", 1_296_000),
        }
    }

    /// Whether the address in `auth0-forwarded-for` is believed when this client sends it with its secret.
    pub fn is_token_endpoint_ip_header_trusted(&self) -> bool {
        self.flag("is_token_endpoint_ip_header_trusted")
    }

    /// The eleven characters that name its Android application in text messages
    /// (<https://developers.google.com/identity/sms-retriever/verify>); `None` when it has none, or something else there.
    pub fn android_app_hash(&self) -> Option<&str> {
        let hash = self.nested("client_metadata", "android_app_hash")?.as_str()?;
        let fits = hash.len() == 11 && hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
        fits.then_some(hash)
    }

    /// What the operator noted about it: `client_metadata`, or an empty object.
    pub fn metadata(&self) -> Value {
        self.doc.get("client_metadata").cloned().unwrap_or_else(|| json!({}))
    }

    /// Whether it asked for the strict OpenID Connect behaviour.
    pub fn oidc_conformant(&self) -> bool {
        self.flag("oidc_conformant")
    }

    /// Whether it belongs to the tenant's own operator; true when unset.
    pub fn is_first_party(&self) -> bool {
        self.doc.get("is_first_party").and_then(Value::as_bool).unwrap_or(true)
    }

    /// A boolean member; false when unset.
    pub fn flag(&self, name: &str) -> bool {
        self.doc.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A text member.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.doc.get(name).and_then(Value::as_str)
    }

    fn nested(&self, member: &str, name: &str) -> Option<&Value> {
        self.doc.get(member)?.get(name)
    }

    fn merge(&mut self, body: &Map<String, Value>) {
        for (name, value) in body.iter().filter(|(name, _)| *name != "client_secret") {
            let name = if name == "cross_origin_auth" { "cross_origin_authentication" } else { name };
            match (name, value) {
                (_, Value::Null) => {
                    self.doc.remove(name);
                }
                ("client_metadata", Value::Object(metadata)) => {
                    self.doc.insert(name.into(), schema::without_nulls(metadata).into());
                }
                ("jwt_configuration", Value::Object(sent)) => {
                    // It stands first whoever wrote it, so that two exports of the same client are the same text.
                    let mut whole = Map::from_iter([("secret_encoded".to_owned(), json!(false))]);
                    whole.extend(sent.clone());
                    self.doc.insert(name.into(), whole.into());
                }
                _ => {
                    self.doc.insert(name.into(), value.clone());
                }
            }
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        let has = |name: &str| self.doc.contains_key(name);
        if !has("name") {
            return Err(Invalid::payload("Expected type string but found type null", "name", "Name of the client"));
        }
        if has("token_endpoint_auth_method") && has(METHODS) {
            return Err(Invalid::body(
                "A client has either token_endpoint_auth_method or client_authentication_methods, not both",
            ));
        }
        Ok(())
    }
}

/// Settings of refresh tokens that contradict each other: a token that is replaced at each use must end some time.
fn check_refresh_token(body: &Map<String, Value>) -> Result<(), Invalid> {
    let is = |name: &str, value: &str| body.get("refresh_token").and_then(|it| it.get(name)) == Some(&value.into());
    if is("rotation_type", "rotating") && is("expiration_type", "non-expiring") {
        return Err(Invalid::body("refresh_token.expiration_type must be expiring when rotation_type is rotating"));
    }
    Ok(())
}

const METHODS: &str = "client_authentication_methods";

/// The credentials of `client_authentication_methods`, as they stand there.
fn listed(methods: &Value) -> &[Value] {
    methods.pointer("/private_key_jwt/credentials").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What a new client gets for what was not sent.
fn defaults(app_type: &str) -> Map<String, Value> {
    let public = matches!(app_type, "spa" | "native");
    let mut doc = Map::new();
    doc.insert("is_first_party".into(), true.into());
    doc.insert("is_token_endpoint_ip_header_trusted".into(), false.into());
    doc.insert("oidc_conformant".into(), false.into());
    doc.insert("jwt_configuration".into(), json!({"secret_encoded": false, "lifetime_in_seconds": 36_000}));
    doc.insert("sso_disabled".into(), false.into());
    doc.insert("cross_origin_authentication".into(), false.into());
    match app_type {
        "spa" | "native" => doc.insert("token_endpoint_auth_method".into(), "none".into()),
        "regular_web" => doc.insert("token_endpoint_auth_method".into(), "client_secret_post".into()),
        _ => None,
    };
    let mut grants = vec!["authorization_code", "implicit", "refresh_token"];
    if !public {
        grants.push("client_credentials");
    }
    doc.insert("grant_types".into(), grants.into());
    doc.insert("custom_login_page_on".into(), true.into());
    doc.insert("refresh_token".into(), refresh_defaults(app_type));
    doc
}

fn refresh_defaults(app_type: &str) -> Value {
    let (whole, idle) = if app_type == "non_interactive" { (31_557_600, 2_592_000) } else { (2_592_000, 1_296_000) };
    json!({"rotation_type": "non-rotating", "expiration_type": "non-expiring", "leeway": 0, "token_lifetime": whole,
        "infinite_token_lifetime": true, "infinite_idle_token_lifetime": true, "idle_token_lifetime": idle})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(body: Value) -> Client {
        Client::create(&body, &Rng::seeded(1), 0).unwrap()
    }

    #[test]
    fn a_name_is_enough_and_the_defaults_are_the_recorded_ones() {
        let client = made(json!({"name": "x"}));
        let mut view = client.view("acme", &json!([]));
        assert_eq!(view.remove("client_id").unwrap().as_str().unwrap().len(), 32);
        assert_eq!(view.remove("client_secret").unwrap().as_str().unwrap().len(), 64);
        assert_eq!(
            Value::Object(view),
            json!({"tenant": "acme", "global": false, "name": "x", "is_first_party": true,
                "is_token_endpoint_ip_header_trusted": false, "oidc_conformant": false,
                "jwt_configuration": {"secret_encoded": false, "lifetime_in_seconds": 36000}, "sso_disabled": false,
                "cross_origin_authentication": false,
                "grant_types": ["authorization_code", "implicit", "refresh_token", "client_credentials"],
                "custom_login_page_on": true,
                "refresh_token": {"rotation_type": "non-rotating", "expiration_type": "non-expiring", "leeway": 0,
                    "token_lifetime": 2_592_000, "infinite_token_lifetime": true,
                    "infinite_idle_token_lifetime": true, "idle_token_lifetime": 1_296_000},
                "signing_keys": [], "callback_url_template": false})
        );
        assert!(!client.is_public());
        assert_eq!(client.auth_method(), AuthMethod::SecretPost);
        assert_eq!((client.id_token_alg(), client.id_token_lifetime()), (Alg::Rs256, 36_000));
        let policy = client.refresh_policy();
        assert_eq!(policy, RefreshPolicy { rotating: false, leeway: 0, lifetime: None, idle: None });
    }

    #[test]
    fn the_kind_of_application_decides_the_defaults() {
        for (app_type, method, grants, whole) in [
            ("spa", AuthMethod::None, 3, 2_592_000),
            ("native", AuthMethod::None, 3, 2_592_000),
            ("regular_web", AuthMethod::SecretPost, 4, 2_592_000),
            ("non_interactive", AuthMethod::SecretPost, 4, 31_557_600),
        ] {
            let client = made(json!({"name": "x", "app_type": app_type}));
            assert_eq!((client.auth_method(), client.grant_types().len()), (method, grants), "{app_type}");
            assert_eq!(client.doc["refresh_token"]["token_lifetime"], whole, "{app_type}");
        }
        let chosen = made(json!({"name": "x", "app_type": "spa", "token_endpoint_auth_method": "client_secret_basic"}));
        assert_eq!(chosen.auth_method(), AuthMethod::SecretBasic);
    }

    #[test]
    fn sub_objects_are_stored_as_sent_and_replaced_whole() {
        let mut client = made(json!({"name": "x", "jwt_configuration": {"alg": "HS256"}, "refresh_token": null}));
        assert_eq!(client.doc["jwt_configuration"], json!({"alg": "HS256", "secret_encoded": false}));
        assert_eq!((client.id_token_alg(), client.id_token_lifetime()), (Alg::Hs256, 36_000));
        client
            .apply(&json!({"refresh_token": {"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 5,
                "infinite_token_lifetime": true, "idle_token_lifetime": 60},
                "client_metadata": {"a": "1", "b": null}, "default_organization": null}))
            .unwrap();
        assert_eq!(client.doc["client_metadata"], json!({"a": "1"}));
        let policy = RefreshPolicy { rotating: true, leeway: 5, lifetime: None, idle: Some(60) };
        assert_eq!(client.refresh_policy(), policy);
        client.apply(&json!({"refresh_token": null, "cross_origin_auth": true})).unwrap();
        assert!(!client.doc.contains_key("refresh_token"));
        assert!(client.flag("cross_origin_authentication"));
    }

    #[test]
    fn hs256_needs_a_client_that_keeps_secrets() {
        for extra in [json!({"token_endpoint_auth_method": "none"}), json!({"is_first_party": false})] {
            let mut body = json!({"name": "x", "jwt_configuration": {"alg": "HS256"}});
            body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            assert_eq!(made(body).id_token_alg(), Alg::Rs256);
        }
    }

    #[test]
    fn a_caller_may_choose_the_secret() {
        let mut client = made(json!({"name": "x"}));
        client.apply(&json!({"client_secret": "abc-_=0123456789x"})).unwrap();
        assert_eq!(client.secret.expose(), "abc-_=0123456789x");
        assert!(!client.doc.contains_key("client_secret"));
        let error = client.apply(&json!({"client_secret": "short"})).unwrap_err();
        assert!(error.message.starts_with("Payload validation error: 'String is too short (5 chars), minimum 16'"));
        client.rotate_secret(&Rng::seeded(2));
        assert_eq!(client.secret.expose().len(), 64);
    }

    #[test]
    fn the_list_of_members_is_closed() {
        for (body, text) in [
            (json!({}), "Missing required property: name"),
            (json!({"name": ""}), "does not match pattern"),
            (json!({"name": "a<b"}), "does not match pattern"),
            (json!({"name": "x", "nome": 1}), "Additional properties not allowed: nome"),
            (json!({"name": "x", "client_id": "y"}), "Additional properties not allowed: client_id"),
            (json!({"name": "x", "app_type": "toaster"}), "No enum match for: toaster"),
            (json!({"name": "x", "callbacks": "https://a"}), "Expected type array but found type string"),
            (json!({"name": "x", "token_endpoint_auth_method": "magic"}), "No enum match for: magic"),
            (json!({"name": "x", "jwt_configuration": {"alg": "none"}}), "No enum match for: none"),
            (json!({"name": "x", "description": "d".repeat(141)}), "String is too long (141 chars), maximum 140"),
        ] {
            let error = Client::create(&body, &Rng::seeded(1), 0).unwrap_err();
            assert!(error.message.contains(text), "{}", error.message);
        }
        let mut client = made(json!({"name": "x"}));
        let error = client.apply(&json!({"tenant": "x", "global": true})).unwrap_err();
        assert!(error.message.contains("Additional properties not allowed: tenant,global"));
        let methods = json!({"private_key_jwt": {"credentials": [{"id": "cred_x"}]}});
        client.apply(&json!({"client_authentication_methods": methods, "token_endpoint_auth_method": null})).unwrap();
        assert_eq!(client.auth_method(), AuthMethod::PrivateKeyJwt);
        let before = client.clone();
        assert!(client.apply(&json!({"token_endpoint_auth_method": "none", "name": "y"})).is_err());
        assert_eq!(client, before);
    }
}
