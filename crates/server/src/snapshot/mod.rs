//! The configuration as one immutable value: read whole, prepared once (keys parsed, templates compiled), then only
//! looked up. A sign-in reads no configuration rows.

mod keys;
mod origins;
mod pages;
mod phone;

use std::collections::HashMap;
use std::sync::Arc;

use ringpass_core::model::attack_protection::{self, BruteForce, SuspiciousIp};
use ringpass_core::model::branding::{Branding, PageTemplate};
use ringpass_core::model::client::{AuthMethod, Client};
use ringpass_core::model::client_credential::{ClientCredential, ProvingKey};
use ringpass_core::model::client_grant::ClientGrant;
use ringpass_core::model::connection::{Connection, Strategy};
use ringpass_core::model::email_template::{self, EmailTemplate};
use ringpass_core::model::email_texts;
use ringpass_core::model::guardian::Guardian;
use ringpass_core::model::letter::Letter;
use ringpass_core::model::phone::Countries;
use ringpass_core::model::resource_server::ResourceServer;
use ringpass_core::model::template::Template;
use ringpass_core::model::tenant::TenantSettings;
use ringpass_core::model::texts::Texts;
use ringpass_core::providers::Provider;
use ringpass_core::providers::mailer::Mailer;
use ringpass_core::storage::{
    DbError, Tx, client_credentials, client_grants, clients, connections, email_provider, email_templates, guardian,
    resource_servers, settings, signing_keys, tenant,
};
use url::Url;

use crate::config::Config;

pub use keys::Keys;
use origins::Origins;
pub use origins::lists;
pub use phone::PhoneFactor;

/// The configuration at one version.
#[derive(Debug)]
pub struct Snapshot {
    /// The version it was read at.
    pub version: i64,
    /// Tenant settings.
    pub settings: TenantSettings,
    /// Country rules of the tenant, if any.
    pub countries: Option<Countries>,
    /// Brute-force protection, if it blocks anybody.
    pub brute_force: Option<BruteForce>,
    /// Suspicious-IP throttling, if it blocks anybody.
    pub suspicious_ip: Option<SuspiciousIp>,
    /// Settings of second factors.
    pub guardian: Guardian,
    /// The phone factor.
    pub phone: PhoneFactor,
    /// Whether messages of second factors wait longer each time.
    pub exponential_messages: bool,
    /// Days that a browser, or a network, is known after a sign-in from it.
    pub device_days: i64,
    /// Signing keys and their published form.
    pub keys: Keys,
    /// Whether the tenant keeps to the classic pages of its own, with which there are no calls.
    pub is_classic: bool,
    /// Texts of the hosted pages.
    pub texts: Texts,
    /// Looks of the hosted pages.
    pub branding: Branding,
    /// The tenant's own page around the form, if there is one.
    pub page_template: Option<PageTemplate>,
    clients: HashMap<String, Arc<Client>>,
    proving_keys: HashMap<String, Arc<[ProvingKey]>>,
    /// What carries the tenant's mail.
    pub mailer: Mailer,
    mails: HashMap<&'static str, PostedMail>,
    channels: Vec<Arc<Channel>>,
    resource_servers: HashMap<String, Arc<ResourceServer>>,
    grants: HashMap<(String, String), Arc<ClientGrant>>,
    origins: Origins,
    web_origins: Origins,
}

/// A kind of mail, prepared.
#[derive(Debug)]
pub struct PostedMail {
    /// What the operator stored for it, if anything.
    pub stored: Option<EmailTemplate>,
    /// The mail as it is sent.
    pub letter: Letter,
}

/// A connection with everything a message needs, prepared.
#[derive(Debug)]
pub struct Channel {
    /// The connection.
    pub connection: Connection,
    /// What carries its messages.
    pub provider: Provider,
    /// Its compiled message template.
    pub template: Template,
    /// Its compiled mail; `email` connections send it.
    pub letter: Letter,
}

/// Identifiers of the APIs that every server has.
#[derive(Debug, Clone)]
pub struct Audiences {
    /// The Management API.
    pub management: String,
    /// The MFA API.
    pub mfa: String,
}

impl Audiences {
    /// As the public URL makes them.
    pub fn of(config: &Config) -> Self {
        Self { management: config.http.management_audience(), mfa: config.http.mfa_audience() }
    }
}

