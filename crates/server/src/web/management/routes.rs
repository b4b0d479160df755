//! The table of the Management API: one row for each endpoint, with its scopes and its handler
//! (<https://auth0.com/docs/api/management/v2>).

use super::empty::Shape;
use super::{
    ApiError, Door, Route, attack_protection, branding, client_credentials, client_grants, clients, connections,
    device_credentials, email_templates, emails, empty, grants, identities, jobs, keys, logs, memberships, permissions,
    prompts, refresh_tokens, resource_servers, roles, sessions, stats, tenants, tickets, user_search, users,
};

/// A row: method, path, scopes, handler, and for writes what the log calls it.
macro_rules! route {
    ($method:literal, $path:literal, [$($scope:literal),*], $handler:path) => {
        route!($method, $path, [$($scope),*], $handler, "")
    };
    ($method:literal, $path:literal, [$($scope:literal),*], $handler:path, $title:literal) => {
        Route {
            method: $method,
            path: $path,
            scopes: &[$($scope),*],
            handler: Door { title: $title, run: |app, request| Box::pin($handler(app, request)) },
        }
    };
}

/// A row of a list that is always empty, in the shape of its kind.
macro_rules! empty {
    ($path:literal, [$($scope:literal),*], $shape:expr) => {
        Route {
            method: "GET",
            path: $path,
            scopes: &[$($scope),*],
            handler: Door { title: "", run: |_, request| Box::pin(async move { empty::list(&request, $shape) }) },
        }
    };
}

/// A row of something that is never there, and what is said of it.
macro_rules! missing {
    ($path:literal, [$($scope:literal),*], $error:expr) => {
        Route {
            method: "GET",
            path: $path,
            scopes: &[$($scope),*],
            handler: Door { title: "", run: |_, _| Box::pin(async { Err($error) }) },
        }
    };
}

mod guardian;
mod pages;

/// Every endpoint under `/api/v2`.
pub(super) const ROUTES: &[Route<Door>] = &ALL;

#[expect(clippy::indexing_slicing, reason = "the compiler counts, and refuses an index that is none")]
const ALL: [Route<Door>; ROWS.len() + guardian::ROWS.len() + pages::ROWS.len()] = {
    let files = [ROWS, guardian::ROWS, pages::ROWS];
    let mut all = [ROWS[0]; ROWS.len() + guardian::ROWS.len() + pages::ROWS.len()];
    let (mut at, mut file, mut row) = (0, 0, 0);
    while at < all.len() {
        if row == files[file].len() {
            (file, row) = (file + 1, 0);
        } else {
            all[at] = files[file][row];
            (at, row) = (at + 1, row + 1);
        }
    }
    all
};

