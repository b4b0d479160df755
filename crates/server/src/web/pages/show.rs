//! How a page is put together: language, texts, looks, and the headers that keep it safe.

use std::sync::Arc;

use askama::Template;
use http::{StatusCode, header};
use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::ids;
use ringpass_core::model::branding::page_template::Variables;
use ringpass_core::model::branding::{Address, Branding};
use ringpass_core::model::client::Client;
use ringpass_core::model::texts::{Lang, Screen};

use super::{assets, cookies};
use crate::app::App;
use crate::flows::mfa::Browser;
use crate::snapshot::Snapshot;
use crate::web::{Call, Reply};

/// What a page needs to know of the tenant and of the person who looks at it.
#[derive(Debug)]
pub struct Look {
    snapshot: Arc<Snapshot>,
    lang: Lang,
    request_id: String,
    company: String,
    nonce: String,
    now: Millis,
    client: Option<Arc<Client>>,
}

/// A page.
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// Its prompt, as custom texts and templates know it.
    pub prompt: &'a str,
    /// Its screen.
    pub screen: &'a str,
    /// Title of the window.
    pub title: &'a str,
    /// Where its forms may lead in the end, besides here: the application's address.
    pub form_action: Option<&'a str>,
}

/// The head of every page.
#[derive(Debug, Template)]
#[template(path = "pages/head.html")]
struct Head<'a> {
    look: &'a Look,
    title: &'a str,
    css: &'a str,
    js: &'a str,
    icon_path: &'a str,
}

/// What stands around the content of every page.
#[derive(Debug, Template)]
#[template(path = "pages/widget.html")]
struct Frame<'a> {
    look: &'a Look,
    skip: &'a str,
    screen: &'a str,
    logo_text: &'a str,
    content: &'a str,
}

/// The page around head and widget, where the tenant has none of its own.
#[derive(Debug, Template)]
#[template(path = "pages/layout.html")]
struct Layout<'a> {
    look: &'a Look,
    head: &'a str,
    widget: &'a str,
}

impl Look {
    /// For this request: the language that its `ui_locales` or its `accept-language` ask for.
    pub fn of(app: &App, call: &Call) -> Self {
        let accepted = call.header(header::ACCEPT_LANGUAGE.as_str());
        Self::new(app, call.query("ui_locales"), accepted, call.request_id.as_str())
    }

    /// For a request that could not be read.
    pub fn of_nobody(app: &App) -> Self {
        Self::new(app, None, None, "")
    }

    /// For a request of this client, which asked for these languages.
    pub fn of_client(app: &App, call: &Call, client: &Arc<Client>, ui_locales: Option<&str>) -> Self {
        let accepted = call.header(header::ACCEPT_LANGUAGE.as_str());
        let look = Self::new(app, ui_locales, accepted, call.request_id.as_str());
        Self { client: Some(Arc::clone(client)), ..look }
    }

    fn new(app: &App, ui_locales: Option<&str>, accept_language: Option<&str>, request_id: &str) -> Self {
        let snapshot = app.snapshot();
        let company = match snapshot.settings.friendly_name() {
            "" => app.config.http.tenant(),
            name => name.to_owned(),
        };
        Self {
            lang: snapshot.texts.choose(ui_locales, accept_language),
            snapshot,
            request_id: request_id.to_owned(),
            company,
            nonce: ids::short_token(&app.rng),
            now: app.clock.now(),
            client: None,
        }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The looks.
    pub fn branding(&self) -> &Branding {
        &self.snapshot.branding
    }

    /// The logo, unless the theme wants none.
    pub fn logo(&self) -> Option<&Address> {
        let hidden = self.branding().theme.as_ref().is_some_and(|theme| theme.logo_position == "none");
        self.branding().logo.as_ref().filter(|_| !hidden)
    }

    /// The texts of a screen.
    pub fn screen(&self, prompt: &str, screen: &str) -> Screen<'_> {
        self.snapshot.texts.screen(self.lang, prompt, screen)
    }

    /// The tenant's name as people read it.
    pub fn company(&self) -> &str {
        &self.company
    }

