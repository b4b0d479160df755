//! What users can be searched and sorted by, and the shortest way to those that a query asks for
//! (`docs/COMPATIBILITY.md` C1144-C1158).

use super::lucene::{Policy, Query};
use super::sorting::Orders;
use crate::kit::clock::Millis;

/// How the fields of a user are compared.
pub const POLICY: Policy = Policy {
    folded: &["email", "email.domain", "name", "given_name", "family_name", "nickname"],
    bare: &["email", "name", "given_name", "family_name", "nickname", "username", "phone_number", "user_id"],
    dates: &["created_at", "updated_at", "last_login", "last_password_reset", "multifactor_last_modified"],
    numbers: &["logins_count"],
    exact_only: &["user_metadata"],
};

/// Where the users are that may match: all have one of these values, or were made in this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Ids.
    Ids(Vec<String>),
    /// Phone numbers.
    Phones(Vec<String>),
    /// E-mail addresses, in lower case.
    Emails(Vec<String>),
    /// User names.
    Usernames(Vec<String>),
    /// Nothing that is indexed but the time of creation: first and last instant.
    Walk(Millis, Millis),
}

impl Way {
    /// The shortest way to the users of a query; without one, everybody.
    pub fn of(query: Option<&Query>) -> Self {
        let Some(query) = query else { return Self::Walk(Millis::MIN, Millis::MAX) };
        let values = |field| query.values_of(field).map(|all| distinct(&all));
        let exact = values("user_id")
            .map(Self::Ids)
            .or_else(|| values("phone_number").map(Self::Phones))
            .or_else(|| values("email").map(Self::Emails))
            .or_else(|| values("username").map(Self::Usernames));
        exact.unwrap_or_else(|| {
            let (first, last) = query.span_of("created_at");
            Self::Walk(first, last)
        })
    }
}

fn distinct(values: &[&str]) -> Vec<String> {
    let mut values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
    values.sort();
    values.dedup();
    values
}

/// What users can be sorted by; they are kept in order of creation.
pub const ORDERS: Orders = Orders {
    natural: "created_at",
    first: "created_at:1",
    fields: SORTABLE,
    open: &["app_metadata.", "user_metadata."],
    about: "A field of the user and :1 or :-1, such as created_at:-1",
};

const SORTABLE: &[&str] = &[
    "blocked",
    "created_at",
    "email",
    "email_verified",
    "family_name",
    "given_name",
    "last_ip",
    "last_login",
    "last_password_reset",
    "logins_count",
    "name",
    "nickname",
    "phone_number",
    "phone_verified",
    "updated_at",
    "user_id",
    "username",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexed_fields_that_must_match_shorten_the_way() {
        let all = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let everybody = Way::Walk(Millis::MIN, Millis::MAX);
        for (q, way) in [
            ("user_id:sms|1", Way::Ids(all(&["sms|1"]))),
            ("user_id:(b OR a OR \"b\") AND name:x*", Way::Ids(all(&["a", "b"]))),
            ("user_id:a user_id:b", Way::Ids(all(&["a", "b"]))),
            ("+user_id:(a b) +user_id:c", Way::Ids(all(&["c"]))),
            (r"phone_number:\+1555", Way::Phones(all(&["+1555"]))),
            ("(blocked:true AND (email:\"Ann@Example.ORG\"))", Way::Emails(all(&["ann@example.org"]))),
            ("username:ann -blocked:true", Way::Usernames(all(&["ann"]))),
            ("created_at:[2026-01-02 TO *}", Way::Walk(1_767_312_000_000, Millis::MAX)),
            (
                "created_at:2026-01-02 AND created_at:{* TO 2026-01-02T00:00:01Z}",
                Way::Walk(1_767_312_000_000, 1_767_312_000_999),
            ),
            ("created_at:{2026-01-02 TO *}", Way::Walk(1_767_398_400_000, Millis::MAX)),
            ("user_id:a OR name:x", everybody.clone()),
            ("NOT user_id:a", everybody.clone()),
            ("user_id:a*", everybody.clone()),
            ("last_login:2026-01-02", everybody.clone()),
            ("ann", everybody.clone()),
        ] {
            assert_eq!(Way::of(Some(&Query::parse(q, &POLICY).unwrap())), way, "{q}");
        }
        assert_eq!(Way::of(None), everybody);
    }
}