/// The rows that are not in a file of their own, in order of their paths.
const ROWS: &[Route<Door>] = &[
    route!("GET", "/anomaly/blocks/ips/{id}", ["read:anomaly_blocks"], attack_protection::show_address),
    route!(
        "DELETE",
        "/anomaly/blocks/ips/{id}",
        ["delete:anomaly_blocks"],
        attack_protection::release_address,
        "Unblock an IP address"
    ),
    route!("GET", "/attack-protection/{name}", ["read:attack_protection"], attack_protection::show),
    route!(
        "PATCH",
        "/attack-protection/{name}",
        ["update:attack_protection"],
        attack_protection::update,
        "Update attack protection settings"
    ),
    route!("GET", "/client-grants", ["read:client_grants"], client_grants::list),
    route!("POST", "/client-grants", ["create:client_grants"], client_grants::create, "Create a client grant"),
    route!("GET", "/client-grants/{id}", ["read:client_grants"], client_grants::show),
    route!("PATCH", "/client-grants/{id}", ["update:client_grants"], client_grants::update, "Update a client grant"),
    route!("DELETE", "/client-grants/{id}", ["delete:client_grants"], client_grants::remove, "Delete a client grant"),
    route!(
        "GET",
        "/clients",
        ["read:clients", "read:client_keys", "read:client_credentials", "read:client_summary"],
        clients::list
    ),
    route!("POST", "/clients", ["create:clients"], clients::create, "Create a client"),
    route!(
        "GET",
        "/clients/{id}",
        ["read:clients", "read:client_keys", "read:client_credentials", "read:client_summary"],
        clients::show
    ),
    route!(
        "PATCH",
        "/clients/{id}",
        ["update:clients", "update:client_keys", "update:client_credentials"],
        clients::update,
        "Update a client"
    ),
    route!("DELETE", "/clients/{id}", ["delete:clients"], clients::remove, "Delete a client"),
    route!("GET", "/clients/{id}/connections", ["read:connections"], connections::of_client),
    route!("GET", "/clients/{id}/credentials", ["read:client_credentials"], client_credentials::list),
    route!(
        "POST",
        "/clients/{id}/credentials",
        ["create:client_credentials"],
        client_credentials::create,
        "Create a client credential"
    ),
    route!("GET", "/clients/{id}/credentials/{credential_id}", ["read:client_credentials"], client_credentials::show),
    route!(
        "PATCH",
        "/clients/{id}/credentials/{credential_id}",
        ["update:client_credentials"],
        client_credentials::update,
        "Update a client credential"
    ),
    route!(
        "DELETE",
        "/clients/{id}/credentials/{credential_id}",
        ["delete:client_credentials"],
        client_credentials::remove,
        "Delete a client credential"
    ),
    route!(
        "POST",
        "/clients/{id}/rotate-secret",
        ["update:client_keys"],
        clients::rotate_secret,
        "Rotate a client secret"
    ),
    empty!("/connection-profiles", ["read:connection_profiles"], Shape::Checkpoint("connection_profiles")),
    route!("GET", "/connections", ["read:connections"], connections::list),
    route!("POST", "/connections", ["create:connections"], connections::create, "Create a connection"),
    route!("GET", "/connections/{id}", ["read:connections"], connections::show),
    route!("PATCH", "/connections/{id}", ["update:connections"], connections::update, "Update a connection"),
    route!("DELETE", "/connections/{id}", ["delete:connections"], connections::remove, "Delete a connection"),
    route!("GET", "/connections/{id}/clients", ["read:connections"], connections::list_clients),
    route!(
        "PATCH",
        "/connections/{id}/clients",
        ["update:connections"],
        connections::update_clients,
        "Update the enabled clients of a connection"
    ),
    route!("GET", "/connections/{id}/status", ["read:connections"], connections::status),
    route!("DELETE", "/connections/{id}/users", ["delete:users"], connections::remove_user, "Delete a connection user"),
    empty!(
        "/connections-directory-provisionings",
        ["read:directory_provisionings"],
        Shape::Checkpoint("directory_provisionings")
    ),
    empty!("/custom-domains", ["read:custom_domains"], Shape::Bare),
    route!("GET", "/device-credentials", ["read:device_credentials"], device_credentials::list),
    route!(
        "DELETE",
        "/device-credentials/{id}",
        ["delete:device_credentials", "delete:current_user_device_credentials"],
        device_credentials::remove,
        "Delete a device credential"
    ),
    route!("POST", "/email-templates", ["create:email_templates"], email_templates::create, "Create an email template"),
    route!("GET", "/email-templates/{name}", ["read:email_templates"], email_templates::show),
    route!(
        "PATCH",
        "/email-templates/{name}",
        ["update:email_templates"],
        email_templates::update,
        "Patch an email template"
    ),
    route!(
        "PUT",
        "/email-templates/{name}",
        ["update:email_templates"],
        email_templates::replace,
        "Update an email template"
    ),
    route!("GET", "/emails/provider", ["read:email_provider"], emails::show),
    route!("POST", "/emails/provider", ["create:email_provider"], emails::create, "Configure the email provider"),
    route!("PATCH", "/emails/provider", ["update:email_provider"], emails::update, "Update the email provider"),
    route!("DELETE", "/emails/provider", ["delete:email_provider"], emails::remove, "Delete the email provider"),
    empty!("/event-streams", ["read:event_streams"], Shape::Checkpoint("eventStreams")),
    empty!("/flows", ["read:flows"], Shape::Offset("flows")),
    empty!("/flows/vault/connections", ["read:flows_vault_connections"], Shape::Offset("connections")),
    empty!("/forms", ["read:forms"], Shape::Offset("forms")),
    route!("GET", "/grants", ["read:grants"], grants::list),
    route!("DELETE", "/grants", ["delete:grants"], grants::remove_of_user, "Delete grants of a user"),
    route!("DELETE", "/grants/{id}", ["delete:grants"], grants::remove, "Delete a grant"),
    empty!("/hooks", ["read:hooks"], Shape::Offset("hooks")),
    route!("POST", "/jobs/users-exports", ["read:users"], jobs::export, "Create a job to export users"),
    route!("POST", "/jobs/users-imports", ["create:users"], jobs::import, "Create a job to import users"),
    route!(
        "POST",
        "/jobs/verification-email",
        ["update:users"],
        jobs::verify_email,
        "Create a job to send a verification e-mail"
    ),
    route!("GET", "/jobs/{id}", ["create:users", "read:users"], jobs::show),
    route!("GET", "/jobs/{id}/errors", ["create:users", "read:users"], jobs::errors),
    route!("GET", "/keys/signing", ["read:signing_keys"], keys::list),
    route!("POST", "/keys/signing/rotate", ["create:signing_keys"], keys::rotate, "Rotate the signing key"),
    route!("GET", "/keys/signing/{kid}", ["read:signing_keys"], keys::show),
    route!("PUT", "/keys/signing/{kid}/revoke", ["update:signing_keys"], keys::revoke, "Revoke a signing key"),
    empty!("/log-streams", ["read:log_streams"], Shape::Bare),
    route!("GET", "/logs", ["read:logs", "read:logs_users"], logs::list),
    route!("GET", "/logs/{id}", ["read:logs", "read:logs_users"], logs::show),
    empty!("/network-acls", ["read:network_acls"], Shape::Offset("network_acls")),
    empty!("/organizations", ["read:organizations", "read:organizations_summary"], Shape::Both("organizations")),
    empty!("/rate-limit-policies", ["read:rate_limit_policies"], Shape::Checkpoint("rate_limit_policies")),
    route!("GET", "/refresh-tokens", ["read:refresh_tokens"], refresh_tokens::list),
    route!(
        "POST",
        "/refresh-tokens/revoke",
        ["delete:refresh_tokens"],
        refresh_tokens::revoke,
        "Revoke refresh tokens"
    ),
    route!("GET", "/refresh-tokens/{id}", ["read:refresh_tokens"], refresh_tokens::show),
    route!(
        "PATCH",
        "/refresh-tokens/{id}",
        ["update:refresh_tokens"],
        refresh_tokens::update,
        "Update a refresh token"
    ),
    route!(
        "DELETE",
        "/refresh-tokens/{id}",
        ["delete:refresh_tokens"],
        refresh_tokens::remove,
        "Delete a refresh token"
    ),
    route!("GET", "/resource-servers", ["read:resource_servers"], resource_servers::list),
    route!(
        "POST",
        "/resource-servers",
        ["create:resource_servers"],
        resource_servers::create,
        "Create a resource server"
    ),
    route!("GET", "/resource-servers/{id}", ["read:resource_servers"], resource_servers::show),
    route!(
        "PATCH",
        "/resource-servers/{id}",
        ["update:resource_servers"],
        resource_servers::update,
        "Update a resource server"
    ),
    route!(
        "DELETE",
        "/resource-servers/{id}",
        ["delete:resource_servers"],
        resource_servers::remove,
        "Delete a resource server"
    ),
    route!("GET", "/risk-assessments/settings", ["read:attack_protection"], attack_protection::show),
    route!(
        "PATCH",
        "/risk-assessments/settings",
        ["update:attack_protection"],
        attack_protection::update,
        "Update risk assessment settings"
    ),
    route!("GET", "/risk-assessments/settings/new-device", ["read:attack_protection"], attack_protection::show),
    route!(
        "PATCH",
        "/risk-assessments/settings/new-device",
        ["update:attack_protection"],
        attack_protection::update,
        "Update new device risk assessment settings"
    ),
    route!("GET", "/roles", ["read:roles"], roles::list),
    route!("POST", "/roles", ["create:roles"], roles::create, "Create a role"),
    route!("GET", "/roles/{id}", ["read:roles"], roles::show),
    route!("PATCH", "/roles/{id}", ["update:roles"], roles::update, "Update a role"),
    route!("DELETE", "/roles/{id}", ["delete:roles"], roles::remove, "Delete a role"),
    route!("GET", "/roles/{id}/permissions", ["read:roles"], roles::list_permissions),
    route!("POST", "/roles/{id}/permissions", ["update:roles"], roles::add_permissions, "Add permissions to a role"),
    route!(
        "DELETE",
        "/roles/{id}/permissions",
        ["update:roles"],
        roles::remove_permissions,
        "Remove permissions from a role"
    ),
    route!("GET", "/roles/{id}/users", ["read:users", "read:roles", "read:role_members"], roles::list_users),
    route!(
        "POST",
        "/roles/{id}/users",
        ["update:roles", "create:role_members"],
        roles::add_users,
        "Assign users to a role"
    ),
    empty!("/rules", ["read:rules"], Shape::Offset("rules")),
    empty!("/rules-configs", ["read:rules_configs"], Shape::Bare),
    empty!("/self-service-profiles", ["read:self_service_profiles"], Shape::Offset("self_service_profiles")),
    route!("GET", "/sessions/{id}", ["read:sessions"], sessions::show),
    route!("PATCH", "/sessions/{id}", ["update:sessions"], sessions::update, "Update a session"),
    route!("DELETE", "/sessions/{id}", ["delete:sessions"], sessions::remove, "Delete a session"),
    route!(
        "POST",
        "/sessions/{id}/revoke",
        ["delete:sessions", "delete:refresh_tokens"],
        sessions::revoke,
        "Revoke a session"
    ),
    route!("GET", "/stats/active-users", ["read:stats"], stats::active_users),
    route!("GET", "/stats/daily", ["read:stats"], stats::daily),
    missing!("/supplemental-signals", ["read:attack_protection"], ApiError::NoSignals),
    route!("GET", "/tenants/settings", ["read:tenant_settings"], tenants::show),
    route!("PATCH", "/tenants/settings", ["update:tenant_settings"], tenants::update, "Update tenant settings"),
    route!(
        "POST",
        "/tickets/email-verification",
        ["create:user_tickets"],
        tickets::email_verification,
        "Create an email verification ticket"
    ),
    route!(
        "POST",
        "/tickets/password-change",
        ["create:user_tickets"],
        tickets::password_change,
        "Create a password change ticket"
    ),
    empty!("/token-exchange-profiles", ["read:token_exchange_profiles"], Shape::Checkpoint("token_exchange_profiles")),
    empty!("/user-attribute-profiles", ["read:user_attribute_profiles"], Shape::Checkpoint("user_attribute_profiles")),
    route!("GET", "/user-blocks", ["read:users"], attack_protection::blocks_of_identifier),
    route!("DELETE", "/user-blocks", ["update:users"], attack_protection::unblock_identifier, "Unblock a user"),
    route!("GET", "/user-blocks/{id}", ["read:users"], attack_protection::blocks_of_user),
    route!("DELETE", "/user-blocks/{id}", ["update:users"], attack_protection::unblock_user, "Unblock a user"),
    route!("GET", "/users", ["read:users", "read:user_idp_tokens"], user_search::list),
    route!("POST", "/users", ["create:users"], users::create, "Create a user"),
    route!("GET", "/users/{id}", ["read:users", "read:current_user", "read:user_idp_tokens"], users::show),
    route!(
        "PATCH",
        "/users/{id}",
        ["update:users", "update:users_app_metadata", "update:current_user_metadata"],
        users::update,
        "Update a user"
    ),
    route!("DELETE", "/users/{id}", ["delete:users", "delete:current_user"], users::remove, "Delete a user"),
    route!("GET", "/users/{id}/connected-accounts", ["read:users"], memberships::connected_accounts),
    route!("GET", "/users/{id}/effective-permissions", ["read:user_effective_permissions"], permissions::effective),
    route!("GET", "/users/{id}/effective-roles", ["read:user_effective_roles"], roles::effective),
    route!("GET", "/users/{id}/groups", ["read:groups"], memberships::groups),
    route!(
        "POST",
        "/users/{id}/identities",
        ["update:users", "update:current_user_identities"],
        identities::create,
        "Link a user account"
    ),
    route!(
        "DELETE",
        "/users/{id}/identities/{provider}/{user_id}",
        ["update:users", "update:current_user_identities"],
        identities::remove,
        "Unlink a user identity"
    ),
    route!("GET", "/users/{id}/logs", ["read:logs", "read:logs_users"], logs::of_user),
    route!("GET", "/users/{id}/organizations", ["read:organizations"], memberships::organizations),
    route!("GET", "/users/{id}/permissions", ["read:users"], permissions::of_user),
    route!("POST", "/users/{id}/permissions", ["update:users"], permissions::grant, "Assign permissions to a user"),
    route!(
        "DELETE",
        "/users/{id}/permissions",
        ["update:users"],
        permissions::withdraw,
        "Remove permissions from a user"
    ),
    route!("GET", "/users/{id}/refresh-tokens", ["read:refresh_tokens"], refresh_tokens::of_user),
    route!(
        "DELETE",
        "/users/{id}/refresh-tokens",
        ["delete:refresh_tokens"],
        refresh_tokens::remove_of_user,
        "Delete refresh tokens of a user"
    ),
    route!(
        "POST",
        "/users/{id}/revoke-access",
        ["delete:sessions", "delete:refresh_tokens"],
        sessions::revoke_access,
        "Revoke access of a user"
    ),
    route!(
        "POST",
        "/users/{id}/risk-assessments/clear",
        ["update:users"],
        memberships::clear_risk,
        "Clear the risk assessments of a user"
    ),
    route!("GET", "/users/{id}/roles", ["read:users", "read:roles", "read:role_members"], roles::of_user),
    route!(
        "POST",
        "/users/{id}/roles",
        ["update:users", "create:role_members"],
        roles::assign,
        "Assign roles to a user"
    ),
    route!(
        "DELETE",
        "/users/{id}/roles",
        ["update:users", "delete:role_members"],
        roles::unassign,
        "Remove roles from a user"
    ),
    route!("GET", "/users/{id}/sessions", ["read:sessions"], sessions::of_user),
    route!(
        "DELETE",
        "/users/{id}/sessions",
        ["delete:sessions"],
        sessions::remove_of_user,
        "Delete sessions of a user"
    ),
    route!("GET", "/users-by-email", ["read:users"], users::by_email),
];