impl Snapshot {
    /// Reads the configuration. The version comes first: rows that are newer than it only mean one more reading.
    pub fn read(tx: &mut Tx<'_>, audiences: &Audiences) -> Result<Self, DbError> {
        let version = settings::version(tx)?;
        let settings = tenant::get(tx)?;
        let keys = Keys::prepare(&signing_keys::list(tx)?)?;
        let clients = clients::list(tx)?;
        let proving_keys = proving_keys(tx, &clients)?;
        let apis = resource_servers::list(tx)?;
        let guardian = guardian::get(tx)?;
        let system = [ResourceServer::system(&audiences.management), ResourceServer::mfa(&audiences.mfa)];
        let countries = settings.country_codes().and_then(Countries::parse);
        let origins = Origins::of(clients.iter().flat_map(|client| {
            let callbacks = client.callbacks().into_iter().filter_map(|url| Url::parse(&url).ok());
            client.allowed_origins().into_iter().chain(callbacks.map(|url| url.origin().ascii_serialization()))
        }));
        let web_origins = Origins::of(clients.iter().flat_map(Client::web_origins));
        Ok(Self {
            version,
            countries,
            brute_force: attack_protection(tx, attack_protection::BRUTE_FORCE)?.as_ref().and_then(BruteForce::of),
            exponential_messages: attack_protection(tx, attack_protection::PHONE_PROVIDER)?
                .is_some_and(|settings| settings.is_exponential()),
            device_days: attack_protection(tx, attack_protection::NEW_DEVICE)?
                .and_then(|settings| settings.remember_for())
                .unwrap_or(30),
            suspicious_ip: attack_protection(tx, attack_protection::SUSPICIOUS_IP)?.as_ref().and_then(SuspiciousIp::of),
            phone: PhoneFactor::of(&guardian),
            guardian,
            is_classic: pages::is_classic(tx)?,
            texts: pages::texts(tx, &settings)?,
            branding: pages::branding(tx)?,
            page_template: pages::template(tx)?,
            settings,
            keys,
            mailer: Mailer::of(email_provider::get(tx)?.as_ref()),
            mails: mails(email_templates::list(tx)?),
            channels: connections::list(tx)?
                .into_iter()
                .map(|connection| Arc::new(Channel::prepare(connection)))
                .collect(),
            proving_keys,
            clients: clients.into_iter().map(|client| (client.id.clone(), Arc::new(client))).collect(),
            resource_servers: apis
                .into_iter()
                .chain(system)
                .map(|api| (api.identifier().to_owned(), Arc::new(api)))
                .collect(),
            grants: client_grants::list(tx)?
                .into_iter()
                .filter(|grant| grant.subject_type() == "client")
                .map(|grant| ((grant.client_id().to_owned(), grant.audience().to_owned()), Arc::new(grant)))
                .collect(),
            origins,
            web_origins,
        })
    }

    /// A client by its id; the global client is none.
    pub fn client(&self, id: &str) -> Option<Arc<Client>> {
        self.clients.get(id).filter(|client| !client.is_global).cloned()
    }

    /// A client that proves itself by assertions, and the keys attached to it.
    pub fn proving_keys(&self, id: &str) -> Option<(Arc<Client>, Arc<[ProvingKey]>)> {
        Some((self.client(id)?, Arc::clone(self.proving_keys.get(id)?)))
    }

    /// The connection that a caller means by `name`: the one of that name; or, when it is not enabled for the client and
    /// `name` is a strategy, the client's only enabled connection of that strategy (C202).
    pub fn channel(&self, name: &str, client_id: &str) -> Option<Arc<Channel>> {
        let named = self.channels.iter().find(|channel| channel.connection.name == name);
        if let Some(named) = named.filter(|channel| channel.connection.is_enabled_for(client_id)) {
            return Some(Arc::clone(named));
        }
        let strategy = Strategy::parse(name).filter(|strategy| *strategy != Strategy::Auth0);
        let mut usable = self.channels.iter().filter(|channel| {
            Some(channel.connection.strategy) == strategy && channel.connection.is_enabled_for(client_id)
        });
        let only = usable.next().filter(|_| usable.next().is_none());
        only.or(named).map(Arc::clone)
    }

    /// Whether there is a connection of this name, and it is not being deleted.
    pub fn has_connection(&self, name: &str) -> bool {
        self.connection_names().any(|known| known == name)
    }

    /// The names of all connections.
    pub fn connection_names(&self) -> impl Iterator<Item = &str> {
        self.channels.iter().map(|channel| channel.connection.name.as_str())
    }

    /// The passwordless connections of a client, the one that was made first in front.
    pub fn passwordless(&self, client_id: &str) -> impl Iterator<Item = Arc<Channel>> {
        let usable = move |channel: &&Arc<Channel>| {
            channel.connection.strategy != Strategy::Auth0 && channel.connection.is_enabled_for(client_id)
        };
        self.channels.iter().filter(usable).map(Arc::clone)
    }

    /// The databases of a client, the one that was made first in front.
    pub fn databases(&self, client_id: &str) -> impl Iterator<Item = Arc<Channel>> {
        let usable = move |channel: &&Arc<Channel>| {
            channel.connection.strategy == Strategy::Auth0 && channel.connection.is_enabled_for(client_id)
        };
        self.channels.iter().filter(usable).map(Arc::clone)
    }

