//! An example of every page context, so that each template can be drawn without a server.

use super::pages::{
    Bubble, CodePage, Conversation, DonePage, Exchange, InboxPage, Problem, Seeded, StartPage, TokenPart,
};

impl InboxPage {
    /// Two conversations; the second has one message folded away.
    pub fn sample() -> Self {
        let conversation = |recipient: &str, earlier| Conversation {
            recipient: recipient.to_owned(),
            recent: vec![Bubble::sample()],
            earlier,
        };
        Self {
            conversations: vec![
                conversation("+15550001111", vec![]),
                conversation("<b>+15550002222</b>", vec![Bubble::sample()]),
            ],
            shown: 3,
            kept: 3,
            version: "\"3\"".to_owned(),
        }
    }
}

impl Bubble {
    /// A text message with a code.
    pub fn sample() -> Self {
        Self {
            id: "64f0c0ffee0123456789abcd".to_owned(),
            at: "2026-01-02T03:04:05.678Z".to_owned(),
            time: "03:04:05".to_owned(),
            channel: "SMS",
            sender: Some("+15550009999".to_owned()),
            subject: None,
            before: "Your verification code is: ".to_owned(),
            code: Some("482913".to_owned()),
            after: " & <nothing> more".to_owned(),
        }
    }
}

impl StartPage {
    /// A number in local form was refused.
    pub fn sample() -> Self {
        let text = ToOwned::to_owned;
        Self {
            typed: "0151 \"12345678\"".to_owned(),
            problem: Some(Problem { headline: "Please start with a plus sign.".to_owned(), ..Problem::default() }),
            seeded: Seeded {
                domain: text("localhost:8443"),
                issuer: text("https://localhost:8443/"),
                web: text("web0123456789abcdefghijklmnopqrs"),
                spa: text("spa0123456789abcdefghijklmnopqrs"),
                native: text("native0123456789abcdefghijklmnop"),
                audience: text("https://api.example.test"),
                hosted: text("https://localhost:8443/dev/hosted"),
            },
            exchanges: vec![],
        }
    }
}

impl CodePage {
    /// A wrong code was typed.
    pub fn sample() -> Self {
        Self {
            number: "+15550001111".to_owned(),
            newest: Some(Bubble::sample()),
            problem: Some(Problem::sample()),
            exchanges: vec![Exchange::sample()],
        }
    }
}

impl DonePage {
    /// A sign-in that worked.
    pub fn sample() -> Self {
        let part = |name: &str, value: &str| TokenPart { name: name.to_owned(), value: value.to_owned() };
        Self {
            number: "+15550001111".to_owned(),
            problem: None,
            header: "{\n  \"alg\": \"RS256\",\n  \"typ\": \"JWT\"\n}".to_owned(),
            claims: "{\n  \"sub\": \"sms|64f0c0ffee0123456789abcd\"\n}".to_owned(),
            profile: "{\n  \"name\": \"<script>\"\n}".to_owned(),
            tokens: vec![part("access_token", "opaque"), part("token_type", "Bearer")],
            issuer: "https://localhost:8443/".to_owned(),
            client_id: "web0123456789abcdefghijklmnopqrs".to_owned(),
            exchanges: vec![Exchange::sample()],
        }
    }
}

impl Problem {
    /// The answer to a wrong code.
    pub fn sample() -> Self {
        Self {
            headline: "That code is not right.".to_owned(),
            advice: "Only the newest code counts, and only once. Try again.",
            status: Some(403),
            error: "invalid_grant".to_owned(),
            description: "Wrong phone number or verification code.".to_owned(),
            needs_new_code: false,
        }
    }
}

impl Exchange {
    /// A start that worked.
    pub fn sample() -> Self {
        Self {
            title: "Have a code sent",
            line: "POST /passwordless/start".to_owned(),
            request: "POST /passwordless/start HTTP/1.1\nHost: 127.0.0.1:8080\n\n{\n  \"send\": \"code\"\n}".to_owned(),
            status: "200 OK".to_owned(),
            ok: true,
            answer: "{\n  \"phone_verified\": true\n}".to_owned(),
        }
    }
}
