//! A connection: a source of users with a strategy (`sms`, `email`, `auth0`), and its open `options` object
//! (<https://auth0.com/docs/api/management/v2/connections>).

use std::fmt;

use serde_json::{Map, Value, json};

use super::connection_options as options;
use super::database_options;
use super::letter::Source;
use super::schema::{self, Field, Format, Invalid, Kind, List, Object, field};
use crate::kit::clock::Millis;
use crate::kit::rng::Rng;
use crate::kit::{hash, ids};

/// How the users of a connection prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// A one-time code to a phone.
    Sms,
    /// A one-time code to a mailbox.
    Email,
    /// A password in our own store.
    Auth0,
}

impl Strategy {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Auth0 => "auth0",
        }
    }

    /// Reads the word on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Sms, Self::Email, Self::Auth0].into_iter().find(|strategy| strategy.name() == name)
    }

    /// `strategy_type` of log events: `passwordless` or `database`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Sms | Self::Email => "passwordless",
            Self::Auth0 => "database",
        }
    }
}

/// A connection's options, kept word for word. Secrets stand among them, so they never print.
#[derive(Clone, Default, PartialEq)]
pub struct Options(pub Map<String, Value>);

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// `con_` and 16 letters.
    pub id: String,
    /// Unique among all connections of the tenant.
    pub name: String,
    /// Never changes.
    pub strategy: Strategy,
    /// As sent, plus the defaults of database connections.
    pub options: Options,
    /// Client ids, in the order of enabling.
    pub enabled_clients: Vec<String>,
    /// `display_name`, `is_domain_connection`, `show_as_button`, `realms`, `metadata`, `authentication`,
    /// `connected_accounts` and the cross-app members, as on the wire.
    pub doc: Map<String, Value>,
    /// When it was made.
    pub created_at: Millis,
}

impl Connection {
    /// A new connection from the body of `POST /connections`. The name's uniqueness is for storage to check.
    pub fn create(body: &Value, rng: &Rng, now: Millis) -> Result<Self, Invalid> {
        let body = schema::without_nulls(schema::check(&CREATE, body)?);
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let strategy = Strategy::parse(text("strategy")).ok_or_else(|| {
            Invalid::payload(&format!("No enum match for: {}", text("strategy")), "strategy", STRATEGY)
        })?;
        let mut sent = body.get("options").and_then(Value::as_object).cloned().unwrap_or_default();
        options::check(strategy, &sent, None)?;
        if strategy == Strategy::Auth0 {
            database_options::complete(&mut sent, true);
        }
        let mut connection = Self {
            id: ids::connection(rng),
            name: text("name").to_owned(),
            strategy,
            options: Options(sent),
            enabled_clients: texts(body.get("enabled_clients")),
            doc: Map::new(),
            created_at: now,
        };
        connection.doc.insert("is_domain_connection".into(), false.into());
        connection.doc.insert("authentication".into(), json!({"active": true}));
        connection.doc.insert("connected_accounts".into(), json!({"active": false}));
        connection.merge(&body);
        Ok(connection)
    }

    /// Applies the body of `PATCH /connections/{id}`: members merge, `options` and `metadata` are replaced whole.
    pub fn apply(&mut self, patch: &Value) -> Result<(), Invalid> {
        let patch = schema::check(&UPDATE, patch)?;
        if let Some(sent) = patch.get("options") {
            let mut sent = sent.as_object().cloned().unwrap_or_default();
            options::check(self.strategy, &sent, Some(&self.options.0))?;
            if self.strategy == Strategy::Auth0 {
                database_options::complete(&mut sent, false);
            }
            self.options = Options(sent);
        }
        if let Some(clients @ Value::Array(_)) = patch.get("enabled_clients") {
            self.enabled_clients = texts(Some(clients));
        }
        self.merge(patch);
        Ok(())
    }

