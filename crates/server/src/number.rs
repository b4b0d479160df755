//! `ringpass number +15551234567`: what is known of a number, and whether this tenant would send it a code. It asks what
//! `/passwordless/start` asks (C561-C564), and only looks, so it works beside a running server.

use std::fmt::Write as _;

use ringpass_core::model::phone::{Countries, Kind, Mode, Phone, Refusal};

use crate::commands::Failure;
use crate::config::Config;
use crate::{output, setup};

/// Prints what is known of `number`; 0 when a start for it is let through, 1 when it is refused.
pub async fn run(config: &Config, number: &str) -> Result<u8, Failure> {
    let Some(phone) = Phone::parse(number) else {
        output::say(&table(&[("number", number), ("allowed", "no: a number is + and 1 to 15 digits, nothing else")]));
        return Ok(1);
    };
    let countries = setup::countries(config).await?;
    let refusal = phone.refusal(countries.as_ref());
    let allowed =
        refusal.map_or_else(|| "yes".to_owned(), |refusal| format!("no: {}", why(refusal, countries.as_ref())));
    let code = phone.calling_code().map_or_else(|| "unknown".to_owned(), |code| format!("+{code}"));
    output::say(&table(&[
        ("number", phone.as_str()),
        ("country", phone.country().as_deref().unwrap_or("unknown")),
        ("type", phone.description()),
        ("calling code", &code),
        ("allowed", &allowed),
    ]));
    Ok(u8::from(refusal.is_some()))
}

fn why(refusal: Refusal, countries: Option<&Countries>) -> String {
    let list = countries.map(|countries| countries.list.join(", ")).unwrap_or_default();
    match refusal {
        Refusal::Kind(Kind::PremiumRate) => "no message goes to premium-rate numbers".to_owned(),
        Refusal::Kind(Kind::SharedCost) => "no message goes to shared-cost numbers".to_owned(),
        Refusal::Kind(Kind::Satellite) => "no message goes to satellite numbers".to_owned(),
        Refusal::Kind(Kind::Ordinary) => "no message goes to such numbers".to_owned(),
        Refusal::Country(Mode::Allow) => format!("the tenant's country_codes allow only these countries: {list}"),
        Refusal::Country(Mode::Deny) => format!("the tenant's country_codes deny these countries: {list}"),
    }
}

fn table(rows: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in rows {
        let _ = writeln!(text, "{name:<14}{value}");
    }
    text.trim_end().to_owned()
}
