//! The mails that are built in, for whoever has written none: English, short, readable without pictures and in the dark.
//! All of them are Liquid, filled in like an operator's own.

/// A mail of ours.
#[derive(Debug)]
pub struct BuiltIn {
    /// The subject.
    pub subject: &'static str,
    /// The text as HTML.
    pub body: &'static str,
}

/// A whole letter around its paragraphs.
macro_rules! letter {
    ($subject:literal, $($part:expr),+) => {
        BuiltIn {
            subject: $subject,
            body: concat!(
                "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
                "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">",
                "</head>\n<body style=\"margin:0;padding:32px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',",
                "Roboto,sans-serif\">\n<div style=\"max-width:480px;margin:0 auto\">\n",
                $($part),+,
                "</div>\n</body></html>\n"
            ),
        }
    };
}

macro_rules! heading {
    ($text:literal) => {
        concat!("<h1 style=\"font-size:22px;line-height:1.3;margin:0 0 16px\">", $text, "</h1>\n")
    };
}

macro_rules! words {
    ($text:literal) => {
        concat!("<p style=\"margin:0 0 16px\">", $text, "</p>\n")
    };
}

macro_rules! small {
    ($text:literal) => {
        concat!("<p style=\"margin:24px 0 0;font-size:14px;opacity:.75\">", $text, "</p>\n")
    };
}

macro_rules! code {
    () => {
        "<p style=\"margin:0 0 16px;font:600 32px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:.15em\">{{ code }}</p>\n"
    };
}

/// A button; its address is also written out for those whose mail program shows none.
macro_rules! button {
    ($text:literal) => {
        concat!(
            "<p style=\"margin:24px 0\"><a href=\"{{ url }}\" style=\"display:inline-block;padding:12px 24px;",
            "border-radius:8px;background:#1a4fd6;color:#fff;font-weight:600;text-decoration:none\">",
            $text,
            "</a></p>\n"
        )
    };
}

/// The passwordless sign-in, by code or by link.
pub const SIGN_IN: BuiltIn = letter!(
    "{% if link %}Sign in to {{ application.name }}{% else %}{{ code }} is your code for {{ application.name }}{% endif %}",
    "{% if link %}",
    heading!("Sign in to {{ application.name }}"),
    words!("Press the button to sign in. It works once, and only for a short time."),
    "{% assign url = link %}",
    button!("Sign in"),
    "{% else %}",
    heading!("Your code for {{ application.name }}"),
    words!("Your verification code is:"),
    code!(),
    words!("It works once, and only for a short time. Nobody from {{ application.name }} will ask you for it."),
    "{% endif %}",
    small!("You did not want to sign in? Then you need not do anything.")
);

/// `verify_email`.
pub const VERIFY_EMAIL: BuiltIn = letter!(
    "Confirm your e-mail address",
    heading!("Confirm your e-mail address"),
    words!("Press the button to confirm that {{ user.email }} is your address."),
    button!("Confirm address"),
    small!("You do not know {{ application.name | default: friendly_name }}? Then you need not do anything.")
);

/// `verify_email_by_code`.
pub const VERIFY_EMAIL_BY_CODE: BuiltIn = letter!(
    "{{ code }} confirms your e-mail address",
    heading!("Confirm your e-mail address"),
    words!("Your code to confirm that {{ user.email }} is your address is:"),
    code!(),
    small!("You do not know {{ application.name | default: friendly_name }}? Then you need not do anything.")
);

/// `reset_email`.
pub const RESET_EMAIL: BuiltIn = letter!(
    "Choose a new password",
    heading!("Choose a new password"),
    words!("Somebody, hopefully you, wants to choose a new password for {{ user.email }}."),
    button!("Choose a password"),
    small!("It was not you? Then do nothing, and your password stays as it is.")
);

/// `reset_email_by_code`.
pub const RESET_EMAIL_BY_CODE: BuiltIn = letter!(
    "{{ code }} is your code to choose a new password",
    heading!("Choose a new password"),
    words!("Somebody, hopefully you, wants to choose a new password for {{ user.email }}. The code for it is:"),
    code!(),
    small!("It was not you? Then do nothing, and your password stays as it is.")
);

/// `change_password`.
pub const CHANGE_PASSWORD: BuiltIn = letter!(
    "Confirm your new password",
    heading!("Confirm your new password"),
    words!("Press the button to put the new password of {{ user.email }} in force."),
    button!("Confirm password"),
    small!("It was not you? Then do nothing, and your password stays as it is.")
);

/// `welcome_email`.
pub const WELCOME_EMAIL: BuiltIn = letter!(
    "Welcome to {{ application.name | default: friendly_name }}",
    heading!("Welcome"),
    words!("Your account at {{ application.name | default: friendly_name }} is ready.")
);

