//! A resource server: an API that tokens are issued for, with its scopes and the rules for its tokens
//! (<https://auth0.com/docs/api/management/v2/resource-servers>; `docs/COMPATIBILITY.md` C731-C737).

use serde_json::{Map, Value, json};

use super::schema::{self, Field, Format, Invalid, Kind, List, Object, field};
use super::scope::SCOPES;
use super::signing_key::LONGEST_LIFETIME;
use crate::kit::clock::Millis;
use crate::kit::ids;
use crate::kit::jwt::Alg;
use crate::kit::rng::Rng;
use crate::kit::secret::Secret;

/// A resource server.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceServer {
    /// 24 hexadecimal digits.
    pub id: String,
    /// `identifier`, `name`, `scopes` and every other member but the secret, as on the wire.
    pub doc: Map<String, Value>,
    /// Signs its tokens when it chose HS256. Every API has one, so that choosing HS256 later needs none.
    pub signing_secret: Secret,
    /// The Management API itself: computed, never stored.
    pub is_system: bool,
    /// When it was made.
    pub created_at: Millis,
}

impl ResourceServer {
    /// A new API from the body of `POST /resource-servers`. The identifier's uniqueness is for storage to check.
    pub fn create(body: &Value, rng: &Rng, now: Millis) -> Result<Self, Invalid> {
        let body = schema::without_nulls(schema::check(&CREATE, body)?);
        let mut api = Self {
            id: ids::object(rng),
            doc: Map::new(),
            signing_secret: Secret::new(ids::client_secret(rng)),
            is_system: false,
            created_at: now,
        };
        api.merge(&body);
        Ok(api)
    }

    /// The Management API at `management_audience` (C735).
    pub fn system(management_audience: &str) -> Self {
        let scopes = SCOPES.iter().map(|(value, about)| json!({"value": value, "description": about})).collect();
        let mut doc = Map::new();
        doc.insert("name".into(), "Auth0 Management API".into());
        doc.insert("identifier".into(), management_audience.into());
        doc.insert("scopes".into(), Value::Array(scopes));
        let signing_secret = Secret::default();
        let mut api = Self { id: SYSTEM_ID.into(), doc, signing_secret, is_system: true, created_at: 0 };
        api.complete();
        api
    }

    /// The MFA API at `audience`, where people manage what they prove a second factor with; its tokens live ten minutes
    /// (C1789).
    pub fn mfa(audience: &str) -> Self {
        let scopes = ["enroll", "read:authenticators", "remove:authenticators"];
        let mut doc = Map::new();
        doc.insert("name".into(), "Auth0 MFA API".into());
        doc.insert("identifier".into(), audience.into());
        doc.insert("scopes".into(), scopes.iter().map(|value| json!({"value": value})).collect());
        doc.insert("token_lifetime".into(), MFA_LIFETIME.into());
        doc.insert("token_lifetime_for_web".into(), MFA_LIFETIME.into());
        let signing_secret = Secret::default();
        let mut api = Self { id: MFA_ID.into(), doc, signing_secret, is_system: true, created_at: 0 };
        api.complete();
        api
    }

    /// Applies the body of `PATCH /resource-servers/{id}`: members merge, `scopes` is replaced whole, a null removes.
    /// The Management API takes a patch that says what already is, and refuses any other.
    pub fn apply(&mut self, patch: &Value) -> Result<(), Invalid> {
        if self.is_system {
            return self.refuse_changes(schema::check(&UPDATE_SYSTEM, patch)?);
        }
        self.merge(schema::check(&UPDATE, patch)?);
        Ok(())
    }

    /// The object on the wire, in full.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = Map::new();
        view.insert("id".into(), self.id.clone().into());
        for name in ["name", "identifier"] {
            if let Some(value) = self.doc.get(name) {
                view.insert(name.into(), value.clone());
            }
        }
        if self.is_system {
            view.insert("is_system".into(), true.into());
        }
        for (name, value) in &self.doc {
            view.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if self.signing_alg() == Alg::Hs256 {
            view.insert("signing_secret".into(), self.signing_secret.expose().into());
        }
        view
    }

    /// The audience of its tokens.
    pub fn identifier(&self) -> &str {
        self.text("identifier").unwrap_or_default()
    }

