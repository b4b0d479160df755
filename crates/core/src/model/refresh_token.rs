//! A refresh token: a family that lives in one row, of which at any time one text is current
//! (<https://auth0.com/docs/secure/tokens/refresh-tokens/refresh-token-rotation>; `docs/COMPATIBILITY.md` C1060-C1069).
//!
//! The text is `v1.`, the family's id, a secret, and a tag over both under the server's key. The tag proves that a text was
//! handed out by us for this family, so a spent one is known as reuse without a list of spent ones, and a forged one revokes
//! nothing. Whether a text is good is decided by its hash alone.

use serde_json::{Map, Value, json};

use super::resource_server::ResourceServer;
use super::schema::{self, Invalid, Kind, List, Object, field};
use super::user::User;
use crate::kit::clock::{MINUTE, Millis, SECOND, rfc3339};
use crate::kit::hash::{self, MacKey};

/// A family of refresh tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct RefreshToken {
    /// Its public id.
    pub id: String,
    /// Whom it speaks for; empty once that user was deleted.
    pub user_id: String,
    /// Who may exchange it.
    pub client_id: String,
    /// The session it began in (`sid` of the ID tokens), until that is deleted.
    pub session_id: Option<String>,
    /// The API it was granted for, if any.
    pub audience: Option<String>,
    /// Granted scope, space separated; an exchange may narrow it, never widen.
    pub scope: String,
    /// Hash of the text that is current.
    pub hash: String,
    /// The text before the current one; none before the first rotation.
    pub previous: Option<Previous>,
    /// Whether it was issued, or last exchanged, under rotation.
    pub rotating: bool,
    /// When it was issued.
    pub created_at: Millis,
    /// When it was last exchanged.
    pub last_exchanged_at: Option<Millis>,
    /// When it ends if nobody uses it.
    pub idle_expires_at: Option<Millis>,
    /// When it ends in any case; rotation does not move it.
    pub expires_at: Option<Millis>,
    /// Who it was issued to and who exchanged it last.
    pub device: Device,
    /// Texts of the operator's own.
    pub metadata: Map<String, Value>,
    /// Whether the sign-in that it came from had a second factor.
    pub second_factor: bool,
}

/// The text before the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// Its hash.
    pub hash: String,
    /// What its successor was made with.
    pub salt: String,
    /// When it was replaced.
    pub rotated_at: Millis,
}

/// Addresses and user agents at the first and the last use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// Address of the sign-in.
    pub initial_ip: String,
    /// User agent of the sign-in.
    pub initial_user_agent: String,
    /// Address of the last use.
    pub last_ip: String,
    /// User agent of the last use.
    pub last_user_agent: String,
}

/// What a presented text is to its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The current one.
    Current,
    /// The one before, within the leeway.
    Previous,
    /// An older one, or the one before after the leeway.
    Spent,
}

impl RefreshToken {
    /// Whether its time is not over.
    pub fn is_live(&self, now: Millis) -> bool {
        self.ends_at() > now
    }

    /// The earlier of its two ends; [`Millis::MAX`] for none.
    pub fn ends_at(&self) -> Millis {
        let end = |at: Option<Millis>| at.unwrap_or(Millis::MAX);
        end(self.idle_expires_at).min(end(self.expires_at))
    }

    /// What the text with this hash, which is one of this family, is to it. `leeway` is in seconds.
    pub fn standing(&self, hash: &str, leeway: i64, now: Millis) -> Standing {
        if hash::same(&self.hash, hash) {
            return Standing::Current;
        }
        let still = |previous: &&Previous| {
            let until = previous.rotated_at.saturating_add(leeway.saturating_mul(SECOND));
            // Without a leeway nobody passes, also not a caller whose clock was read before that of the one who rotated.
            leeway > 0 && hash::same(&previous.hash, hash) && now < until
        };
        self.previous.as_ref().filter(still).map_or(Standing::Spent, |_| Standing::Previous)
    }

    /// Whether it was issued to this very user: who was made later is another one under the same id. The clocks of nodes
    /// may differ a little.
    pub fn is_of(&self, user: &User) -> bool {
        self.user_id == user.user_id && user.created_at <= self.created_at.saturating_add(MINUTE)
    }

    /// Whether it was granted for this very API: one that was made later is another under the same identifier.
    pub fn is_for(&self, api: &ResourceServer) -> bool {
        api.created_at <= self.created_at.saturating_add(MINUTE)
    }

    /// Replaces the current text, whose hash is `spent`, by the one with the hash `fresh`, made with `salt`.
    pub fn rotate(&mut self, fresh: String, salt: String, now: Millis) {
        let spent = std::mem::replace(&mut self.hash, fresh);
        self.previous = Some(Previous { hash: spent, salt, rotated_at: now });
    }

