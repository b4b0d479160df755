//! What a password must have, in the language of the page.

use ringpass_core::model::password_policy::{Policy, Rule};
use ringpass_core::model::texts::Screen;

/// The rules as sentences, each with those it counts.
#[derive(Debug, Default)]
pub(super) struct Rules(pub Vec<(String, Vec<String>)>);

impl Rules {
    /// The rules of a policy. One that only asks for any password at all says nothing.
    pub(super) fn of(policy: &Policy, t: Screen<'_>) -> Self {
        let rules = policy.rules("").into_iter().filter(|rule| rule.code != "nonEmpty");
        Self(
            rules.map(|rule| (sentence(&rule, t), rule.items.iter().map(|item| sentence(item, t)).collect())).collect(),
        )
    }
}

fn sentence(rule: &Rule, t: Screen<'_>) -> String {
    let number = |at: usize| rule.format.get(at).map(ToString::to_string).unwrap_or_default();
    let names = [("count", number(0)), ("total", number(1))];
    let names: Vec<(&str, &str)> = names.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let key = match rule.code {
        "lengthAtLeast" => "password-policy-length-at-least",
        "containsAtLeast" => "password-policy-contains-at-least",
        "shouldContain" => "password-policy-should-contain",
        "lowerCase" => "password-policy-lower-case",
        "upperCase" => "password-policy-upper-case",
        "numbers" => "password-policy-numbers",
        "specialCharacters" => "password-policy-special-characters",
        _ => "password-policy-identical-chars",
    };
    t.fill(key, &names).into_owned()
}

/// Characters of the longest password that is taken.
pub(super) const LONGEST: usize = 1_024;
