//! A sign-in that waits for its second factor, as its pages see it.

use askama::Template;
use http::StatusCode;
use ringpass_core::kit::clock::SECOND;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::enrollment_ticket::Wishes;
use ringpass_core::model::login::{Second, Step};
use ringpass_core::model::texts::Screen;

use super::super::Pages;
use super::super::form::Form;
use super::super::identifier;
use super::super::running::{Elsewhere, Running};
use super::super::show::{Page, to};
use super::{PATH, PageError, recovery, ticket, ways};
use crate::app::App;
use crate::flows::login::{RESEND_AFTER, Turn};
use crate::flows::mfa::{self, Claimant, Origin, Way};
use crate::web::{Call, Family as _, Reply};

/// A sign-in whose first factor is proven.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The sign-in.
    pub running: Running,
    /// Its person.
    pub claimant: Claimant,
    /// How far they have come.
    pub second: Second,
    /// Everything that they have, oldest first.
    pub all: Vec<Authenticator>,
}

/// A prompt and one of its screens, as custom texts and templates know them.
pub(super) type Name = (&'static str, &'static str);

impl Waiting {
    /// The sign-in that a page of it shows.
    pub(super) async fn of_page(app: &App, call: &Call) -> Result<Self, Elsewhere> {
        let running = Running::of_page(app, call).await.map_err(|error| Box::new(Err(error)))?;
        Self::find(app, call, running).await
    }

    /// The sign-in that a form carries on, and the form.
    pub(super) async fn of_form(app: &App, call: &Call) -> Result<(Self, Form), Elsewhere> {
        let (running, form) = Running::of_form(app, call).await.map_err(|error| Box::new(Err(error)))?;
        Ok((Self::find(app, call, running).await?, form))
    }

    /// The same; one that waits for nothing more than that a recovery code is kept leads there.
    pub(super) async fn find(app: &App, call: &Call, running: Running) -> Result<Self, Elsewhere> {
        let waiting = Self::find_any(app, call, running).await?;
        match waiting.second.recovery {
            Some(replaced) => Err(Box::new(Ok(to(&waiting.at(recovery::shown_at(replaced)))))),
            None if waiting.by_ticket().is_some() && !waiting.is_enrolling(app) => {
                Err(Box::new(Ok(ticket::already(&waiting.running))))
            }
            None => Ok(waiting),
        }
    }

    /// The same, proven or not.
    pub(super) async fn find_any(app: &App, call: &Call, running: Running) -> Result<Self, Elsewhere> {
        let login = &running.stored.login;
        let Some(second) = login.second.clone().filter(|_| login.step == Step::SecondFactor) else {
            if login.enrollment.is_some() {
                return Err(Box::new(Ok(to(&running.at(ticket::RESULT)))));
            }
            let first = || Ok(to(&running.at(identifier::PATH)));
            return Err(Box::new(running.elsewhere().unwrap_or_else(first)));
        };
        match Self::read(app, call, &running).await {
            Ok(Some((claimant, all))) => Ok(Self { running, claimant, second, all }),
            Ok(None) if login.enrollment.is_some() => Err(Box::new(Ok(to(&running.at(ticket::RESULT))))),
            Ok(None) => Err(Box::new(Ok(to(&format!("{}&late", running.at(identifier::PATH)))))),
            Err(error) => Err(Box::new(Err(error))),
        }
    }

    /// Who it is and what they have; nothing when they are gone or took too long, and are to begin anew.
    async fn read(
        app: &App,
        call: &Call,
        running: &Running,
    ) -> Result<Option<(Claimant, Vec<Authenticator>)>, PageError> {
        let turn = identifier::turn(running, call);
        let locale = running.look.lang().locale();
        let row = Pages::ROUTES.iter().find(|row| row.path == call.path && call.method == row.method);
        let (method, path) = row.map_or(("GET", PATH), |row| (row.method, row.path));
        let request = Origin { method, path, language: locale.to_owned() };
        let Some(claimant) = turn.claimant(app, locale, request).await? else {
            turn.begin_anew(app).await?;
            return Ok(None);
        };
        let all = mfa::all(app, &claimant.user).await?;
        Ok(Some((claimant, all)))
    }

