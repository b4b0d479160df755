//! What tenant log events can be searched and sorted by (`docs/COMPATIBILITY.md` C1151-C1154, C1162).

use super::lucene::{Policy, Query};
use super::schema::Invalid;
use super::sorting::Orders;
use crate::kit::clock::Millis;

/// How the fields of an event are compared.
pub const POLICY: Policy = Policy {
    folded: &[],
    bare: &["client_name", "connection", "description", "ip", "log_id", "type", "user_name"],
    dates: &["date"],
    numbers: &[],
    exact_only: &[],
};

/// Reads the older parameter `search`.
pub fn simple(search: &str) -> Result<Query, Invalid> {
    const FIELDS: &[&str] = &["client_name", "connection", "user_name"];
    const NAMES: &[(&str, &str)] = &[("application", "client_name"), ("client", "client_name"), ("user", "user_name")];
    Query::parse_simple(search, &POLICY, FIELDS, NAMES)
}

/// Where the events are that may match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The event itself, if the query names some.
    pub log_ids: Option<Vec<String>>,
    /// Types, if the query names some.
    pub kinds: Option<Vec<String>>,
    /// The user, if the query names exactly one.
    pub user_id: Option<String>,
    /// First and last instant.
    pub span: (Millis, Millis),
}

impl Way {
    /// The shortest way to the events of a query; without one, all of them.
    pub fn of(query: Option<&Query>) -> Self {
        let values = |field| {
            let values = query?.values_of(field)?;
            Some(values.into_iter().map(str::to_owned).collect::<Vec<String>>())
        };
        let only = |mut values: Vec<String>| values.pop().filter(|_| values.is_empty());
        Self {
            log_ids: values("log_id").or_else(|| values("_id")),
            kinds: values("type"),
            user_id: values("user_id").and_then(only),
            span: query.map_or((Millis::MIN, Millis::MAX), |query| query.span_of("date")),
        }
    }
}

/// What events can be sorted by; they are kept in order of date.
pub const ORDERS: Orders = Orders {
    natural: "date",
    first: "date:-1",
    fields: &[
        "client_id",
        "client_name",
        "connection",
        "date",
        "description",
        "ip",
        "strategy",
        "strategy_type",
        "type",
        "user_agent",
        "user_id",
        "user_name",
    ],
    open: &[],
    about: "A field of the event and :1 or :-1, such as date:-1",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexed_fields_that_must_match_shorten_the_way() {
        let way = |q| Way::of(Some(&Query::parse(q, &POLICY).unwrap()));
        let found = way(r#"type:(s OR f) AND user_id:"sms|1" AND date:[2026-01-02 TO 2026-01-03}"#);
        assert_eq!(found.kinds, Some(vec!["s".to_owned(), "f".to_owned()]));
        assert_eq!(found.user_id.as_deref(), Some("sms|1"));
        assert_eq!(found.span, (1_767_312_000_000, 1_767_398_399_999));
        assert_eq!(way("log_id:9 AND type:s").log_ids, Some(vec!["9".to_owned()]));
        assert_eq!(way("type:s OR user_id:x"), Way::of(None));
        assert_eq!(way("user_id:(a OR b)").user_id, None);
    }
}
