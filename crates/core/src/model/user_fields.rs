//! The closed list of members that a user may be created and updated with, and which strategy knows which of them
//! (`docs/COMPATIBILITY.md` C741, C744, C749).

use serde_json::{Map, Value};

use super::connection::{Connection, Strategy};
use super::phone::Phone;
use super::schema::{Field, Format, Invalid, Kind, Object, field};
use super::user::User;

/// `POST /users`.
pub const CREATE: Object = Object {
    fields: &[
        &[
            field("connection", Kind::Text(1, usize::MAX), "Name of the connection"),
            field("user_id", Kind::Format(&USER_ID), "Chosen id, without the prefix"),
        ],
        MEMBERS,
    ],
    required: &["connection"],
    open: false,
};

/// `PATCH /users/{id}`.
pub const UPDATE: Object = Object {
    fields: &[
        &[
            field("connection", Kind::Text(1, usize::MAX), "Name of the connection"),
            field("client_id", Kind::TEXT, "Client whose message texts are used"),
            field("verify_phone_number", Kind::Bool, "Whether a message asks to confirm the number"),
            field("verify_password", Kind::Bool, "Whether a message asks to confirm the password"),
        ],
        MEMBERS,
    ],
    required: &[],
    open: false,
};

/// The profile's members, in the order in which they are shown.
pub const PROFILE: [&str; 5] = ["name", "nickname", "picture", "given_name", "family_name"];

/// Refuses members that users of the connection do not have.
pub fn belong(sent: &Map<String, Value>, connection: &Connection) -> Result<(), Invalid> {
    let phone = ["phone_number", "phone_verified", "verify_phone_number"].as_slice();
    let email = ["email", "email_verified", "verify_email"].as_slice();
    let database = ["password", "verify_password", "username"].as_slice();
    let foreign = match connection.strategy {
        Strategy::Sms => [email, database].concat(),
        Strategy::Email => [phone, database].concat(),
        Strategy::Auth0 if knows_phones(connection) => Vec::new(),
        Strategy::Auth0 => phone.to_vec(),
    };
    let found: Vec<&str> = sent.keys().map(String::as_str).filter(|name| foreign.contains(name)).collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Invalid::payload(&format!("Additional properties not allowed: {}", found.join(",")), "", ""))
}

/// Refuses metadata that has grown too large: users may add to their own (C1183), and every read of a user pays for it.
pub fn fit(user: &User) -> Result<(), Invalid> {
    for (name, metadata) in [("user_metadata", &user.user_metadata), ("app_metadata", &user.app_metadata)] {
        let length = metadata.as_ref().and_then(|it| serde_json::to_vec(it).ok()).map_or(0, |text| text.len());
        if length > MOST_METADATA {
            let reason = format!("Object is too large ({length} bytes), maximum {MOST_METADATA}");
            return Err(Invalid::payload(&reason, name, ""));
        }
    }
    Ok(())
}

/// 128 KiB as JSON.
const MOST_METADATA: usize = 131_072;

/// A database whose users may have a phone number.
fn knows_phones(connection: &Connection) -> bool {
    connection.options.0.get("attributes").and_then(|attributes| attributes.get("phone_number")).is_some()
}

fn is_word(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

pub(super) const MEMBERS: &[Field] = &[
    field("email", Kind::Format(&EMAIL), "E-mail address"),
    field("email_verified", Kind::Bool, "Whether the e-mail address is confirmed"),
    field("verify_email", Kind::Bool, "Whether a message asks to confirm the e-mail address"),
    field("phone_number", Kind::Format(&PHONE), "Phone number"),
    field("phone_verified", Kind::Bool, "Whether the phone number is confirmed"),
    field("username", Kind::Format(&USERNAME), "User name"),
    field("password", Kind::Text(1, 1_024), "Password"),
    field("name", Kind::Text(1, 300), "Full name"),
    field("nickname", Kind::Text(0, 300), "Short name"),
    field("picture", Kind::Format(&PICTURE), "Address of a picture"),
    field("given_name", Kind::Text(1, 150), "Given name"),
    field("family_name", Kind::Text(1, 150), "Family name"),
    field("blocked", Kind::Bool, "Whether the user may not sign in"),
    field("user_metadata", Kind::FREE, "Data of the user"),
    field("app_metadata", Kind::FREE, "Data of the application"),
];

/// What tells a phone number from other texts: E.164, and no white space around it.
pub(super) const PHONE: Format = Format {
    name: "^\\+[0-9]{1,15}$",
    is_pattern: true,
    holds: |text| Phone::parse(text).is_some_and(|phone| phone.as_str() == text),
};
const EMAIL: Format = Format {
    name: "email",
    is_pattern: false,
    holds: |text| {
        let parts = text.rsplit_once('@');
        let clean = |part: &str| is_word(part, 320) && !part.contains('@');
        text.len() <= 320 && parts.is_some_and(|(local, host)| clean(local) && clean(host))
    },
};
pub(super) const USER_ID: Format =
    Format { name: "^[^\\s\\x00-\\x1f]{1,255}$", is_pattern: true, holds: |text| is_word(text, 255) };
const USERNAME: Format =
    Format { name: "^[^\\s\\x00-\\x1f]{1,128}$", is_pattern: true, holds: |text| is_word(text, 128) };
const PICTURE: Format = Format {
    name: "absolute-https-uri-or-empty",
    is_pattern: false,
    holds: |text| text.is_empty() || url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https")),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::rng::Rng;
    use serde_json::json;

    #[test]
    fn metadata_does_not_grow_without_bound_one_patch_after_another() {
        let sms = Connection::create(&json!({"name": "sms", "strategy": "sms"}), &Rng::seeded(1), 0).unwrap();
        let mut user = User::of_phone("sms", "+15550001111", &Rng::seeded(1), 0);
        for name in ["user_metadata", "app_metadata"] {
            let mut grow = |key: &str| user.apply(&json!({name: {key: "x".repeat(65_000)}}), &sms, 1);
            assert!(grow("a").is_ok() && grow("b").is_ok());
            let refused = grow("c").unwrap_err().message;
            assert!(refused.contains("Object is too large (195022 bytes), maximum 131072"), "{refused}");
            // What is replaced does not count.
            assert!(grow("b").is_ok());
        }
    }
}