    /// A connection by its id.
    pub fn connection(&self, id: &str) -> Option<Arc<Channel>> {
        self.channels.iter().find(|channel| channel.connection.id == id).map(Arc::clone)
    }

    /// An API by its identifier.
    pub fn resource_server(&self, identifier: &str) -> Option<Arc<ResourceServer>> {
        self.resource_servers.get(identifier).cloned()
    }

    /// What a client was granted on an API for tokens of its own.
    pub fn grant(&self, client_id: &str, audience: &str) -> Option<Arc<ClientGrant>> {
        self.grants.get(&(client_id.to_owned(), audience.to_owned())).cloned()
    }

    /// A kind of mail by its name on the wire; `None` for those that this server never sends.
    pub fn mail(&self, name: &str) -> Option<&PostedMail> {
        self.mails.get(name)
    }

    /// Whether browsers at this origin may call the Authentication API (C121, C122).
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }

    /// Whether pages of this origin may log people in at `/co/authenticate` for some client (C1576).
    pub fn allows_web_origin(&self, origin: &str) -> bool {
        self.web_origins.contains(origin)
    }

    /// Whether some client lists this origin in any way; the Management API asks no more (C126).
    pub fn lists_origin(&self, origin: &str) -> bool {
        self.origins.contains(origin) || self.web_origins.contains(origin)
    }

    /// Settings that will not do what one may expect, as sentences for the operator.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.settings.phone_consolidated_experience() {
            warnings.push(
                "phone_consolidated_experience is on, but this release has no tenant-level phone provider: no code is sent"
                    .to_owned(),
            );
        }
        for channel in self.channels.iter().filter(|channel| channel.connection.strategy == Strategy::Sms) {
            let Connection { name, enabled_clients, .. } = &channel.connection;
            if let Provider::NotConfigured(why) = channel.provider
                && !enabled_clients.is_empty()
            {
                warnings.push(format!("connection `{name}` cannot send: {why}"));
            }
            if let Some(error) = channel.template.broken() {
                warnings.push(format!(
                    "connection `{name}` has a template that cannot be used ({error}): the built-in text is sent until \
                     options.template is corrected"
                ));
            }
        }
        warnings.extend(self.guardian.warning());
        if let Some((member, error)) = self.phone.messages.broken() {
            warnings.push(format!("the phone factor's {member} cannot be used ({error}): the built-in text is sent"));
        }
        warnings.extend(self.warnings_of_mail());
        warnings
    }

    fn warnings_of_mail(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut broken = |what: String, letter: &Letter| {
            if let Some(error) = letter.broken() {
                warnings
                    .push(format!("{what} has a template that cannot be used ({error}): the built-in mail is sent"));
            }
        };
        let connections: Vec<&Arc<Channel>> =
            self.channels.iter().filter(|it| it.connection.strategy == Strategy::Email).collect();
        for channel in &connections {
            broken(format!("connection `{}`", channel.connection.name), &channel.letter);
        }
        for (name, mail) in &self.mails {
            broken(format!("e-mail template `{name}`"), &mail.letter);
        }
        if let Mailer::NotConfigured(why) = self.mailer {
            warnings.push(format!("the e-mail provider cannot send: {why}"));
        }
        warnings
    }
}

fn mails(mut stored: Vec<EmailTemplate>) -> HashMap<&'static str, PostedMail> {
    let mail = |&name: &&'static str| {
        let at = stored.iter().position(|template| template.name() == name);
        let stored = at.map(|at| stored.swap_remove(at));
        Some((name, PostedMail { letter: email_template::letter(name, stored.as_ref())?, stored }))
    };
    email_template::NAMES.iter().filter_map(mail).collect()
}

fn attack_protection(tx: &mut Tx<'_>, path: &str) -> Result<Option<attack_protection::Settings>, DbError> {
    let stored = settings::get(tx, path)?;
    Ok(attack_protection::Settings::fresh(path).map(|settings| settings.with(stored)))
}

/// The keys attached to every client that proves itself by assertions.
fn proving_keys(tx: &mut Tx<'_>, clients: &[Client]) -> Result<HashMap<String, Arc<[ProvingKey]>>, DbError> {
    let all = client_credentials::list(tx)?;
    let of = |client: &Client| {
        let attached = client.credential_ids();
        let own = all.iter().filter(|one| one.client_id == client.id && attached.contains(&one.id.as_str()));
        (client.id.clone(), own.filter_map(ClientCredential::proving_key).collect())
    };
    Ok(clients.iter().filter(|client| client.auth_method() == AuthMethod::PrivateKeyJwt).map(of).collect())
}

impl Channel {
    fn prepare(connection: Connection) -> Self {
        Self {
            provider: Provider::from_options(&connection.options.0),
            template: Template::parse(connection.option("template").unwrap_or_default(), connection.option("syntax")),
            letter: Letter::parse(&connection.letter(), &email_texts::SIGN_IN),
            connection,
        }
    }
}
