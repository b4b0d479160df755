//! What stands below the form of a page: asking for another code, and other ways.

use askama::Template;
use ringpass_core::model::texts::Screen;

use super::waiting::Waiting;

/// The second form of a page; nothing where there is nothing else to do.
#[derive(Debug, Template)]
#[template(path = "pages/mfa/aside.html")]
pub(super) struct Aside<'a> {
    pub(super) t: Screen<'a>,
    pub(super) state: &'a str,
    pub(super) path: &'static str,
    pub(super) resend: Option<Resend>,
    /// The other way to a phone.
    pub(super) other_way: Option<Link>,
    pub(super) links: Vec<Link>,
}

/// `action` of a button, and keys of two texts: of the button and of what it is called where that says too little, or of
/// what stands before it and of the button.
pub(super) type Link = (&'static str, &'static str, &'static str);

/// The button that asks for another code.
#[derive(Debug)]
pub(super) struct Resend {
    /// Seconds until it may be asked for.
    wait: i64,
    /// Says so.
    text: String,
    /// The same with `{}` in the place of the number.
    form: String,
}

impl<'a> Aside<'a> {
    /// With these buttons.
    pub(super) fn of(waiting: &'a Waiting, t: Screen<'a>, path: &'static str, links: Vec<Link>) -> Self {
        Self { t, state: &waiting.running.stored.id, path, resend: None, other_way: None, links }
    }
}

impl Resend {
    /// In `wait` seconds.
    pub(super) fn after(wait: i64, t: Screen<'_>) -> Self {
        let text = |seconds: &str| t.fill("resendWaitText", &[("seconds", seconds)]).into_owned();
        Self { wait, text: text(&wait.to_string()), form: text("{}") }
    }
}
