//! Settings that were saved and will not do what one may expect: the header `Ringpass-Warning`, which tools that do not
//! know it pass over, and a line in the process log (`docs/COMPATIBILITY.md` C1435, C1436).

use http::HeaderName;
use ringpass_core::model::connection::{Connection, Strategy};
use ringpass_core::model::segments;
use ringpass_core::model::template::{Tail, Template, Variables};

use crate::app::App;
use crate::web::Reply;

/// Adds a warning to an answer.
pub fn add(reply: Reply, sentence: &str) -> Reply {
    tracing::warn!("{sentence}");
    // A header is ASCII; our sentences are, names of the operator's may not be.
    let text: String = sentence.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
    reply.with(HeaderName::from_static("ringpass-warning"), &text)
}

/// Warns when a connection's text message, filled in with a sample, takes more than one SMS.
pub fn of_segments(app: &App, connection: &Connection, reply: Reply) -> Reply {
    if connection.strategy != Strategy::Sms {
        return reply;
    }
    let template = Template::parse(connection.option("template").unwrap_or_default(), connection.option("syntax"));
    let code = "8".repeat(connection.code_length());
    let variables = Variables {
        code: &code,
        phone_number: "+4915112345678",
        application_name: "Application",
        request_language: "en",
    };
    let taken = |tail: &Tail<'_>| segments::count(template.render(&variables, tail, app.clock.now()).text.expose());
    let host = connection.origin_bound_line().then_some(&*app.journal.host);
    let (plain, whole) = (taken(&Tail::default()), taken(&Tail { host, app_hash: None }));
    let name = &connection.name;
    if plain.count > 1 {
        return add(
            reply,
            &format!("a message of connection `{name}` takes {plain}: options.template is too long for one"),
        );
    }
    if whole.count > 1 {
        let why = "the text is too long for one with the line that lets it fill itself in (options.origin_bound_line)";
        return add(reply, &format!("a message of connection `{name}` from the sign-in pages takes {whole}: {why}"));
    }
    reply
}
