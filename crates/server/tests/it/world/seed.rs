//! What a world holds at first, and how a test changes it: through storage, as the doors of the Management API do.

use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::client_grant::ClientGrant;
use ringpass_core::model::connection::Connection;
use ringpass_core::model::resource_server::ResourceServer;
use ringpass_core::model::user::User;
use ringpass_core::storage::{client_grants, clients, connections, resource_servers, tenant, users};
use serde_json::{Value, json};

use super::{API, GATEWAY_SECRET, NATIVE, OTP, WEB, World};

/// The clients, the API and the connection that most tests need.
pub(super) async fn fill(world: &World) {
    world
        .new_client(
            NATIVE,
            "native-secret-of-the-tests",
            json!({"name": "Native App", "app_type": "native", "token_endpoint_auth_method": "none",
                "grant_types": [OTP, "refresh_token"]}),
        )
        .await;
    world
        .new_client(
            WEB.0,
            WEB.1,
            json!({"name": "Web App", "app_type": "regular_web", "token_endpoint_auth_method": "client_secret_post",
                "grant_types": [OTP, "refresh_token", "client_credentials"]}),
        )
        .await;
    world
        .new_api(json!({"identifier": API, "name": "Example API", "allow_offline_access": true, "scopes": [
            {"value": "read:messages", "description": "Read"}, {"value": "write:messages", "description": "Write"}
        ]}))
        .await;
    world.new_grant(json!({"client_id": WEB.0, "audience": API, "scope": ["read:messages", "write:messages"]})).await;
    world
        .sms(json!({
            "provider": "sms_gateway", "gateway_url": world.gateway.url(), "from": "+15550009999",
            "gateway_authentication": {
                "method": "bearer", "subject": "urn:Auth0", "audience": "urn:MySmsGateway", "secret": GATEWAY_SECRET,
                "secret_base64_encoded": false
            }
        }))
        .await;
    world.enable("sms", &[NATIVE, WEB.0]).await;
}

impl World {
    pub(crate) async fn new_client(&self, id: &str, secret: &str, body: Value) {
        let mut client = Client::create(&body, &self.rng, self.clock.now()).unwrap();
        id.clone_into(&mut client.id);
        client.secret = Secret::new(secret);
        assert!(self.app.configure("test.client", move |tx| clients::insert(tx, &client)).await.unwrap());
    }

    /// Changes a client as `PATCH /clients/{id}` does.
    pub(crate) async fn client(&self, id: &str, patch: Value) {
        let id = id.to_owned();
        let work = move |tx: &mut ringpass_core::storage::Tx<'_>| {
            let mut client = clients::get(tx, &id)?.unwrap();
            client.apply(&patch).unwrap();
            clients::put(tx, &client)
        };
        assert!(self.app.configure("test.client", work).await.unwrap());
    }

    pub(crate) async fn new_api(&self, body: Value) {
        let api = ResourceServer::create(&body, &self.rng, self.clock.now()).unwrap();
        assert!(self.app.configure("test.api", move |tx| resource_servers::insert(tx, &api)).await.unwrap());
    }

    /// Changes the API of every world as `PATCH /resource-servers/{id}` does.
    pub(crate) async fn change_api(&self, patch: Value) {
        let work = move |tx: &mut ringpass_core::storage::Tx<'_>| {
            let mut api = resource_servers::find_by_identifier(tx, API)?.unwrap();
            api.apply(&patch).unwrap();
            resource_servers::put(tx, &api)
        };
        assert!(self.app.configure("test.api", work).await.unwrap());
    }

    pub(crate) async fn new_grant(&self, body: Value) {
        let grant = ClientGrant::create(&body, &self.rng, self.clock.now()).unwrap();
        assert!(self.app.configure("test.grant", move |tx| client_grants::insert(tx, &grant)).await.unwrap());
    }

    pub(crate) async fn new_connection(&self, body: Value) {
        let connection = Connection::create(&body, &self.rng, self.clock.now()).unwrap();
        assert!(self.app.configure("test.connection", move |tx| connections::insert(tx, &connection)).await.unwrap());
    }

    /// Changes single options of the connection `sms`; a null takes one away.
    pub(crate) async fn sms(&self, options: Value) {
        self.options("sms", options).await;
    }

    /// Changes single options of a connection; a null takes one away.
    pub(crate) async fn options(&self, name: &str, options: Value) {
        self.change_connection(name, move |connection| {
            for (name, value) in options.as_object().unwrap() {
                match value {
                    Value::Null => drop(connection.options.0.shift_remove(name)),
                    value => drop(connection.options.0.insert(name.clone(), value.clone())),
                }
            }
        })
        .await;
    }

    /// Enables a connection for these clients and no others.
    pub(crate) async fn enable(&self, name: &str, clients: &[&str]) {
        let clients = clients.iter().map(|&id| id.to_owned()).collect();
        self.change_connection(name, |connection| connection.enabled_clients = clients).await;
    }

    async fn change_connection(&self, name: &str, change: impl FnOnce(&mut Connection) + Send + 'static) {
        let name = name.to_owned();
        let work = move |tx: &mut ringpass_core::storage::Tx<'_>| {
            let mut connection = connections::list(tx)?.into_iter().find(|one| one.name == name).unwrap();
            change(&mut connection);
            connections::put(tx, &connection)
        };
        assert!(self.app.configure("test.connection", work).await.unwrap());
    }

    /// Changes tenant settings as `PATCH /tenants/settings` does.
    pub(crate) async fn tenant(&self, patch: Value) {
        let work = move |tx: &mut ringpass_core::storage::Tx<'_>| {
            let mut settings = tenant::get(tx)?;
            settings.apply(&patch).unwrap();
            tenant::put(tx, &settings)
        };
        self.app.configure("test.tenant", work).await.unwrap();
    }

    /// The user of `sms` with this number, if there is one.
    pub(crate) async fn user(&self, phone: &str) -> Option<User> {
        let phone = phone.to_owned();
        self.app.db.read("test.user", move |tx| users::find_by_phone(tx, "sms", &phone)).await.unwrap()
    }

    /// Adds a user of `sms` as `POST /users` does.
    pub(crate) async fn new_user(&self, phone: &str) -> String {
        let sms = self.app.snapshot().channel("sms", NATIVE).unwrap();
        let body = json!({"connection": "sms", "phone_number": phone});
        let (user, _) = User::create(&body, &sms.connection, &self.rng, self.clock.now()).unwrap();
        let id = user.user_id.clone();
        assert!(self.app.db.write("test.user", move |tx| users::insert(tx, &user)).await.unwrap());
        id
    }

    /// Blocks the user with this number, or lifts the block.
    pub(crate) async fn block(&self, phone: &str, blocked: bool) {
        let id = self.user(phone).await.unwrap().user_id;
        let work = move |tx: &mut ringpass_core::storage::Tx<'_>| {
            let mut user = users::get_for_update(tx, &id)?.unwrap();
            user.blocked = Some(blocked);
            users::put(tx, &user)
        };
        assert!(self.app.db.write("test.user", work).await.unwrap());
    }

    pub(crate) async fn delete_user(&self, phone: &str) {
        let id = self.user(phone).await.unwrap().user_id;
        assert!(self.app.db.write("test.user", move |tx| users::delete(tx, &id)).await.unwrap());
    }
}