    /// The name that people see; empty when none was given.
    pub fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// The scopes it knows, without their descriptions.
    pub fn scopes(&self) -> Vec<&str> {
        let listed = self.doc.get("scopes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        listed.iter().filter_map(|scope| scope.get("value")?.as_str()).collect()
    }

    /// What one of its scopes allows, for people.
    pub fn scope_description(&self, name: &str) -> Option<&str> {
        let listed = self.doc.get("scopes")?.as_array()?;
        let scope = listed.iter().find(|scope| scope.get("value").is_some_and(|value| value == name))?;
        scope.get("description")?.as_str()
    }

    /// What signs its tokens.
    pub fn signing_alg(&self) -> Alg {
        self.text("signing_alg").and_then(Alg::parse).unwrap_or_default()
    }

    /// Life of its access tokens in seconds.
    pub fn token_lifetime(&self) -> i64 {
        self.doc.get("token_lifetime").and_then(schema::integer).unwrap_or(LIFETIME)
    }

    /// Life in seconds of access tokens issued through a browser; never longer than the others.
    pub fn token_lifetime_for_web(&self) -> i64 {
        let web = self.doc.get("token_lifetime_for_web").and_then(schema::integer);
        web.unwrap_or(LIFETIME_FOR_WEB).min(self.token_lifetime())
    }

    /// The shape of its access tokens (C734).
    pub fn token_dialect(&self) -> &str {
        self.text("token_dialect").unwrap_or("access_token")
    }

    /// Whether refresh tokens may be issued for it.
    pub fn allow_offline_access(&self) -> bool {
        self.flag("allow_offline_access")
    }

    /// Whether a user gets only the scopes that the user's permissions name.
    pub fn enforce_policies(&self) -> bool {
        self.flag("enforce_policies")
    }

    /// Who may get tokens that speak for a user: `allow_all`, `require_client_grant` or `deny_all`.
    pub fn user_policy(&self) -> &str {
        self.policy("user").unwrap_or(USER_POLICY)
    }

    /// Who may get tokens that speak for a client: `require_client_grant` or `deny_all`.
    pub fn client_policy(&self) -> &str {
        self.policy("client").unwrap_or(CLIENT_POLICY)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.doc.get(name).and_then(Value::as_str)
    }

    fn flag(&self, name: &str) -> bool {
        self.doc.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn policy(&self, subject: &str) -> Option<&str> {
        self.doc.get("subject_type_authorization")?.get(subject)?.get("policy")?.as_str()
    }

    fn merge(&mut self, body: &Map<String, Value>) {
        for (name, value) in body {
            match (name.as_str(), value) {
                ("signing_secret", value) => {
                    if let Some(secret) = value.as_str() {
                        self.signing_secret = Secret::new(secret);
                    }
                }
                ("subject_type_authorization", Value::Object(sent)) => {
                    let mut policies = self.doc.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
                    schema::merge(&mut policies, sent);
                    self.doc.insert(name.clone(), policies.into());
                }
                (_, Value::Null) => drop(self.doc.remove(name)),
                _ => drop(self.doc.insert(name.clone(), value.clone())),
            }
        }
        self.complete();
    }

    /// Adds the members that are never absent.
    fn complete(&mut self) {
        let mut policies = json!({"client": {"policy": CLIENT_POLICY}, "user": {"policy": USER_POLICY}});
        if let (Some(all), Some(Value::Object(own))) =
            (policies.as_object_mut(), self.doc.get("subject_type_authorization"))
        {
            schema::merge(all, own);
        }
        for (name, value) in [
            ("allow_offline_access", json!(false)),
            ("skip_consent_for_verifiable_first_party_clients", json!(false)),
            ("token_lifetime", json!(LIFETIME)),
            ("token_lifetime_for_web", json!(LIFETIME_FOR_WEB)),
            ("signing_alg", json!(Alg::default().name())),
        ] {
            self.doc.entry(name).or_insert(value);
        }
        self.doc.insert("subject_type_authorization".into(), policies);
    }

    fn refuse_changes(&self, patch: &Map<String, Value>) -> Result<(), Invalid> {
        let differs = |name: &str, value: &Value| match self.doc.get(name) {
            Some(current) => current != value,
            None => !value.is_null(),
        };
        let changes: Vec<&str> =
            patch.iter().filter(|(name, value)| differs(name, value)).map(|(name, _)| name.as_str()).collect();
        if changes.is_empty() {
            return Ok(());
        }
        Err(Invalid::payload(&format!("Additional properties not allowed: {}", changes.join(",")), "", ""))
    }
}

const SYSTEM_ID: &str = "6170692d76322d61646d696e";
const MFA_ID: &str = "6d66612d6170692d75736572";
const MFA_LIFETIME: i64 = 600;
const LIFETIME: i64 = 86_400;
const LIFETIME_FOR_WEB: i64 = 7_200;
const USER_POLICY: &str = "allow_all";
const CLIENT_POLICY: &str = "require_client_grant";

const NAME: Format =
    Format { name: "^[^<>]+$", is_pattern: true, holds: |name| !name.is_empty() && !name.contains(['<', '>']) };
const SCOPE: Object = Object {
    fields: &[&[
        field("value", Kind::Text(1, 280), "The scope"),
        field("description", Kind::Text(0, 500), "What it allows, for people"),
    ]],
    required: &["value"],
    open: false,
};
const SCOPE_LIST: List = List { items: Kind::Object(&SCOPE), min: 0, max: usize::MAX, unique: true };
const POLICIES: Object = Object {
    fields: &[&[
        field("user", Kind::Object(&USER), "Tokens that speak for a user"),
        field("client", Kind::Object(&CLIENT), "Tokens that speak for a client"),
    ]],
    required: &[],
    open: false,
};
const USER: Object = Object {
    fields: &[&[field("policy", Kind::OneOf(&["allow_all", "deny_all", "require_client_grant"]), "Who may get them")]],
    required: &[],
    open: false,
};
const CLIENT: Object = Object {
    fields: &[&[field("policy", Kind::OneOf(&["deny_all", "require_client_grant"]), "Who may get them")]],
    required: &[],
    open: false,
};
const ANYTHING: List = List { items: Kind::Any, min: 0, max: usize::MAX, unique: false };
const DIALECTS: &[&str] = &["access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz"];
const MEMBERS: &[Field] = &[
    field("name", Kind::Format(&NAME), "Name of the API"),
    field("signing_alg", Kind::OneOf(&["HS256", "RS256", "RS512", "PS256"]), "What signs its tokens"),
    field("signing_secret", Kind::Text(16, 512), "Secret that signs its tokens with HS256"),
    field("allow_offline_access", Kind::Bool, "Whether refresh tokens may be issued for it"),
    field("allow_online_access", Kind::Bool, "Whether refresh tokens bound to a session may be issued for it"),
    field("allow_online_access_with_ephemeral_sessions", Kind::Bool, "Whether such a session may be short-lived"),
    field("token_lifetime", Kind::Int(0, LONGEST_LIFETIME), "Life of its access tokens in seconds"),
    field(
        "token_lifetime_for_web",
        Kind::Int(0, LONGEST_LIFETIME),
        "Life of access tokens issued through a browser in seconds",
    ),
    field("token_dialect", Kind::OneOf(DIALECTS), "Shape of its access tokens"),
    field("skip_consent_for_verifiable_first_party_clients", Kind::Bool, "Whether own clients need no consent"),
    field("enforce_policies", Kind::Bool, "Whether permissions of the user limit the scope"),
    field("consent_policy", Kind::TEXT, "How consent is asked for"),
    field("authorization_details", Kind::List(&ANYTHING), "Kinds of rich authorization details"),
    field("token_encryption", Kind::FREE, "Encryption of its access tokens"),
    field("proof_of_possession", Kind::FREE, "Binding of its access tokens to a key"),
    field("subject_type_authorization", Kind::Object(&POLICIES), "Who may get tokens for it"),
    field("authorization_policy", Kind::FREE, "Policy that decides about access"),
    field("verificationLocation", Kind::TEXT, "Address of the legacy verification"),
];
const SCOPES_FIELD: &[Field] = &[field("scopes", Kind::List(&SCOPE_LIST), "Scopes it knows")];
const CREATE: Object = Object {
    fields: &[&[field("identifier", Kind::Text(1, 600), "Audience of its tokens")], MEMBERS, SCOPES_FIELD],
    required: &["identifier"],
    open: false,
};
const UPDATE: Object = Object { fields: &[MEMBERS, SCOPES_FIELD], required: &[], open: false };
const UPDATE_SYSTEM: Object = Object { fields: &[MEMBERS], required: &[], open: false };

#[cfg(test)]
mod tests {
    use super::*;

    fn made(body: Value) -> ResourceServer {
        ResourceServer::create(&body, &Rng::seeded(1), 0).unwrap()
    }

    #[test]
    fn an_identifier_is_enough_and_the_defaults_are_the_recorded_ones() {
        let api = made(json!({"identifier": "https://api.example/"}));
        let mut view = api.view();
        assert_eq!(view.remove("id").unwrap().as_str().unwrap().len(), 24);
        assert_eq!(
            Value::Object(view),
            json!({"identifier": "https://api.example/", "allow_offline_access": false,
                "skip_consent_for_verifiable_first_party_clients": false,
                "subject_type_authorization": {"client": {"policy": "require_client_grant"},
                    "user": {"policy": "allow_all"}},
                "token_lifetime": 86400, "token_lifetime_for_web": 7200, "signing_alg": "RS256"})
        );
        assert_eq!((api.identifier(), api.name(), api.token_dialect()), ("https://api.example/", "", "access_token"));
        assert_eq!((api.user_policy(), api.client_policy()), ("allow_all", "require_client_grant"));
        assert_eq!((api.token_lifetime(), api.token_lifetime_for_web()), (86_400, 7_200));
        assert!(!api.allow_offline_access() && !api.enforce_policies() && api.scopes().is_empty());
    }

    #[test]
    fn hs256_shows_a_secret_and_makes_one_when_absent() {
        let mut api = made(json!({"identifier": "a"}));
        assert!(!api.view().contains_key("signing_secret"));
        api.apply(&json!({"signing_alg": "HS256"})).unwrap();
        assert_eq!(api.view()["signing_secret"].as_str().unwrap().len(), 64);
        api.apply(&json!({"signing_secret": "0123456789abcdef"})).unwrap();
        assert_eq!(api.view()["signing_secret"], "0123456789abcdef");
        assert!(!api.doc.contains_key("signing_secret"));
        let error = api.apply(&json!({"signing_secret": "short"})).unwrap_err();
        assert!(error.message.contains("String is too short (5 chars), minimum 16"), "{}", error.message);
    }

    #[test]
    fn a_patch_merges_replaces_scopes_whole_and_nulls_fall_back() {
        let scopes = |names: &[&str]| names.iter().map(|name| json!({"value": name})).collect::<Vec<_>>();
        let mut api = made(json!({"identifier": "a", "name": "A", "scopes": scopes(&["x", "y"]),
            "consent_policy": "standard", "token_lifetime": 600}));
        assert_eq!(api.scopes(), ["x", "y"]);
        assert_eq!(api.token_lifetime_for_web(), 600);
        api.apply(&json!({"scopes": scopes(&["z"]), "consent_policy": null, "token_lifetime": null,
            "subject_type_authorization": {"user": {"policy": "deny_all"}}}))
            .unwrap();
        assert_eq!((api.scopes(), api.token_lifetime()), (vec!["z"], 86_400));
        assert_eq!((api.user_policy(), api.client_policy()), ("deny_all", "require_client_grant"));
        assert!(!api.view().contains_key("consent_policy"));
    }

    #[test]
    fn the_list_of_members_is_closed() {
        for (body, text) in [
            (json!({}), "Missing required property: identifier"),
            (json!({"identifier": ""}), "String is too short (0 chars), minimum 1"),
            (json!({"identifier": "a", "is_system": true}), "Additional properties not allowed: is_system"),
            (json!({"identifier": "a", "scopes": ["x"]}), "Expected type object but found type string"),
            (json!({"identifier": "a", "signing_alg": "none"}), "No enum match for: none"),
            (json!({"identifier": "a", "token_lifetime": 2_592_001}), "is greater than maximum 2592000"),
        ] {
            let error = ResourceServer::create(&body, &Rng::seeded(1), 0).unwrap_err();
            assert!(error.message.contains(text), "{}", error.message);
        }
        let error = made(json!({"identifier": "a"})).apply(&json!({"identifier": "b"})).unwrap_err();
        assert_eq!(error.message, "Payload validation error: 'Additional properties not allowed: identifier'.");
    }

    #[test]
    fn the_management_api_knows_every_scope_and_does_not_change() {
        let mut api = ResourceServer::system("https://id.example/api/v2/");
        assert_eq!((api.scopes().len(), api.view()["is_system"].clone()), (SCOPES.len(), json!(true)));
        assert_eq!((api.id.len(), api.view()["name"].clone()), (24, json!("Auth0 Management API")));
        api.apply(&json!({"token_lifetime": 86400, "consent_policy": null})).unwrap();
        for name in ["scopes", "token_lifetime", "name"] {
            let mut patch = Map::new();
            let value = if name == "scopes" { json!([]) } else { json!(60) };
            patch.insert(name.into(), if name == "name" { json!("x") } else { value });
            let error = api.apply(&patch.into()).unwrap_err();
            let expected = format!("Payload validation error: 'Additional properties not allowed: {name}'.");
            assert_eq!(error.message, expected);
        }
    }
}
