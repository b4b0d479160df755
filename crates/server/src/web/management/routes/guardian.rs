//! The rows about second factors: settings, and what users have enrolled.

use super::super::{authentication_methods, enrollment_tickets, enrollments, guardian};
use super::{Door, Route};

/// Every row, in order of its path.
pub(super) const ROWS: &[Route<Door>] = &[
    route!(
        "POST",
        "/guardian/enrollments/ticket",
        ["create:guardian_enrollment_tickets"],
        enrollment_tickets::create,
        "Create a multi-factor authentication enrollment ticket"
    ),
    route!("GET", "/guardian/enrollments/{id}", ["read:guardian_enrollments"], enrollments::show),
    route!(
        "DELETE",
        "/guardian/enrollments/{id}",
        ["delete:guardian_enrollments"],
        enrollments::remove,
        "Delete a multi-factor authentication enrollment"
    ),
    route!("GET", "/guardian/factors", ["read:guardian_factors"], guardian::list_factors),
    route!("PUT", "/guardian/factors/{name}", ["update:guardian_factors"], guardian::switch, "Update a factor"),
    route!("GET", "/guardian/factors/{name}/message-types", ["read:guardian_factors"], guardian::show_message_types),
    route!(
        "PUT",
        "/guardian/factors/{name}/message-types",
        ["update:guardian_factors"],
        guardian::put_message_types,
        "Set the message types of a factor"
    ),
    route!("GET", "/guardian/factors/{name}/providers/{provider}", ["read:guardian_factors"], guardian::show_provider),
    route!(
        "PUT",
        "/guardian/factors/{name}/providers/{provider}",
        ["update:guardian_factors"],
        guardian::put_provider,
        "Set a provider of a factor"
    ),
    route!("GET", "/guardian/factors/{name}/selected-provider", ["read:guardian_factors"], guardian::show_selected),
    route!(
        "PUT",
        "/guardian/factors/{name}/selected-provider",
        ["update:guardian_factors"],
        guardian::put_selected,
        "Select the provider of a factor"
    ),
    route!("GET", "/guardian/factors/{name}/settings", ["read:guardian_factors"], guardian::show_other),
    route!(
        "PUT",
        "/guardian/factors/{name}/settings",
        ["update:guardian_factors"],
        guardian::put_other,
        "Set the settings of a factor"
    ),
    route!("GET", "/guardian/factors/{name}/templates", ["read:guardian_factors"], guardian::show_templates),
    route!(
        "PUT",
        "/guardian/factors/{name}/templates",
        ["update:guardian_factors"],
        guardian::put_templates,
        "Set the templates of a factor"
    ),
    route!("GET", "/guardian/policies", ["read:mfa_policies"], guardian::show_policies),
    route!(
        "PUT",
        "/guardian/policies",
        ["update:mfa_policies"],
        guardian::put_policies,
        "Set the multi-factor authentication policies"
    ),
    route!("GET", "/users/{id}/authentication-methods", ["read:authentication_methods"], authentication_methods::list),
    route!(
        "POST",
        "/users/{id}/authentication-methods",
        ["create:authentication_methods"],
        authentication_methods::create,
        "Create an authentication method"
    ),
    route!(
        "PUT",
        "/users/{id}/authentication-methods",
        ["update:authentication_methods"],
        authentication_methods::replace,
        "Set the authentication methods of a user"
    ),
    route!(
        "DELETE",
        "/users/{id}/authentication-methods",
        ["delete:authentication_methods"],
        enrollments::remove_of_user,
        "Delete the authentication methods of a user"
    ),
    route!(
        "GET",
        "/users/{id}/authentication-methods/{authentication_method_id}",
        ["read:authentication_methods"],
        authentication_methods::show
    ),
    route!(
        "PATCH",
        "/users/{id}/authentication-methods/{authentication_method_id}",
        ["update:authentication_methods"],
        authentication_methods::update,
        "Update an authentication method"
    ),
    route!(
        "DELETE",
        "/users/{id}/authentication-methods/{authentication_method_id}",
        ["delete:authentication_methods"],
        authentication_methods::remove,
        "Delete an authentication method"
    ),
    route!(
        "DELETE",
        "/users/{id}/authenticators",
        ["delete:guardian_enrollments"],
        enrollments::remove_of_user,
        "Delete the authenticators of a user"
    ),
    route!("GET", "/users/{id}/enrollments", ["read:users", "read:current_user"], enrollments::of_user),
    route!(
        "POST",
        "/users/{id}/multifactor/actions/invalidate-remember-browser",
        ["update:users"],
        enrollments::forget_browsers,
        "Invalidate the remembered browsers of a user"
    ),
    route!(
        "DELETE",
        "/users/{id}/multifactor/{provider}",
        ["update:users"],
        enrollments::remove_provider,
        "Delete a multi-factor provider of a user"
    ),
    route!(
        "POST",
        "/users/{id}/recovery-code-regeneration",
        ["update:users"],
        enrollments::regenerate_recovery_code,
        "Generate a new recovery code"
    ),
];