    /// The object on the wire.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = Map::new();
        let mut set = |name: &str, value: Value| drop(view.insert(name.to_owned(), value));
        set("id", self.id.clone().into());
        set("user_id", self.user_id.clone().into());
        set("client_id", self.client_id.clone().into());
        if let Some(session_id) = &self.session_id {
            set("session_id", session_id.clone().into());
        }
        set("created_at", rfc3339(self.created_at).into());
        let ends = [
            ("idle_expires_at", self.idle_expires_at),
            ("expires_at", self.expires_at),
            ("last_exchanged_at", self.last_exchanged_at),
        ];
        for (name, at) in ends {
            if let Some(at) = at {
                set(name, rfc3339(at).into());
            }
        }
        set("rotating", self.rotating.into());
        set("device", self.device.view());
        let api = self.audience.as_ref().map(|audience| json!({"audience": audience, "scopes": self.scope}));
        set("resource_servers", api.into_iter().collect());
        if !self.metadata.is_empty() {
            set("refresh_token_metadata", self.metadata.clone().into());
        }
        view
    }

    /// The same token as older endpoints show it: a credential of a device.
    pub fn device_view(&self) -> Map<String, Value> {
        let mut view = Map::new();
        view.insert("id".into(), self.id.clone().into());
        view.insert("device_name".into(), self.device.initial_user_agent.clone().into());
        let kind = if self.rotating { "rotating_refresh_token" } else { "refresh_token" };
        view.insert("type".into(), kind.into());
        view.insert("user_id".into(), self.user_id.clone().into());
        view.insert("client_id".into(), self.client_id.clone().into());
        view
    }
}

impl Device {
    /// A device that is seen for the first time.
    pub fn new(ip: &str, user_agent: &str) -> Self {
        let user_agent = shortened(user_agent);
        Self {
            initial_ip: ip.to_owned(),
            initial_user_agent: user_agent.clone(),
            last_ip: ip.to_owned(),
            last_user_agent: user_agent,
        }
    }

    /// Notes one more use.
    pub fn seen(&mut self, ip: &str, user_agent: &str) {
        ip.clone_into(&mut self.last_ip);
        self.last_user_agent = shortened(user_agent);
    }

    /// The object on the wire; what is unknown is left out.
    pub fn view(&self) -> Value {
        let members = [
            ("initial_ip", &self.initial_ip),
            ("initial_user_agent", &self.initial_user_agent),
            ("last_ip", &self.last_ip),
            ("last_user_agent", &self.last_user_agent),
        ];
        let known = members.into_iter().filter(|(_, text)| !text.is_empty());
        known.map(|(name, text)| (name.to_owned(), Value::from(text.as_str()))).collect()
    }
}

/// A user agent that no caller can make longer than anyone reads.
fn shortened(user_agent: &str) -> String {
    user_agent.chars().take(512).collect()
}

/// The text of a token of this family.
pub fn text(key: &MacKey, id: &str, secret: &str) -> String {
    format!("{PREFIX}{id}{secret}{}", tag(key, id, secret))
}

/// The text that follows `spent`: always the same for one `salt`, so that whoever repeats a lost exchange within the leeway
/// gets what was answered before, and the family never branches.
pub fn successor(key: &MacKey, id: &str, salt: &str, spent: &str) -> String {
    text(key, id, &key.tag(&["successor", id, salt, spent]))
}

/// The family that a text belongs to, when it is one of ours; texts that are older than families name none.
pub fn family<'t>(key: &MacKey, text: &'t str) -> Option<&'t str> {
    let rest = text.strip_prefix(PREFIX)?;
    let (rest, seen) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
    let (id, secret) = rest.split_at_checked(rest.len().checked_sub(SECRET)?)?;
    (!id.is_empty() && hash::same(seen, &tag(key, id, secret))).then_some(id)
}

fn tag(key: &MacKey, id: &str, secret: &str) -> String {
    let mut tag = key.tag(&["family", id, secret]);
    tag.truncate(TAG);
    tag
}

/// What the body of `POST /refresh-tokens/revoke` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// These tokens, by id.
    Ids(Vec<String>),
    /// All of a user.
    User(String),
    /// All of a client.
    Client(String),
    /// All that a user has with a client.
    UserAndClient(String, String),
    /// All that a user has with a client for an API: user, client, audience.
    Grant(String, String, String),
}