    /// What the ticket permits, where this is no sign-in but an enrolment.
    pub(super) fn by_ticket(&self) -> Option<&Wishes> {
        self.running.stored.login.enrollment.as_ref().map(|enrollment| &enrollment.wishes)
    }

    /// The checkbox to remember the browser, and whether it is ticked; none where nobody signs in.
    pub(super) fn remember(&self, is_wanted: bool) -> Option<bool> {
        self.by_ticket().is_none().then_some(is_wanted)
    }

    /// Who carries the sign-in on.
    pub(super) fn turn(&self, call: &Call) -> Turn<'_> {
        identifier::turn(&self.running, call)
    }

    /// The address of a page of this sign-in.
    pub(super) fn at(&self, path: &str) -> String {
        self.running.at(path)
    }

    /// What a proof may be made with, in the order in which it is offered.
    pub(super) fn usable(&self, app: &App) -> Vec<Authenticator> {
        let mut usable = mfa::usable(self.all.clone(), &self.claimant.user, &app.snapshot(), &app.hash_key);
        usable.retain(|one| one.kind != Kind::Phone || !ways(app, one).is_empty());
        usable.sort_by_key(mfa::order);
        usable
    }

    /// Whether the person is to enrol something.
    pub(super) fn is_enrolling(&self, app: &App) -> bool {
        self.claimant.may_add || {
            let usable = mfa::usable(self.all.clone(), &self.claimant.user, &app.snapshot(), &app.hash_key);
            !usable.iter().any(|one| one.kind.is_independent())
        }
    }

    /// What was chosen, if it can still be used.
    pub(super) fn chosen(&self, app: &App) -> Option<&Authenticator> {
        let chosen = self.all.iter().find(|one| Some(&one.id) == self.second.authenticator.as_ref())?;
        let is_enrolling = self.is_enrolling(app);
        let fits = if chosen.confirmed { !is_enrolling } else { is_enrolling && self.is_own(chosen) };
        let is_on = app.snapshot().guardian.is_enabled(chosen.kind.factor());
        (fits && is_on && (chosen.kind != Kind::Phone || !ways(app, chosen).is_empty())).then_some(chosen)
    }

    /// What is being enrolled in this very sign-in, of this kind.
    pub(super) fn unproven(&self, kind: Kind) -> Option<&Authenticator> {
        self.all.iter().find(|one| one.kind == kind && !one.confirmed && self.is_own(one))
    }

    fn is_own(&self, one: &Authenticator) -> bool {
        one.about.transaction.as_ref() == Some(&self.claimant.transaction_id)
    }

    /// Whether the last code went there this way.
    pub(super) fn is_sent(&self, one: &Authenticator, way: Way) -> bool {
        self.second.authenticator.as_ref() == Some(&one.id) && self.second.way.as_deref() == Some(way.name())
    }

    /// Seconds until another code may be asked for.
    pub(super) fn wait(&self, app: &App, one: &Authenticator, way: Way) -> i64 {
        let Some(sent_at) = self.second.sent_at.filter(|_| self.is_sent(one, way)) else { return 0 };
        let left = sent_at + RESEND_AFTER * SECOND - app.clock.now();
        (left.max(0) + SECOND - 1) / SECOND
    }

    /// The texts of a screen.
    pub(super) fn screen(&self, (prompt, screen): Name) -> Screen<'_> {
        self.running.look.screen(prompt, screen)
    }

    /// A page of this sign-in.
    pub(super) fn page(&self, (prompt, screen): Name, status: StatusCode, widget: &impl Template) -> Reply {
        let t = self.running.look.screen(prompt, screen);
        let title = t.fill("pageTitle", &[("clientName", self.running.client.name())]);
        let form_action = Some(self.running.request().redirect_uri.as_str());
        self.running.look.page(status, &Page { prompt, screen, title: &title, form_action }, widget)
    }
}
