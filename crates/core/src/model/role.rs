//! A role: a named set of permissions, and the permissions themselves
//! (<https://auth0.com/docs/api/management/v2/roles>; `docs/COMPATIBILITY.md` C1190-C1199).

use serde_json::{Map, Value, json};

use super::schema::{self, Field, Invalid, Kind, List, Object, field};
use crate::kit::clock::Millis;
use crate::kit::ids;
use crate::kit::rng::Rng;

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// `rol_` and 16 letters.
    pub id: String,
    /// Unique.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Millis,
}

impl Role {
    /// A new role from the body of `POST /roles`. The name's uniqueness is for storage to check.
    pub fn create(body: &Value, rng: &Rng, now: Millis) -> Result<Self, Invalid> {
        let body = schema::check(&CREATE, body)?;
        let mut role = Self { id: ids::role(rng), name: String::new(), description: None, created_at: now };
        role.merge(body);
        Ok(role)
    }

    /// Applies the body of `PATCH /roles/{id}`; a null description removes it.
    pub fn apply(&mut self, patch: &Value) -> Result<(), Invalid> {
        let patch = schema::check(&UPDATE, patch)?;
        if patch.get("name").is_some_and(Value::is_null) {
            return Err(Invalid::payload("Expected type string but found type null", "name", NAME));
        }
        self.merge(patch);
        Ok(())
    }

    /// The object that lists of a user's roles show.
    pub fn summary(&self) -> Map<String, Value> {
        let mut view = Map::new();
        view.insert("id".into(), self.id.clone().into());
        view.insert("name".into(), self.name.clone().into());
        if let Some(description) = &self.description {
            view.insert("description".into(), description.clone().into());
        }
        view
    }

    /// The object on the wire.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = self.summary();
        view.insert("type".into(), "tenant".into());
        view
    }

    fn merge(&mut self, body: &Map<String, Value>) {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(name) = text("name") {
            self.name = name;
        }
        if body.contains_key("description") {
            self.description = text("description");
        }
    }
}

/// The right to use one scope of one API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// The API's identifier.
    pub audience: String,
    /// The scope.
    pub name: String,
}

impl Permission {
    /// The permissions of a body `{"permissions":[{"resource_server_identifier","permission_name"}]}`.
    pub fn list(body: &Value) -> Result<Vec<Self>, Invalid> {
        let items = schema::check(&PERMISSIONS, body)?.get("permissions").and_then(Value::as_array);
        let read = |item: &Value| {
            let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
            Some(Self { audience: text("resource_server_identifier")?, name: text("permission_name")? })
        };
        Ok(items.map(Vec::as_slice).unwrap_or_default().iter().filter_map(read).collect())
    }
}

/// The ids of a body such as `{"roles":["rol_…"]}` or `{"users":["sms|…"]}`.
pub fn ids_of(member: Member, body: &Value) -> Result<Vec<String>, Invalid> {
    let (schema, name) = match member {
        Member::Roles => (&ROLES, "roles"),
        Member::Users => (&USERS, "users"),
    };
    let items = schema::check(schema, body)?.get(name).and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    Ok(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// What a body of ids lists.
#[derive(Debug, Clone, Copy)]
pub enum Member {
    /// Roles of a user.
    Roles,
    /// Users of a role.
    Users,
}

/// Where a user has a permission from: given directly, or through a role.
pub fn source(role: Option<(&str, &str)>) -> Value {
    match role {
        None => json!({"source_id": "", "source_name": "", "source_type": "DIRECT"}),
        Some((id, name)) => json!({"source_id": id, "source_name": name, "source_type": "ROLE"}),
    }
}

const NAME: &str = "Name of the role";
const CREATE: Object = Object {
    fields: &[MEMBERS, &[field("type", Kind::OneOf(&["tenant"]), "Kind of the role")]],
    required: &["name"],
    open: false,
};
const UPDATE: Object = Object { fields: &[MEMBERS], required: &[], open: false };
const MEMBERS: &[Field] =
    &[field("name", Kind::Text(1, 50), NAME), field("description", Kind::Text(0, 300), "What the role is for")];
const PERMISSION: Object = Object {
    fields: &[&[
        field("resource_server_identifier", Kind::Text(1, 600), "Identifier of the API"),
        field("permission_name", Kind::Text(1, 280), "Scope of the API"),
    ]],
    required: &["resource_server_identifier", "permission_name"],
    open: false,
};
const MOST: usize = 1_000;
const PERMISSION_LIST: List = List { items: Kind::Object(&PERMISSION), min: 1, max: MOST, unique: false };
const PERMISSIONS: Object = Object {
    fields: &[&[field("permissions", Kind::List(&PERMISSION_LIST), "Scopes of APIs")]],
    required: &["permissions"],
    open: false,
};
const IDS: List = List { items: Kind::Text(1, 600), min: 1, max: MOST, unique: false };
const ROLES: Object =
    Object { fields: &[&[field("roles", Kind::List(&IDS), "Ids of roles")]], required: &["roles"], open: false };
const USERS: Object =
    Object { fields: &[&[field("users", Kind::List(&IDS), "Ids of users")]], required: &["users"], open: false };