/// `blocked_account`.
pub const BLOCKED_ACCOUNT: BuiltIn = letter!(
    "Your account is blocked",
    heading!("Your account is blocked"),
    words!("There were too many failed sign-ins to the account of {{ user.email }}, so no more are allowed for now."),
    "{% if url %}",
    words!("If they were yours, press the button to allow sign-ins again."),
    button!("Allow sign-ins"),
    "{% endif %}",
    small!("They were not yours? Then somebody may be guessing your password; it is safe as long as it is a good one.")
);

/// `mfa_oob_code`.
pub const MFA_OOB_CODE: BuiltIn = letter!(
    "{{ code }} is your verification code",
    heading!("Your verification code"),
    words!("Type this code to go on:"),
    code!(),
    small!("You are not signing in right now? Then somebody knows your password: change it.")
);

/// `enrollment_email`.
pub const ENROLLMENT_EMAIL: BuiltIn = letter!(
    "Add a second factor",
    heading!("Add a second factor"),
    words!("{{ application.name | default: friendly_name }} asks you to protect your account by a second factor."),
    "{% unless url %}{% assign url = link %}{% endunless %}",
    button!("Add a second factor")
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::letter::{Letter, Source};
    use expect_test::expect;
    use serde_json::json;

    #[test]
    fn every_letter_reads_well_without_marks() {
        let all = [
            &SIGN_IN,
            &VERIFY_EMAIL,
            &VERIFY_EMAIL_BY_CODE,
            &RESET_EMAIL,
            &RESET_EMAIL_BY_CODE,
            &CHANGE_PASSWORD,
            &WELCOME_EMAIL,
            &BLOCKED_ACCOUNT,
            &MFA_OOB_CODE,
            &ENROLLMENT_EMAIL,
        ];
        let variables = json!({"code": "482913", "url": "https://a.example/u?x=1&y=2", "user": {"email": "ada@mail.example"},
            "application": {"name": "Shop & Co"}, "friendly_name": "Tenant"});
        let mut said = String::new();
        for built_in in all {
            let mail = Letter::parse(&Source::default(), built_in).render(variables.as_object().unwrap(), 0);
            assert_eq!(mail.fault, None);
            said.push_str(&format!("== {}\n{}\n\n", mail.subject.expose(), mail.text.expose()));
        }
        let link = json!({"link": "https://a.example/l", "application": {"name": "Shop & Co"}});
        let mail = Letter::parse(&Source::default(), &SIGN_IN).render(link.as_object().unwrap(), 0);
        said.push_str(&format!("== {}\n{}\n", mail.subject.expose(), mail.text.expose()));
        expect![[r#"
            == 482913 is your code for Shop & Co
            Your code for Shop & Co

            Your verification code is:

            482913

            It works once, and only for a short time. Nobody from Shop & Co will ask you for it.

            You did not want to sign in? Then you need not do anything.

            == Confirm your e-mail address
            Confirm your e-mail address

            Press the button to confirm that ada@mail.example is your address.

            Confirm address <https://a.example/u?x=1&y=2>

            You do not know Shop & Co? Then you need not do anything.

            == 482913 confirms your e-mail address
            Confirm your e-mail address

            Your code to confirm that ada@mail.example is your address is:

            482913

            You do not know Shop & Co? Then you need not do anything.

            == Choose a new password
            Choose a new password

            Somebody, hopefully you, wants to choose a new password for ada@mail.example.

            Choose a password <https://a.example/u?x=1&y=2>

            It was not you? Then do nothing, and your password stays as it is.

            == 482913 is your code to choose a new password
            Choose a new password

            Somebody, hopefully you, wants to choose a new password for ada@mail.example. The code for it is:

            482913

            It was not you? Then do nothing, and your password stays as it is.

            == Confirm your new password
            Confirm your new password

            Press the button to put the new password of ada@mail.example in force.

            Confirm password <https://a.example/u?x=1&y=2>

            It was not you? Then do nothing, and your password stays as it is.

            == Welcome to Shop & Co
            Welcome

            Your account at Shop & Co is ready.

            == Your account is blocked
            Your account is blocked

            There were too many failed sign-ins to the account of ada@mail.example, so no more are allowed for now.

            If they were yours, press the button to allow sign-ins again.

            Allow sign-ins <https://a.example/u?x=1&y=2>

            They were not yours? Then somebody may be guessing your password; it is safe as long as it is a good one.

            == 482913 is your verification code
            Your verification code

            Type this code to go on:

            482913

            You are not signing in right now? Then somebody knows your password: change it.

            == Add a second factor
            Add a second factor

            Shop & Co asks you to protect your account by a second factor.

            Add a second factor <https://a.example/u?x=1&y=2>

            == Sign in to Shop & Co
            Sign in to Shop & Co

            Press the button to sign in. It works once, and only for a short time.

            Sign in <https://a.example/l>

            You did not want to sign in? Then you need not do anything.
        "#]]
        .assert_eq(&said);
    }
}
