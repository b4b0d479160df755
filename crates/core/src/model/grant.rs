//! What a user lets a client do while away (<https://auth0.com/docs/api/management/v2/grants>; `docs/COMPATIBILITY.md`
//! C1086, C1087).

use serde_json::{Map, Value};

use crate::kit::clock::Millis;

/// A grant: one for each user, client and API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// 24 hexadecimal digits.
    pub id: String,
    /// Who granted.
    pub user_id: String,
    /// To whom.
    pub client_id: String,
    /// The API's identifier; empty for none.
    pub audience: String,
    /// Every scope that was ever granted, space separated.
    pub scope: String,
    /// When the first was.
    pub created_at: Millis,
}

impl Grant {
    /// The object on the wire. `userinfo` stands for the API where there is none.
    pub fn view(&self, userinfo: &str) -> Map<String, Value> {
        let mut view = Map::new();
        view.insert("id".into(), self.id.clone().into());
        view.insert("clientID".into(), self.client_id.clone().into());
        view.insert("user_id".into(), self.user_id.clone().into());
        let audience = if self.audience.is_empty() { userinfo } else { &self.audience };
        view.insert("audience".into(), audience.into());
        view.insert("scope".into(), self.scope.split_ascii_whitespace().collect());
        view
    }
}
