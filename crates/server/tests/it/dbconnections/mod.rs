//! Databases: sign-up, and links to choose a new password (C1500-C1539).

use serde_json::{Value, json};

use crate::world::{Caller, NATIVE, WEB, World};

mod change_password;
mod mails;
mod pages;
mod policy;
mod signup;
mod tickets;

pub(crate) const DATABASE: &str = "Username-Password-Authentication";
pub(crate) const ANN: &str = "ann@example.org";
pub(crate) const RIGHT: &str = "A long passphrase";

/// A world whose native client uses the database.
pub(crate) async fn world() -> World {
    let world = World::new().await;
    world.enable(DATABASE, &[NATIVE, WEB.0]).await;
    world
}

/// The same with these options on top of the database's own; a null takes one away.
pub(crate) async fn world_with(options: Value) -> World {
    let world = world().await;
    world.options(DATABASE, options).await;
    world
}

pub(crate) async fn sign_up(caller: &Caller<'_>, more: Value) -> crate::world::Answer {
    let mut body = json!({"connection": DATABASE, "email": ANN, "password": RIGHT});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    caller.post("/dbconnections/signup", body).await
}

/// A user of the database, made by an administrator.
pub(crate) async fn ann(world: &World) {
    let body = json!({"connection": DATABASE, "email": ANN, "password": RIGHT, "user_id": "ann"});
    let made = world.api("create:users").post("/api/v2/users", body).await;
    assert_eq!(made.status, 201, "{made}");
    drop(world.logs().await);
}
