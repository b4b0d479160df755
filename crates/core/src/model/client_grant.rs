//! A client grant: which scopes of which API a client may be given
//! (<https://auth0.com/docs/api/management/v2/client-grants>; `docs/COMPATIBILITY.md` C721-C726).

use serde_json::{Map, Value, json};

use super::resource_server::ResourceServer;
use super::schema::{self, Field, Invalid, Kind, List, Object, field};
use crate::kit::clock::Millis;
use crate::kit::ids;
use crate::kit::rng::Rng;

/// A client grant.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientGrant {
    /// `cgr_` and 16 letters.
    pub id: String,
    /// Every other member that was set, as on the wire.
    pub doc: Map<String, Value>,
    /// When it was made.
    pub created_at: Millis,
}

impl ClientGrant {
    /// A new grant from the body of `POST /client-grants`. Whether client and API exist is for the caller to check.
    pub fn create(body: &Value, rng: &Rng, now: Millis) -> Result<Self, Invalid> {
        let body = schema::without_nulls(schema::check(&CREATE, body)?);
        if !body.contains_key("client_id") && !body.contains_key("default_for") {
            return Err(Invalid::payload("Missing required property: client_id", "", ""));
        }
        let mut grant = Self { id: ids::client_grant(rng), doc: body, created_at: now };
        grant.complete();
        Ok(grant)
    }

    /// Applies the body of `PATCH /client-grants/{id}`: members are replaced, a null removes.
    pub fn apply(&mut self, patch: &Value) -> Result<(), Invalid> {
        schema::merge(&mut self.doc, schema::check(&UPDATE, patch)?);
        self.complete();
        Ok(())
    }

    /// Refuses scopes that the API does not have (C725).
    pub fn check_scope(&self, api: &ResourceServer) -> Result<(), Invalid> {
        let known = api.scopes();
        let unknown: Vec<&str> = self.scope().into_iter().filter(|scope| !known.contains(scope)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Invalid::body(format!("The following scopes are not allowed: {}", unknown.join(", "))))
    }

    /// The object on the wire.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = Map::new();
        view.insert("id".into(), self.id.clone().into());
        view.extend(self.doc.clone());
        view
    }

    /// Who was granted; empty for a grant that stands for a whole kind of clients.
    pub fn client_id(&self) -> &str {
        self.text("client_id").unwrap_or_default()
    }

    /// The API's identifier.
    pub fn audience(&self) -> &str {
        self.text("audience").unwrap_or_default()
    }

    /// The scopes granted one by one.
    pub fn scope(&self) -> Vec<&str> {
        let listed = self.doc.get("scope").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        listed.iter().filter_map(Value::as_str).collect()
    }

    /// Whether every scope of the API is granted, also those it gets later.
    pub fn allow_all_scopes(&self) -> bool {
        self.doc.get("allow_all_scopes").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whom the tokens speak for: `client` (when unset) or `user`.
    pub fn subject_type(&self) -> &str {
        self.text("subject_type").unwrap_or("client")
    }

    /// A text member.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.doc.get(name).and_then(Value::as_str)
    }

    /// Tools read `scope` without asking whether it is there.
    fn complete(&mut self) {
        self.doc.entry("scope").or_insert(json!([]));
    }
}

const SCOPE: List = List { items: Kind::Text(1, 280), min: 0, max: usize::MAX, unique: true };
const USAGE: &[&str] = &["deny", "allow", "require"];
const MEMBERS: &[Field] = &[
    field("scope", Kind::List(&SCOPE), "Scopes granted"),
    field("organization_usage", Kind::OneOf(USAGE), "Whether organizations are used"),
    field("allow_any_organization", Kind::Bool, "Whether any organization may be used"),
    field("authorization_details_types", Kind::TEXTS, "Kinds of rich authorization details"),
    field("allow_all_scopes", Kind::Bool, "Whether every scope of the API is granted"),
];
const CREATE: Object = Object {
    fields: &[
        &[
            field("client_id", Kind::Text(1, 64), "Client that is granted"),
            field("audience", Kind::Text(1, 600), "Identifier of the API"),
            field("default_for", Kind::OneOf(&["third_party_clients"]), "Kind of clients that is granted"),
            field("subject_type", Kind::OneOf(&["client", "user"]), "Whom the tokens speak for"),
        ],
        MEMBERS,
    ],
    required: &["audience"],
    open: false,
};
const UPDATE: Object = Object { fields: &[MEMBERS], required: &[], open: false };

#[cfg(test)]
mod tests {
    use super::*;

    fn made(body: Value) -> ClientGrant {
        ClientGrant::create(&body, &Rng::seeded(1), 0).unwrap()
    }

    #[test]
    fn only_members_that_were_set_come_back() {
        let mut grant = made(json!({"client_id": "c", "audience": "a", "scope": ["x", "y"], "subject_type": null}));
        let mut view = grant.view();
        assert!(view.remove("id").unwrap().as_str().unwrap().starts_with("cgr_"));
        assert_eq!(Value::Object(view), json!({"client_id": "c", "audience": "a", "scope": ["x", "y"]}));
        assert_eq!((grant.client_id(), grant.audience(), grant.subject_type()), ("c", "a", "client"));
        grant.apply(&json!({"scope": ["z"], "allow_all_scopes": true, "organization_usage": null})).unwrap();
        assert_eq!((grant.scope(), grant.allow_all_scopes()), (vec!["z"], true));
        grant.apply(&json!({"scope": null, "allow_all_scopes": null})).unwrap();
        assert_eq!((grant.scope().len(), grant.allow_all_scopes()), (0, false));
    }

    #[test]
    fn scopes_must_be_those_of_the_api() {
        let api = json!({"identifier": "a", "scopes": [{"value": "x"}, {"value": "y"}]});
        let api = ResourceServer::create(&api, &Rng::seeded(1), 0).unwrap();
        assert_eq!(made(json!({"client_id": "c", "audience": "a", "scope": ["x"]})).check_scope(&api), Ok(()));
        let error = made(json!({"client_id": "c", "audience": "a", "scope": ["x", "z"]})).check_scope(&api);
        assert_eq!(error.unwrap_err().message, "The following scopes are not allowed: z");
        let system = ResourceServer::system("m");
        let grant = made(json!({"client_id": "c", "audience": "m", "scope": ["read:connections"]}));
        assert_eq!(grant.check_scope(&system), Ok(()));
    }

    #[test]
    fn the_list_of_members_is_closed() {
        for (body, text) in [
            (json!({"client_id": "c"}), "Missing required property: audience"),
            (json!({"audience": "a"}), "Missing required property: client_id"),
            (json!({"client_id": "c", "audience": "a", "id": "x"}), "Additional properties not allowed: id"),
            (json!({"client_id": "c", "audience": "a", "subject_type": "robot"}), "No enum match for: robot"),
            (json!({"client_id": "c", "audience": "a", "scope": ["x", "x"]}), "Array items are not unique"),
        ] {
            let error = ClientGrant::create(&body, &Rng::seeded(1), 0).unwrap_err();
            assert!(error.message.contains(text), "{}", error.message);
        }
        let error = made(json!({"client_id": "c", "audience": "a"})).apply(&json!({"audience": "b"})).unwrap_err();
        assert_eq!(error.message, "Payload validation error: 'Additional properties not allowed: audience'.");
    }
}
