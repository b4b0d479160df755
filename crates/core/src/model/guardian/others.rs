//! Settings of factors that are never offered: checked, kept and shown, so that tools find again what they wrote
//! (`docs/COMPATIBILITY.md` C1663-C1665).

use serde_json::{Map, Value, json};

use crate::model::schema::{self, Field, Invalid, Kind, Object, field};

type Members = Map<String, Value>;

/// Settings at one path.
#[derive(Debug)]
pub struct Other {
    /// Below `/guardian/factors/`.
    pub path: &'static str,
    /// Whether they can be read.
    pub readable: bool,
    sent: Object,
    /// Members that are shown, in this order.
    shown: &'static [&'static str],
    /// Members that nobody needs here and nobody is shown: they are not kept.
    dropped: &'static [&'static str],
    /// The member that a server which hides secrets shows as null.
    secret: &'static str,
    fresh: fn() -> Value,
}

impl Other {
    /// The settings at this path; `None` when there are none.
    pub fn at(path: &str) -> Option<&'static Self> {
        OTHERS.iter().find(|other| other.path == path)
    }

    /// What is kept of the body of a `PUT`, and its answer.
    pub fn put(&self, body: &Value) -> Result<(Members, Members), Invalid> {
        let mut answer = schema::check(&self.sent, body)?.clone();
        let has_key = self.dropped.iter().any(|name| answer.get(*name).is_some_and(Value::is_string));
        answer.retain(|name, _| !self.dropped.contains(&name.as_str()));
        let mut kept = answer.clone();
        if self.shown.contains(&ENABLED) {
            kept.insert(ENABLED.into(), has_key.into());
        }
        Ok((kept, answer))
    }

    /// The settings on the wire, with the defaults that stand for what was not set.
    pub fn view(&self, stored: Option<&Members>) -> Members {
        let fresh = (self.fresh)();
        let kept = |name: &str| stored?.get(name).filter(|value| !value.is_null());
        let member = |name: &&str| Some(((*name).to_owned(), kept(name).or_else(|| fresh.get(*name))?.clone()));
        self.shown.iter().filter_map(member).collect()
    }

    /// The same without its secret.
    pub fn redacted(&self, mut view: Members) -> Members {
        if let Some(secret) = view.get_mut(self.secret) {
            *secret = Value::Null;
        }
        view
    }
}

/// All of them.
pub const OTHERS: &[Other] = &[
    Other {
        path: "duo/settings",
        sent: closed(&[&[
            field("ikey", Kind::TEXT, "Integration key"),
            field("skey", Kind::TEXT, "Secret key"),
            field("host", Kind::TEXT, "Host of the API"),
        ]]),
        shown: &["ikey", "skey", "host"],
        secret: "skey",
        ..NOTHING
    },
    Other {
        path: "push-notification/selected-provider",
        sent: Object {
            fields: &[&[field("provider", Kind::OneOf(&["guardian", "sns", "direct"]), "Who sends notifications")]],
            required: &["provider"],
            open: false,
        },
        shown: &["provider"],
        fresh: || json!({"provider": "guardian"}),
        ..NOTHING
    },
    Other {
        path: "push-notification/providers/apns",
        sent: closed(&[&[
            field("sandbox", Kind::Bool, "Whether this is for tests"),
            field("bundle_id", Kind::TEXT, "Name of the application"),
            field("p12", Kind::TEXT, "Certificate and key"),
        ]]),
        shown: &["bundle_id", "sandbox", ENABLED],
        dropped: &["p12"],
        ..NOTHING
    },
    Other {
        path: "push-notification/providers/fcm",
        readable: false,
        sent: closed(&[&[field("server_key", Kind::TEXT, "Key of the server")]]),
        dropped: &["server_key"],
        ..NOTHING
    },
    Other {
        path: "push-notification/providers/fcmv1",
        readable: false,
        sent: closed(&[&[field("server_credentials", Kind::TEXT, "Key of the server")]]),
        dropped: &["server_credentials"],
        ..NOTHING
    },
    Other {
        path: "push-notification/providers/sns",
        sent: closed(&[&[
            AWS_KEY,
            field("aws_secret_access_key", Kind::TEXT, "Secret of the access key"),
            field("aws_region", Kind::TEXT, "Region"),
            field("sns_apns_platform_application_arn", Kind::TEXT, "Application for iOS"),
            field("sns_gcm_platform_application_arn", Kind::TEXT, "Application for Android"),
        ]]),
        shown: &[
            "aws_access_key_id",
            "aws_region",
            "sns_apns_platform_application_arn",
            "sns_gcm_platform_application_arn",
        ],
        dropped: &["aws_secret_access_key"],
        ..NOTHING
    },
    Other {
        path: "webauthn-platform/settings",
        sent: closed(&[RELYING_PARTY]),
        shown: &["overrideRelyingParty", "relyingPartyIdentifier"],
        fresh: || json!({"overrideRelyingParty": false}),
        ..NOTHING
    },
    Other {
        path: "webauthn-roaming/settings",
        sent: closed(&[
            &[field(
                "userVerification",
                Kind::OneOf(&["discouraged", "preferred", "required"]),
                "Whether the key asks who holds it",
            )],
            RELYING_PARTY,
        ]),
        shown: &["userVerification", "overrideRelyingParty", "relyingPartyIdentifier"],
        fresh: || json!({"userVerification": "preferred", "overrideRelyingParty": false}),
        ..NOTHING
    },
];

const NOTHING: Other =
    Other { path: "", readable: true, sent: closed(&[]), shown: &[], dropped: &[], secret: "", fresh: || json!({}) };
/// Shown where a key that is not kept has been sent.
const ENABLED: &str = "enabled";
const AWS_KEY: Field = field("aws_access_key_id", Kind::TEXT, "Access key");
const RELYING_PARTY: &[Field] = &[
    field("overrideRelyingParty", Kind::Bool, "Whether keys belong to another domain"),
    field("relyingPartyIdentifier", Kind::TEXT, "That domain"),
];

/// An object without other members.
const fn closed(fields: &'static [&'static [Field]]) -> Object {
    Object { fields, required: &[], open: false }
}