    /// The object on the wire.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = Map::new();
        let mut options = self.options.0.clone();
        if let Some(Value::Object(configuration)) = options.get_mut("configuration") {
            for (key, value) in configuration.iter_mut() {
                let clear = format!("{}.{key}.{value}", self.id);
                *value = format!("2.0${}", hash::hex(&hash::sha256(clear.as_bytes()))).into();
            }
        }
        view.insert("id".into(), self.id.clone().into());
        view.insert("options".into(), options.into());
        view.insert("strategy".into(), self.strategy.name().into());
        view.insert("name".into(), self.name.clone().into());
        let early = ["display_name", "is_domain_connection", "show_as_button", "authentication", "connected_accounts"];
        let copy = |view: &mut Map<String, Value>, name: &str| {
            if let Some(value) = self.doc.get(name) {
                view.insert(name.to_owned(), value.clone());
            }
        };
        for name in early {
            copy(&mut view, name);
        }
        view.insert("enabled_clients".into(), self.enabled_clients.clone().into());
        for name in self.doc.keys().filter(|name| !early.contains(&name.as_str())) {
            copy(&mut view, name);
        }
        view
    }

    /// Whether users of this connection may sign in to the client.
    pub fn is_enabled_for(&self, client_id: &str) -> bool {
        self.enabled_clients.iter().any(|enabled| enabled == client_id)
    }

    /// A text among the options; `None` when absent, null or no text.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.0.get(name).and_then(Value::as_str)
    }

    /// Digits of a one-time code: `totp.length`, 6 when unset.
    pub fn code_length(&self) -> usize {
        self.totp("length").and_then(|length| usize::try_from(length).ok()).unwrap_or(6)
    }

    /// Life of a one-time code in seconds: `totp.time_step`, 180 when unset.
    pub fn code_lifetime(&self) -> i64 {
        self.totp("time_step").unwrap_or(180)
    }

    /// Whether messages of codes that our own pages started name the host that may take the code.
    pub fn origin_bound_line(&self) -> bool {
        self.options.0.get("origin_bound_line").and_then(Value::as_bool).unwrap_or(true)
    }

    /// What the operator wrote for mails: `options.email`.
    pub fn letter(&self) -> Source<'_> {
        options::letter(&self.options.0)
    }

    /// Whether an unknown person may not sign up by signing in.
    pub fn disable_signup(&self) -> bool {
        self.options.0.get("disable_signup").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether failed tries count towards a block.
    pub fn brute_force_protection(&self) -> bool {
        self.options.0.get("brute_force_protection").and_then(Value::as_bool).unwrap_or(false)
    }

    fn totp(&self, name: &str) -> Option<i64> {
        let value = self.options.0.get("totp")?.get(name)?;
        schema::integer(value)
    }

    fn merge(&mut self, body: &Map<String, Value>) {
        for (name, value) in body.iter().filter(|(name, _)| DOC.iter().any(|field| field.name == *name)) {
            if value.is_null() {
                self.doc.remove(name);
            } else if let (true, Some(metadata)) = (name == "metadata", value.as_object()) {
                self.doc.insert(name.clone(), schema::without_nulls(metadata).into());
            } else {
                self.doc.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in [("is_domain_connection", json!(false)), ("authentication", json!({"active": true}))] {
            self.doc.entry(name).or_insert(value);
        }
        self.doc.entry("connected_accounts").or_insert(json!({"active": false}));
        let realms = texts(self.doc.get("realms"));
        if realms.is_empty() {
            self.doc.insert("realms".into(), json!([self.name]));
        }
    }
}

/// The texts of an array of texts; empty for anything else.
pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

const STRATEGY: &str = "How the users of the connection prove who they are";
const NAME: Format = Format {
    name: "^[a-zA-Z0-9]([a-zA-Z0-9-]{0,126}[a-zA-Z0-9])?$",
    is_pattern: true,
    holds: |name| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        name.len() <= 128
            && edge(name.chars().next())
            && edge(name.chars().last())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    },
};
const ACTIVE: Object =
    Object { fields: &[&[field("active", Kind::Bool, "Whether it is on")]], required: &[], open: true };
const DOC: &[Field] = &[
    field("display_name", Kind::Text(0, 128), "Name that people see"),
    field("is_domain_connection", Kind::Bool, "Whether third-party applications may use it"),
    field("show_as_button", Kind::Bool, "Whether the log-in page shows a button for it"),
    field("authentication", Kind::Object(&ACTIVE), "Whether it is used for signing in"),
    field("connected_accounts", Kind::Object(&ACTIVE), "Whether it is used for connected accounts"),
    field("realms", Kind::TEXTS, "Realms that lead to it"),
    field("metadata", Kind::Metadata, "Texts of the operator's own"),
    field("cross_app_access_requesting_app", Kind::FREE, "Cross-app access, asking side"),
    field("cross_app_access_resource_app", Kind::FREE, "Cross-app access, answering side"),
];
const LINKS: &[Field] = &[
    field("options", Kind::FREE, "Settings of the strategy"),
    field("enabled_clients", Kind::List(&CLIENTS), "Clients whose users may come from here"),
];
const CLIENTS: List = List { items: Kind::TEXT, min: 0, max: usize::MAX, unique: true };
const CREATE: Object = Object {
    fields: &[
        &[
            field("name", Kind::Format(&NAME), "Name of the connection"),
            field("strategy", Kind::OneOf(&["sms", "email", "auth0"]), STRATEGY),
        ],
        DOC,
        LINKS,
    ],
    required: &["name", "strategy"],
    open: false,
};
const UPDATE: Object = Object { fields: &[DOC, LINKS], required: &[], open: false };

#[cfg(test)]
mod tests {
    use super::*;

    fn made(body: Value) -> Connection {
        Connection::create(&body, &Rng::seeded(1), 0).unwrap()
    }

    fn keys(map: &Map<String, Value>) -> Vec<&str> {
        map.keys().map(String::as_str).collect()
    }

    #[test]
    fn a_minimal_sms_connection_gets_defaults_and_empty_options() {
        let view = made(json!({"name": "sms", "strategy": "sms"})).view();
        assert_eq!(
            keys(&view),
            [
                "id",
                "options",
                "strategy",
                "name",
                "is_domain_connection",
                "authentication",
                "connected_accounts",
                "enabled_clients",
                "realms"
            ]
        );
        assert_eq!(view["options"], json!({}));
        assert_eq!(view["realms"], json!(["sms"]));
        assert_eq!(view["authentication"], json!({"active": true}));
        assert_eq!(view["connected_accounts"], json!({"active": false}));
    }

    #[test]
    fn sms_options_come_back_word_for_word() {
        let options = json!({"strategy": "sms", "name": "sms", "provider": "sms_gateway", "messaging_service_sid": null,
            "gateway_url": "https://sms.example.org/send", "forward_req_info": "true", "from": " +1 555 ",
            "gateway_authentication": {"method": "bearer", "audience": "urn:a", "secret": "s", "x": 1},
            "totp": {"time_step": 300, "length": 6}, "own": {"deep": [1]}});
        let mut connection = made(json!({"name": "sms", "strategy": "sms", "options": options}));
        assert_eq!(connection.view()["options"], options);
        assert_eq!((connection.code_length(), connection.code_lifetime()), (6, 300));
        connection.apply(&json!({"options": {"from": "+1"}})).unwrap();
        assert_eq!(connection.view()["options"], json!({"from": "+1"}));
        assert_eq!((connection.code_length(), connection.code_lifetime()), (6, 180));
        connection.apply(&json!({"options": null})).unwrap();
        assert_eq!(connection.view()["options"], json!({}));
    }

    #[test]
    fn a_patch_merges_members_and_refuses_those_that_are_fixed() {
        let mut connection = made(json!({"name": "sms", "strategy": "sms", "metadata": {"a": "1"}, "realms": []}));
        let before = connection.view();
        connection.apply(&json!({})).unwrap();
        assert_eq!(connection.view(), before);
        connection
            .apply(&json!({"metadata": {"b": "2", "c": null}, "is_domain_connection": true, "realms": ["x"],
                "display_name": "Phone", "enabled_clients": ["b", "a"], "cross_app_access_resource_app": null}))
            .unwrap();
        let view = connection.view();
        assert_eq!(view["metadata"], json!({"b": "2"}));
        assert_eq!(view["realms"], json!(["x"]));
        assert_eq!(view["enabled_clients"], json!(["b", "a"]));
        connection.apply(&json!({"enabled_clients": null, "realms": []})).unwrap();
        assert_eq!(connection.view()["enabled_clients"], json!(["b", "a"]));
        assert_eq!(connection.view()["realms"], json!(["sms"]));
        for (patch, text) in [
            (json!({"name": "x"}), "Additional properties not allowed: name'."),
            (json!({"id": "x", "strategy": "sms"}), "Additional properties not allowed: id,strategy'."),
            (
                json!({"enabled_clients": ["a", "a"]}),
                "Array items are not unique (indexes 0 and 1)' on property enabled_clients",
            ),
        ] {
            let error = connection.apply(&patch).unwrap_err();
            assert!(error.message.contains(text), "{}", error.message);
        }
    }

    #[test]
    fn names_and_strategies_are_checked() {
        for name in ["-sms", "sms-", "s ms", "", "s_ms", "é", &"x".repeat(129)] {
            let error = Connection::create(&json!({"name": name, "strategy": "sms"}), &Rng::seeded(1), 0).unwrap_err();
            assert!(error.message.contains("does not match pattern"), "{name}: {}", error.message);
        }
        assert_eq!(made(json!({"name": "s", "strategy": "sms"})).name, "s");
        let error = Connection::create(&json!({"name": "x", "strategy": "google-oauth2"}), &Rng::seeded(1), 0);
        assert!(
            error
                .unwrap_err()
                .message
                .starts_with("Payload validation error: 'No enum match for: google-oauth2' on property strategy")
        );
    }

    #[test]
    fn options_do_not_print() {
        let connection = made(json!({"name": "sms", "strategy": "sms", "options": {"twilio_token": "hunter2"}}));
        assert!(!format!("{connection:?}").contains("hunter2"));
    }
}
