//! The Management API, seen from outside (`docs/COMPATIBILITY.md` C601-C794): one file per noun, and what all have in common.

mod attack_protection;
mod authentication_methods;
mod branding;
mod client_credentials;
mod client_grants;
mod clients;
mod connection_removal;
mod connections;
mod device_credentials;
mod email_templates;
mod emails;
mod empty;
mod enabled_clients;
mod enrollment_tickets;
mod enrollments;
mod grants;
mod guardian;
mod identities;
mod jobs;
mod keys;
mod log_search;
mod logs;
mod paging;
mod prompts;
mod refresh_tokens;
mod requests;
mod resource_servers;
mod roles;
mod scopes;
mod sessions;
mod stats;
mod tenants;
mod user_blocks;
mod user_search;
mod users;
mod validation;
mod warnings;

use std::collections::BTreeSet;

use ringpass::config::DatabaseUrl;
use ringpass::web::Family as _;
use ringpass::web::management::Management;
use serde_json::Value;

use crate::world::{Answer, Caller, World};

/// A caller who may do everything.
pub(crate) fn admin(world: &World) -> Caller<'_> {
    let scopes: BTreeSet<&str> = Management::ROUTES.iter().flat_map(|route| route.scopes.iter().copied()).collect();
    world.api(&scopes.into_iter().collect::<Vec<_>>().join(" "))
}

/// An error on one line: `404 inexistent_client: The client does not exist`.
pub(crate) fn said(answer: &Answer) -> String {
    let body = answer.json();
    assert_eq!(body["statusCode"], answer.status.as_u16(), "{answer}");
    assert_eq!(body["error"], answer.status.canonical_reason().unwrap(), "{answer}");
    format!("{} {}: {}", answer.status.as_u16(), answer.text("errorCode"), answer.text("message"))
}

/// The same of the Authentication API: `401 unauthorized: user is blocked`.
pub(crate) fn refusal(answer: &Answer) -> String {
    format!("{} {}: {}", answer.status.as_u16(), answer.text("error"), answer.text("error_description"))
}

/// The body of a good answer.
#[track_caller]
pub(crate) fn good(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{answer}");
    answer.json()
}

/// The id of a connection.
async fn id_of(world: &World, name: &str) -> String {
    let found = admin(world).get(&format!("/api/v2/connections?name={name}")).await.json();
    found[0]["id"].as_str().unwrap().to_owned()
}

/// Everything that is in the database, as it lies there.
async fn database(world: &World) -> String {
    match &world.app.config.database.url {
        DatabaseUrl::Sqlite(_) => {
            let files = std::fs::read_dir(&world.app.config.data).unwrap();
            let bytes: Vec<u8> = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        DatabaseUrl::Postgres(_) => {
            let read = |tx: &mut ringpass_core::storage::Tx<'_>| {
                let tables = tx.query(
                    "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()",
                    &[],
                )?;
                let mut text = String::new();
                for table in tables {
                    let rows = tx.query(format!("SELECT CAST(t AS TEXT) FROM {} t", table.text(0)?).leak(), &[])?;
                    for row in rows {
                        text.push_str(&row.text(0)?);
                        text.push('\n');
                    }
                }
                Ok(text)
            };
            world.app.db.read("test.database", read).await.unwrap()
        }
    }
}
