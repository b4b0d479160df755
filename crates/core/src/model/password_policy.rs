//! Which passwords a database takes: strength, words, personal data, and how many old ones it remembers
//! (<https://auth0.com/docs/authenticate/database-connections/password-strength>, `password-options`;
//! `docs/COMPATIBILITY.md` C1500-C1506).

use serde_json::{Map, Value, json};

use super::connection::Connection;
use super::schema;
use super::user::User;
use crate::kit::secret::Secret;

/// The rules of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    level: Level,
    min_length: usize,
    /// Words of the operator's own in lower case, beside the built-in ones; `None` where no word is forbidden.
    words: Option<Vec<String>>,
    blocks_personal_info: bool,
    /// How many passwords, the one in use among them, may not be chosen again; 0 where history does not matter.
    pub history: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    None,
    Low,
    Fair,
    Good,
    Excellent,
}

/// Why a password is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weak {
    /// It breaks these rules, or keeps them, one by one.
    Strength(Vec<Rule>),
    /// It is a forbidden word.
    Dictionary,
    /// It holds a name of its user.
    PersonalInfo,
    /// It is one of the last so many.
    Used(usize),
}

/// One rule of strength, and whether a password keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, such as `lengthAtLeast`.
    pub code: &'static str,
    /// A sentence with `%d` and `%s` in the places of `format`.
    pub message: &'static str,
    /// Numbers and texts for the sentence.
    pub format: Vec<Value>,
    /// The rules that it counts: name, sentence, whether it is kept.
    pub items: Vec<Rule>,
    /// Whether the password keeps it.
    pub verified: bool,
}

impl Policy {
    /// The rules in a connection's options.
    pub fn of(connection: &Connection) -> Self {
        let options = &connection.options.0;
        let inside = |name: &str, member: &str| options.get(name).and_then(|it| it.get(member)).cloned();
        let on = |name: &str| inside(name, "enable") == Some(Value::Bool(true));
        let level = match options.get("passwordPolicy").and_then(Value::as_str) {
            Some("low") => Level::Low,
            Some("fair") => Level::Fair,
            Some("good") => Level::Good,
            Some("excellent") => Level::Excellent,
            _ => Level::None,
        };
        let number = |value: Option<Value>| value.as_ref().and_then(schema::integer).and_then(|it| it.try_into().ok());
        let own = inside("password_dictionary", "dictionary").unwrap_or_default();
        let own = own.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_lowercase).collect();
        let history = number(inside("password_history", "size")).unwrap_or(REMEMBERED).min(MOST_REMEMBERED);
        Self {
            level,
            min_length: number(inside("password_complexity_options", "min_length")).unwrap_or(level.min_length()),
            words: Some(own).filter(|_| on("password_dictionary")),
            blocks_personal_info: on("password_no_personal_info"),
            history: if on("password_history") { history } else { 0 },
        }
    }

    /// Refuses a password that this user may not have; what was used before is for the caller to find.
    pub fn check(&self, password: &Secret, user: &User) -> Result<(), Weak> {
        let password = password.expose();
        let rules = self.rules(password);
        if rules.iter().any(|rule| !rule.verified) {
            return Err(Weak::Strength(rules));
        }
        let lower = password.to_lowercase();
        if self.words.as_ref().is_some_and(|own| own.contains(&lower) || COMMON.lines().any(|word| word == lower)) {
            return Err(Weak::Dictionary);
        }
        if self.blocks_personal_info && personal(user).any(|part| lower.contains(&part)) {
            return Err(Weak::PersonalInfo);
        }
        Ok(())
    }

    /// The rules of strength, each held against a password (an empty one keeps none).
    pub fn rules(&self, password: &str) -> Vec<Rule> {
        let mut rules = vec![match self.min_length {
            0 | 1 => Rule::new("nonEmpty", "Non-empty password required", !password.is_empty()),
            least => Rule {
                format: vec![least.into()],
                ..Rule::new("lengthAtLeast", "At least %d characters in length", password.chars().count() >= least)
            },
        }];
        let kinds = || {
            let has = |holds: fn(char) -> bool| password.chars().any(holds);
            [
                Rule::new("lowerCase", "lower case letters (a-z)", has(|c| c.is_ascii_lowercase())),
                Rule::new("upperCase", "upper case letters (A-Z)", has(|c| c.is_ascii_uppercase())),
                Rule::new("numbers", "numbers (i.e. 0-9)", has(|c| c.is_ascii_digit())),
                Rule::new("specialCharacters", "special characters (e.g. !@#$%^&*)", has(is_special)),
            ]
        };
        match self.level {
            Level::None | Level::Low => {}
            Level::Fair => {
                let items: Vec<Rule> = kinds().into_iter().take(3).collect();
                let all = items.iter().all(|kind| kind.verified);
                rules.push(Rule { items, ..Rule::new("shouldContain", "Should contain:", all) });
            }
            Level::Good | Level::Excellent => {
                let items = kinds().to_vec();
                let enough = items.iter().filter(|kind| kind.verified).count() >= 3;
                let message = "Contain at least %d of the following %d types of characters:";
                let format = vec![3.into(), 4.into()];
                rules.push(Rule { format, items, ..Rule::new("containsAtLeast", message, enough) });
            }
        }
        if self.level == Level::Excellent {
            let message = "No more than %d identical characters in a row (e.g., \"%s\" not allowed)";
            let format = vec![2.into(), "aaa".into()];
            rules.push(Rule { format, ..Rule::new("identicalChars", message, !repeats(password)) });
        }
        rules
    }
}

