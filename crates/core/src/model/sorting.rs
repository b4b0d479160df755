//! The order of a list: `sort=field:1` or `field:-1` (`docs/COMPATIBILITY.md` C1157).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::schema::Invalid;

/// What the items of a list can be sorted by.
#[derive(Debug)]
pub struct Orders {
    /// The field in whose order the list is kept.
    pub natural: &'static str,
    /// The order when none is asked for.
    pub first: &'static str,
    /// The fields.
    pub fields: &'static [&'static str],
    /// What the names of further fields begin with.
    pub open: &'static [&'static str],
    /// What may be written, for the caller.
    pub about: &'static str,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    field: String,
    /// Whether the list is kept in this order, or the reverse of it.
    pub is_natural: bool,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl Order {
    /// Reads the parameter `sort`.
    pub fn parse(sort: &str, orders: &Orders) -> Result<Self, Invalid> {
        let asked = if sort.is_empty() { orders.first } else { sort };
        let (field, direction) = asked.rsplit_once(':').unwrap_or((asked, ""));
        let is_known = orders.fields.contains(&field)
            || orders.open.iter().any(|root| field.len() > root.len() && field.starts_with(root));
        match direction {
            "1" | "-1" if is_known => {
                Ok(Self { field: field.to_owned(), is_natural: field == orders.natural, descending: direction == "-1" })
            }
            _ => Err(Invalid::query(&format!("No enum match for: {sort}"), "sort", orders.about)),
        }
    }

    /// What an item is sorted by: a number, or a text in lower case; items without it come last.
    pub fn key(&self, item: &Map<String, Value>) -> Key {
        let mut path = self.field.split('.');
        let first = path.next().and_then(|name| item.get(name));
        match path.fold(first, |value, name| value?.get(name)) {
            Some(Value::Number(number)) => Key::Number(number.as_f64().unwrap_or_default()),
            Some(Value::Bool(flag)) => Key::Text(flag.to_string()),
            Some(Value::String(text)) => Key::Text(text.to_lowercase()),
            _ => Key::None,
        }
    }

    /// Compares two keys; those without a value stay behind, whatever the direction.
    pub fn compare(&self, one: &Key, other: &Key) -> Ordering {
        let ordering = match (one, other) {
            (Key::None, Key::None) => return Ordering::Equal,
            (Key::None, _) => return Ordering::Greater,
            (_, Key::None) => return Ordering::Less,
            (Key::Number(one), Key::Number(other)) => one.total_cmp(other),
            (Key::Text(one), Key::Text(other)) => one.cmp(other),
            (Key::Number(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        };
        if self.descending { ordering.reverse() } else { ordering }
    }
}

/// What an item is sorted by.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// A number.
    Number(f64),
    /// A text, a date or a flag.
    Text(String),
    /// The item has no such field.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::user_search::ORDERS;
    use serde_json::json;

    #[test]
    fn an_order_puts_numbers_before_texts_and_nothing_last() {
        let order = |sort| Order::parse(sort, &ORDERS).unwrap();
        let views = [
            json!({"app_metadata": {"x": "b"}}),
            json!({}),
            json!({"app_metadata": {"x": 2}}),
            json!({"app_metadata": {"x": "A"}}),
        ];
        for (sort, wanted) in [("app_metadata.x:1", [2, 3, 0, 1]), ("app_metadata.x:-1", [0, 3, 2, 1])] {
            let order = order(sort);
            let mut sorted: Vec<usize> = (0..4).collect();
            sorted.sort_by(|one, other| {
                let key = |at: usize| order.key(views[at].as_object().unwrap());
                order.compare(&key(*one), &key(*other))
            });
            assert_eq!(sorted, wanted, "{sort}");
        }
        assert!(order("").is_natural && !order("").descending && order("created_at:-1").descending);
        for bad in [
            "name",
            "name:",
            "name:2",
            "name:+1",
            "nothing:1",
            ":1",
            "user_metadata.:1",
            "identities:1",
            "name:1,email:1",
        ] {
            assert!(Order::parse(bad, &ORDERS).is_err(), "{bad}");
        }
    }
}
