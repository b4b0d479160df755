//! Sealing keys and the administrator of the first start.

use ringpass_core::kit::secret::{MasterKeys, Secret};

use super::Mode;
use super::sources::{ConfigError, Values};

/// What only the operator may know.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Sealing keys, as [`MasterKeys::parse`] reads them; empty where the command needs none.
    pub master_keys: Secret,
    /// The machine-to-machine client with every Management scope, made at the first start.
    pub admin: Option<Admin>,
    /// Whether the secrets of the phone factor's providers are null to whoever reads their settings (C1662).
    pub redact_provider: bool,
}

/// The administrator's client.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Any text that is not empty.
    pub client_id: String,
    /// 16 characters or more.
    pub client_secret: Secret,
}

impl Secrets {
    pub(super) fn read(mode: Mode, values: &Values) -> Result<Self, ConfigError> {
        let master_keys = match values.text("master_key") {
            Some(value) => {
                MasterKeys::parse(value.text()).map_err(|why| value.wrong(&why))?;
                values.secret("master_key").unwrap_or_default()
            }
            None if mode == Mode::Serve => {
                return Err(ConfigError::new(
                    "RINGPASS_MASTER_KEY is missing: it seals secrets in the database; make one with `openssl rand -base64 32` \
                     and give it there or in a file named by RINGPASS_MASTER_KEY_FILE",
                ));
            }
            None => Secret::default(),
        };
        let redact_provider = match values.text("redact_provider_secrets") {
            None => false,
            Some(value) => match value.text() {
                "on" => true,
                "off" => false,
                _ => return Err(value.wrong("use `on` or `off`")),
            },
        };
        Ok(Self { master_keys, admin: admin(values)?, redact_provider })
    }
}

fn admin(values: &Values) -> Result<Option<Admin>, ConfigError> {
    let alone = |given: &str, missing: &str| {
        let (given, missing) = (Values::name(given), Values::name(missing));
        Err(ConfigError::new(format!("{given} is set without {missing}: give both or none")))
    };
    match (values.text("admin_client_id"), values.text("admin_client_secret")) {
        (None, None) => Ok(None),
        (Some(_), None) => alone("admin_client_id", "admin_client_secret"),
        (None, Some(_)) => alone("admin_client_secret", "admin_client_id"),
        (Some(id), Some(_)) if id.text().is_empty() => Err(id.wrong("write an id that is not empty")),
        (Some(_), Some(secret)) if secret.text().chars().count() < 16 => {
            Err(secret.wrong("write a secret of 16 characters or more"))
        }
        (Some(id), Some(_)) => Ok(Some(Admin {
            client_id: id.text().to_owned(),
            client_secret: values.secret("admin_client_secret").unwrap_or_default(),
        })),
    }
}