impl Level {
    fn min_length(self) -> usize {
        match self {
            Self::None => 1,
            Self::Low => 6,
            Self::Fair | Self::Good => 8,
            Self::Excellent => 10,
        }
    }
}

impl Rule {
    fn new(code: &'static str, message: &'static str, verified: bool) -> Self {
        Self { code, message, format: Vec::new(), items: Vec::new(), verified }
    }

    /// The object on the wire.
    pub fn view(&self) -> Value {
        let mut view = Map::new();
        view.insert("message".into(), self.message.into());
        view.insert("code".into(), self.code.into());
        if !self.format.is_empty() {
            view.insert("format".into(), self.format.clone().into());
        }
        if !self.items.is_empty() {
            view.insert("items".into(), self.items.iter().map(Self::view).collect());
        }
        view.insert("verified".into(), self.verified.into());
        view.into()
    }

    /// The sentence, complete.
    pub fn sentence(&self) -> String {
        self.format.iter().fold(self.message.to_owned(), |text, value| {
            let place = if value.is_string() { "%s" } else { "%d" };
            text.replacen(place, &value.as_str().map_or_else(|| value.to_string(), str::to_owned), 1)
        })
    }
}

impl Weak {
    /// The error's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Strength(_) => "PasswordStrengthError",
            Self::Dictionary => "PasswordDictionaryError",
            Self::PersonalInfo => "PasswordNoUserInfoError",
            Self::Used(_) => "PasswordHistoryError",
        }
    }

    /// What is wrong, in a few words.
    pub fn message(&self) -> &'static str {
        match self {
            Self::Strength(_) => "Password is too weak",
            Self::Dictionary => "Password is too common",
            Self::PersonalInfo => "Password contains user information",
            Self::Used(_) => "Password has previously been used",
        }
    }

    /// `description` on the wire: a sentence, or the rules one by one.
    pub fn description(&self) -> Value {
        match self {
            Self::Strength(rules) => {
                json!({"rules": rules.iter().map(Rule::view).collect::<Vec<_>>(), "verified": false})
            }
            Self::Dictionary => "Password is not allowed, it might be too common.".into(),
            Self::PersonalInfo => "Password is based on user information".into(),
            Self::Used(last) => format!("You may not reuse any of the last {last} passwords.").into(),
        }
    }

    /// The broken policy as a list, one rule a line; `None` where strength was not the matter.
    pub fn policy(&self) -> Option<String> {
        let Self::Strength(rules) = self else { return None };
        let line = |rule: &Rule| {
            let items = rule.items.iter().map(|item| format!("\n * {}", item.sentence()));
            format!("* {}{}", rule.sentence(), items.collect::<String>())
        };
        Some(rules.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

/// What stands for a user in a password, in lower case: names as a whole and word by word, and the address before its `@`.
fn personal(user: &User) -> impl Iterator<Item = String> {
    let metadata = |name: &str| user.user_metadata.as_ref().and_then(|it| it.get(name));
    let profile = |name: &str| user.profile.get(name);
    let texts = [profile("name"), profile("nickname"), metadata("name"), metadata("first"), metadata("last")];
    let local = user.email.as_deref().and_then(|email| email.split('@').next());
    let names = texts.into_iter().flatten().filter_map(Value::as_str).chain(local).chain(user.username.as_deref());
    let parts: Vec<String> = names
        .flat_map(|name| std::iter::once(name.trim()).chain(name.split_whitespace()))
        .filter(|part| part.chars().count() >= SHORTEST_PART)
        .map(str::to_lowercase)
        .collect();
    parts.into_iter()
}

/// OWASP's list: printable ASCII that is neither letter nor digit, the blank included.
fn is_special(c: char) -> bool {
    c.is_ascii_punctuation() || c == ' '
}

/// Whether a character stands three times in a row.
fn repeats(password: &str) -> bool {
    let next = || password.chars();
    next().zip(next().skip(1)).zip(next().skip(2)).any(|((first, second), third)| first == second && second == third)
}

/// Passwords remembered where the size is not said, and most of them.
const REMEMBERED: usize = 5;
const MOST_REMEMBERED: usize = 24;
/// Characters of a name that count as one.
const SHORTEST_PART: usize = 3;
/// The commonest passwords, one a line, in lower case.
const COMMON: &str = include_str!("password_policy/common.txt");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::rng::Rng;

    fn policy(options: Value) -> Policy {
        let body = json!({"name": "users", "strategy": "auth0", "options": options});
        Policy::of(&Connection::create(&body, &Rng::seeded(1), 0).unwrap())
    }

    fn ann() -> User {
        let body = json!({"name": "users", "strategy": "auth0"});
        let connection = Connection::create(&body, &Rng::seeded(1), 0).unwrap();
        let body = json!({"connection": "users", "email": "Ann.Lee@example.org", "username": "lion", "password": "x",
            "given_name": "Sophie", "name": "Ann-Lea Lee", "user_metadata": {"first": "Zoë", "last": "de la Cruz", "color": "green"}});
        User::create(&body, &connection, &Rng::seeded(1), 0).unwrap().0
    }

    fn said(policy: &Policy, password: &str) -> String {
        policy.check(&Secret::new(password), &ann()).map_or_else(|weak| weak.name().to_owned(), |()| "ok".into())
    }

    #[test]
    fn each_level_asks_for_what_is_documented() {
        for (level, good, bad) in [
            (json!("none"), &["x", " ", "é"] as &[&str], &[""] as &[&str]),
            (Value::Null, &["x"], &[""]),
            (json!("low"), &["abcdef", "123456"], &["abcde", ""]),
            (json!("fair"), &["Abcdefg1"], &["Abcdef1", "abcdefg1", "ABCDEFG1", "Abcdefgh", "Abcdef!!"]),
            (
                json!("good"),
                &["Abcdefg1", "abcdef1!", "ABCDEF1 ", "Abcdef!x"],
                &["Abcdef1", "abcdefg1", "abcdefg!", "éÀ1abcde"],
            ),
            (
                json!("excellent"),
                &["Abcdefghi1", "aabbccdd1!"],
                &["Abcdefgh1", "Abcdefghiii1", "abcdefghi1", "Aaaabcdefg1"],
            ),
        ] {
            let policy = policy(json!({"passwordPolicy": level}));
            for password in good {
                assert_eq!(said(&policy, password), "ok", "{level} {password}");
            }
            for password in bad {
                assert_eq!(said(&policy, password), "PasswordStrengthError", "{level} {password}");
            }
        }
        assert_eq!(said(&policy(json!({})), "abcdefgh"), "PasswordStrengthError", "good is the default");
        let long = policy(json!({"passwordPolicy": "low", "password_complexity_options": {"min_length": 12}}));
        assert_eq!(
            (said(&long, "abcdefghijk"), said(&long, "abcdefghijkl")),
            ("PasswordStrengthError".into(), "ok".into())
        );
    }

    #[test]
    fn a_weak_password_is_told_what_it_lacks() {
        let weak = policy(json!({"passwordPolicy": "excellent"})).check(&Secret::new("aaa"), &ann()).unwrap_err();
        assert_eq!(
            weak.policy().unwrap(),
            "* At least 10 characters in length\n* Contain at least 3 of the following 4 types of characters:\n \
             * lower case letters (a-z)\n * upper case letters (A-Z)\n * numbers (i.e. 0-9)\n \
             * special characters (e.g. !@#$%^&*)\n* No more than 2 identical characters in a row (e.g., \"aaa\" not allowed)"
        );
        let rules = weak.description();
        assert_eq!(
            rules["rules"][0],
            json!({"message": "At least %d characters in length", "code": "lengthAtLeast", "format": [10], "verified": false})
        );
        assert_eq!(rules["rules"][1]["items"][0]["verified"], json!(true));
        assert_eq!(rules["verified"], json!(false));
        let fair = policy(json!({"passwordPolicy": "fair"})).check(&Secret::new(""), &ann()).unwrap_err();
        assert!(fair.policy().unwrap().contains("* Should contain:\n * lower case letters (a-z)"));
        assert_eq!(Weak::Dictionary.policy(), None);
    }

    #[test]
    fn words_and_personal_data_are_refused_where_the_operator_asks() {
        let free = policy(json!({"passwordPolicy": "none"}));
        assert_eq!((said(&free, "password"), said(&free, "ann.lee1")), ("ok".into(), "ok".into()));
        let words = json!({"enable": true, "dictionary": ["Entry1", "Straße"]});
        let words = policy(json!({"passwordPolicy": "none", "password_dictionary": words}));
        for password in ["password", "PassWord", "123456", "entry1", "ENTRY1", "straße"] {
            assert_eq!(said(&words, password), "PasswordDictionaryError", "{password}");
        }
        for password in ["password9x", "entry12", "ann.lee1"] {
            assert_eq!(said(&words, password), "ok", "{password}");
        }
        let personal = policy(json!({"passwordPolicy": null, "password_no_personal_info": {"enable": true}}));
        for password in ["xANN.LEEx", "lion2", "ann-lea!", "my zoë", "CRUZ control", "Lee"] {
            assert_eq!(said(&personal, password), "PasswordNoUserInfoError", "{password}");
        }
        for password in ["green", "sophie", "example.org", "de la"] {
            assert_eq!(said(&personal, password), "ok", "{password}");
        }
    }

    #[test]
    fn history_has_a_size() {
        for (history, size) in [
            (json!({"enable": true}), 5),
            (json!({"enable": true, "size": 3}), 3),
            (json!({"enable": true, "size": 24}), 24),
            (json!({"enable": false, "size": 3}), 0),
            (Value::Null, 0),
        ] {
            assert_eq!(policy(json!({"password_history": history})).history, size);
        }
        assert!(COMMON.lines().all(|word| !word.is_empty() && word == word.to_lowercase()));
    }
}
