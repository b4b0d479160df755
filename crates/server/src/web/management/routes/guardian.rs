//! The rows about second factors.

use super::super::guardian;
use super::{Door, Route};

/// Every row, in order of its path.
pub(super) const ROWS: &[Route<Door>] = &[
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
];