impl Revocation {
    /// Reads the body: one of the combinations above, and nothing else.
    pub fn read(body: &Value) -> Result<Self, Invalid> {
        let body = schema::without_nulls(schema::check(&REVOKE, body)?);
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let ids = body.get("ids").and_then(Value::as_array);
        let ids = ids.map(|ids| ids.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        match (ids, text("user_id"), text("client_id"), text("audience")) {
            (Some(ids), None, None, None) => Ok(Self::Ids(ids)),
            (None, Some(user), None, None) => Ok(Self::User(user)),
            (None, None, Some(client), None) => Ok(Self::Client(client)),
            (None, Some(user), Some(client), None) => Ok(Self::UserAndClient(user, client)),
            (None, Some(user), Some(client), Some(audience)) => Ok(Self::Grant(user, client, audience)),
            _ => Err(Invalid::body(
                "Exactly one of these must be provided: ids; user_id; client_id; user_id and client_id; \
                 user_id, client_id and audience",
            )),
        }
    }
}

/// What the body of `PATCH /refresh-tokens/{id}` sets; `None` when it says nothing.
pub fn patch(body: &Value) -> Result<Option<Map<String, Value>>, Invalid> {
    Ok(schema::check(&UPDATE, body)?.get("refresh_token_metadata").map(schema::metadata))
}

const UPDATE: Object = Object {
    fields: &[&[field("refresh_token_metadata", Kind::Map(25), "Metadata of the refresh token")]],
    required: &[],
    open: false,
};

const IDS: List = List { items: Kind::Text(1, 64), min: 1, max: 100, unique: false };
const REVOKE: Object = Object {
    fields: &[&[
        field("ids", Kind::List(&IDS), "IDs of the refresh tokens"),
        field("user_id", Kind::Text(1, 300), "User whose refresh tokens are revoked"),
        field("client_id", Kind::Text(1, 64), "Client whose refresh tokens are revoked"),
        field("audience", Kind::Text(1, 600), "API whose refresh tokens are revoked"),
    ]],
    required: &[],
    open: false,
};
/// What every refresh token begins with.
const PREFIX: &str = "v1.";
/// Characters of a secret: 32 bytes in base64url.
const SECRET: usize = 43;
/// Characters of a tag: 132 bits in base64url.
const TAG: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> RefreshToken {
        RefreshToken {
            id: "id".into(),
            user_id: "sms|1".into(),
            client_id: "c".into(),
            session_id: None,
            audience: None,
            scope: "offline_access".into(),
            hash: "one".into(),
            previous: None,
            rotating: true,
            created_at: 0,
            last_exchanged_at: None,
            idle_expires_at: None,
            expires_at: None,
            device: Device::default(),
            metadata: Map::new(),
            second_factor: false,
        }
    }

    #[test]
    fn a_text_names_its_family_and_nothing_that_was_touched_does() {
        let (key, secret) = (MacKey::new(&[1; 32]), "s".repeat(SECRET));
        let good = text(&key, "family-0", &secret);
        assert_eq!((family(&key, &good), good.len()), (Some("family-0"), 3 + 8 + SECRET + TAG));
        for at in 0..good.len() {
            let mut touched = good.clone().into_bytes();
            touched[at] ^= 1;
            assert_eq!(family(&key, std::str::from_utf8(&touched).unwrap()), None, "byte {at}");
        }
        let old = format!("v1.{secret}");
        for odd in ["", "v1.", &old, &good[..good.len() - 1], &format!("{good}x"), &format!("v1.é{}", &good[4..])] {
            assert_eq!(family(&key, odd), None, "{odd}");
        }
        assert_eq!(family(&MacKey::new(&[2; 32]), &good), None);
        // A letter that moves from the id to the secret is a forgery too.
        assert_eq!(family(&key, &format!("v1.family-{secret}0{}", &good[good.len() - TAG..])), None);
    }

    #[test]
    fn a_successor_follows_from_its_salt_and_from_the_text_it_replaces() {
        let key = MacKey::new(&[1; 32]);
        let next = |salt: &str, spent: &str| successor(&key, "id", salt, spent);
        assert_eq!(next("salt", "t0"), next("salt", "t0"));
        assert_ne!(next("salt", "t0"), next("pepper", "t0"));
        assert_ne!(next("salt", "t0"), next("salt", "t1"));
        assert_eq!(family(&key, &next("salt", "t0")), Some("id"));
    }

    #[test]
    fn only_the_text_before_the_current_one_has_a_leeway() {
        let mut token = token();
        assert_eq!((token.standing("one", 0, 0), token.standing("two", 9, 0)), (Standing::Current, Standing::Spent));
        token.rotate("two".into(), "salt".into(), 1_000);
        let cases = [
            ("two", 0, 1_000, Standing::Current),
            ("one", 0, 1_000, Standing::Spent),
            ("one", 0, 999, Standing::Spent),
            ("one", 3, 999, Standing::Previous),
            ("one", 3, 3_999, Standing::Previous),
            ("one", 3, 4_000, Standing::Spent),
            ("one", i64::MAX, Millis::MAX - 1, Standing::Previous),
            ("zero", 3, 1_000, Standing::Spent),
        ];
        for (hash, leeway, now, expected) in cases {
            assert_eq!(token.standing(hash, leeway, now), expected, "{hash} {leeway} {now}");
        }
        token.rotate("three".into(), "salt".into(), 1_500);
        assert_eq!(token.standing("one", 60, 1_500), Standing::Spent);
        assert_eq!(token.standing("two", 60, 1_500), Standing::Previous);
    }

    #[test]
    fn the_earlier_end_counts() {
        let mut token = token();
        assert!(token.is_live(Millis::MAX - 1));
        token.expires_at = Some(100);
        assert_eq!((token.is_live(99), token.is_live(100)), (true, false));
        token.idle_expires_at = Some(50);
        assert_eq!((token.is_live(49), token.is_live(50)), (true, false));
    }
}