    /// The name of the request.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The word that lets a script or style of this very page run.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The page around `content`: the tenant's own template, or the built-in one when there is none or it fails.
    pub(super) fn page(&self, status: StatusCode, page: &Page<'_>, content: &impl Template) -> Reply {
        let failed = || Reply::empty(StatusCode::INTERNAL_SERVER_ERROR);
        let Ok(content) = content.render() else { return failed() };
        let common = self.screen("common", "common");
        let skip = common.get("skipToContentText");
        let logo_text = common.fill("logoAltText", &[("companyName", &self.company)]);
        let frame = Frame { look: self, skip, screen: page.screen, logo_text: &logo_text, content: &content };
        let head =
            Head { look: self, title: page.title, css: assets::css(), js: assets::js(), icon_path: assets::ICON_PATH };
        let (Ok(head), Ok(widget)) = (head.render(), frame.render()) else { return failed() };
        let (html, is_own) = match self.in_template(page, &head, &widget) {
            Some(html) => (html, true),
            None => match (Layout { look: self, head: &head, widget: &widget }).render() {
                Ok(html) => (html, false),
                Err(_) => return failed(),
            },
        };
        self.html(status, html, &self.policy(page, is_own))
    }

    fn in_template(&self, page: &Page<'_>, head: &str, widget: &str) -> Option<String> {
        let template = self.snapshot.page_template.as_ref()?;
        let names = Variables {
            lang: self.lang,
            prompt: page.prompt,
            screen: page.screen,
            texts: self.screen(page.prompt, page.screen),
            application: self.client.as_deref(),
            tenant: &self.snapshot.settings,
            branding: self.branding(),
            params: &[],
            user: None,
        };
        let rendered = template.render(head, widget, &names, self.now);
        rendered
            .inspect_err(|fault| tracing::warn!(?fault, "the page template failed: the built-in page is shown"))
            .ok()
    }

    /// What the page may load: its own files, and what the looks name. The tenant's own template may style itself and show
    /// pictures and fonts of any site; scripts of its own do not run.
    fn policy(&self, page: &Page<'_>, is_own: bool) -> String {
        let origins = self.branding().origins();
        let (images, fonts) = (origins.images.join(" "), origins.fonts.join(" "));
        let (style, images, fonts) = if is_own {
            ("'unsafe-inline'".to_owned(), "https: data:".to_owned(), "https: data:".to_owned())
        } else {
            (format!("'nonce-{}'", self.nonce), images, fonts)
        };
        let action = form_action(page.form_action);
        format!(
            "script-src 'self'; style-src 'self' {style}; img-src 'self' {images}; font-src 'self' {fonts}; form-action 'self' {action}"
        )
    }

    /// HTML under this policy, which nobody may frame.
    pub(super) fn html(&self, status: StatusCode, html: String, policy: &str) -> Reply {
        let policy = format!("default-src 'none'; base-uri 'none'; frame-ancestors 'none'; {}", policy.trim_end());
        Reply::bytes(status, "text/html; charset=utf-8", html)
            .with(header::CONTENT_SECURITY_POLICY, &policy)
            .with(header::X_FRAME_OPTIONS, "DENY")
            .with(header::CONTENT_LANGUAGE, self.lang.tag())
    }
}

/// Where forms may lead besides here. Browsers apply it to every redirection that follows, so the application's address is
/// named too.
fn form_action(uri: Option<&str>) -> String {
    let place = uri.and_then(|uri| url::Url::parse(uri).ok()).map(|uri| match uri.origin() {
        origin @ url::Origin::Tuple(..) => origin.ascii_serialization(),
        url::Origin::Opaque(_) => format!("{}:", uri.scheme()),
    });
    place.unwrap_or_default()
}

/// A redirection that is followed by GET.
pub(super) fn to(location: &str) -> Reply {
    Reply::empty(StatusCode::FOUND).with(header::LOCATION, location)
}

/// What the browser is known by; and the cookie that tells it, when it has none yet.
pub(super) fn browser_of(app: &App, call: &Call) -> (String, Option<String>) {
    if let Some(known) = cookies::browser(app, call) {
        return (known, None);
    }
    let fresh = ids::short_token(&app.rng);
    let cookie = cookies::set_browser(app, &fresh);
    (fresh, Some(cookie))
}

/// What the browser is known by for good; and the cookie that tells it, when it has none yet.
pub(super) fn device_of(app: &App, call: &Call) -> (Browser, Option<String>) {
    let known = cookies::known(call);
    if known.device.is_some() {
        return (known, None);
    }
    let fresh = ids::short_token(&app.rng);
    let cookie = cookies::set_device(app, &fresh);
    (Browser { device: Some(fresh), ..known }, Some(cookie))
}
