//! Twilio's calls: one form POST whose TwiML stands in it, so that Twilio has no address of ours to ask (C1727-C1730).
//!
//! Follows <https://www.twilio.com/docs/voice/api/call-resource> and <https://www.twilio.com/docs/voice/twiml/say>.

use url::form_urlencoded;

use super::super::{Message, Origin};
use super::Account;
use crate::kit::http::Request;
use crate::kit::secret::Secret;
use crate::model::mfa_message::Speech;

/// Who calls at Twilio: an account and a number of its own.
#[derive(Debug, Clone)]
pub struct Options {
    account: Account,
    from: String,
}

impl Options {
    /// Calls of `account` from a number; a messaging service cannot call.
    pub fn new(account: Account, from: String) -> Self {
        Self { account, from }
    }

    /// The account.
    pub fn account(&self) -> &Account {
        &self.account
    }
}

/// The call that makes Twilio call and say the TwiML in `message`.
pub fn request(options: &Options, message: &Message, origin: &Origin) -> Request {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("To", &message.to)
        .append_pair("From", message.from.as_deref().unwrap_or(&options.from))
        .append_pair("Twiml", message.text.expose())
        .finish();
    options.account.request("Calls", body, origin)
}

/// What a call says, as TwiML: the pieces of `speech`, with a second of silence between them. It has at most
/// [`LENGTH`] characters: what would be longer loses its end.
pub fn twiml(speech: &Speech) -> Secret {
    const END: &str = "</Response>";
    let open = format!("<Say language=\"{}\">", language(speech.locale));
    let mut out = String::from("<Response>");
    let mut left = LENGTH - out.len() - END.len();
    for (number, piece) in speech.pieces.iter().enumerate() {
        if number > 0 {
            if left < PAUSE.len() {
                break;
            }
            out.push_str(PAUSE);
            left -= PAUSE.len();
        }
        let around = open.len() + CLOSE.len();
        if piece.expose().trim().is_empty() || left <= around {
            continue;
        }
        let (said, length) = escaped(piece.expose().trim(), left - around);
        out.extend([&open, said.expose(), CLOSE]);
        left -= around + length;
    }
    out.push_str(END);
    Secret::new(out)
}

/// As much of a text as fits into `room` characters once it is escaped for XML, and how many they are. What XML cannot
/// hold is a blank.
fn escaped(text: &str, room: usize) -> (Secret, usize) {
    let mut out = String::with_capacity(text.len());
    let mut length = 0;
    for letter in text.chars() {
        let mut own = [0; 4];
        let written = match letter {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            '\u{fffe}' | '\u{ffff}' => " ",
            letter if letter.is_control() => " ",
            letter => letter.encode_utf8(&mut own),
        };
        let wide = written.chars().count();
        if length + wide > room {
            break;
        }
        out.push_str(written);
        length += wide;
    }
    (Secret::new(out), length)
}

/// The voice for a locale, one of those that Twilio lists; American English where it has none.
fn language(locale: &str) -> &'static str {
    let find = |wanted: &str| LANGUAGES.iter().find(|(known, _)| *known == wanted).map(|(_, language)| *language);
    find(locale).or_else(|| find(locale.split('-').next()?)).unwrap_or("en-US")
}

const CLOSE: &str = "</Say>";
const PAUSE: &str = "<Pause length=\"1\"/>";
/// Characters of a call's TwiML that Twilio takes.
pub const LENGTH: usize = 4_000;
/// Locales, or languages for all their countries, and what Twilio calls their voices.
const LANGUAGES: [(&str, &str); 57] = [
    ("am", "am-ET"),
    ("ar", "arb"),
    ("bg", "bg-BG"),
    ("bn", "bn-IN"),
    ("ca", "ca-ES"),
    ("cs", "cs-CZ"),
    ("cy", "cy-GB"),
    ("da", "da-DK"),
    ("de", "de-DE"),
    ("el", "el-GR"),
    ("en", "en-US"),
    ("en-CA", "en-CA"),
    ("es", "es-ES"),
    ("es-419", "es-MX"),
    ("es-AR", "es-MX"),
    ("es-MX", "es-MX"),
    ("fi", "fi-FI"),
    ("fr", "fr-FR"),
    ("fr-CA", "fr-CA"),
    ("gu", "gu-IN"),
    ("he", "he-IL"),
    ("hi", "hi-IN"),
    ("hu", "hu-HU"),
    ("id", "id-ID"),
    ("is", "is-IS"),
    ("it", "it-IT"),
    ("ja", "ja-JP"),
    ("kn", "kn-IN"),
    ("ko", "ko-KR"),
    ("lv", "lv-LV"),
    ("ml", "ml-IN"),
    ("mr", "mr-IN"),
    ("ms", "ms-MY"),
    ("nb", "nb-NO"),
    ("nl", "nl-NL"),
    ("nn", "nb-NO"),
    ("no", "nb-NO"),
    ("pa", "pa-IN"),
    ("pl", "pl-PL"),
    ("pt", "pt-BR"),
    ("pt-PT", "pt-PT"),
    ("ro", "ro-RO"),
    ("ru", "ru-RU"),
    ("sk", "sk-SK"),
    ("sr", "sr-RS"),
    ("sv", "sv-SE"),
    ("ta", "ta-IN"),
    ("te", "te-IN"),
    ("th", "th-TH"),
    ("tl", "fil-PH"),
    ("tr", "tr-TR"),
    ("uk", "uk-UA"),
    ("vi", "vi-VN"),
    ("zh", "cmn-CN"),
    ("zh-HK", "yue-HK"),
    ("zh-MO", "yue-HK"),
    ("zh-TW", "cmn-TW"),
];

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::model::tenant_fields::LOCALES;
    use crate::providers::tests::origin;

    fn said(locale: &'static str, pieces: &[&str]) -> String {
        let pieces = pieces.iter().map(|piece| Secret::new(*piece)).collect();
        twiml(&Speech { pieces, locale }).expose().to_owned()
    }

    #[test]
    fn the_whole_request_reads_as_twilio_expects_it() {
        let account = Account::new("AC0123".to_owned(), Secret::new("t0ken")).unwrap();
        let options = Options::new(account, "+15550009999".to_owned());
        let text = Secret::new(said("fr", &["Bonjour & <bienvenue>", "1. 2. 3. 4. 5. 6."]));
        let request = request(&options, &Message { to: "+15550001111".into(), text, from: None }, &origin());
        expect![[r#"
            https://api.twilio.com/2010-04-01/Accounts/AC0123/Calls.json
            To=%2B15550001111&From=%2B15550009999&Twiml=%3CResponse%3E%3CSay+language%3D%22fr-FR%22%3EBonjour+%26amp%3B+%26lt%3Bbienvenue%26gt%3B%3C%2FSay%3E%3CPause+length%3D%221%22%2F%3E%3CSay+language%3D%22fr-FR%22%3E1.+2.+3.+4.+5.+6.%3C%2FSay%3E%3C%2FResponse%3E
        "#]].assert_eq(&format!("{}\n{}\n", request.url, request.body.expose()));
        assert!(!format!("{options:?} {request:?}").contains("t0ken"));
    }

    #[test]
    fn pieces_are_said_with_a_second_between_them() {
        assert_eq!(
            said("de-DE", &["Hallo", "", " 1. 2. 3 "]),
            "<Response><Say language=\"de-DE\">Hallo</Say><Pause length=\"1\"/><Pause length=\"1\"/>\
             <Say language=\"de-DE\">1. 2. 3</Say></Response>"
        );
        assert_eq!(said("en", &[]), "<Response></Response>");
    }

    #[test]
    fn nothing_in_a_piece_is_markup() {
        let attack = "</Say><Dial>+15550009999</Dial><Say>]]>&amp;\"'\u{0}\u{1b}\u{fffe}\r\n<!--";
        assert_eq!(
            said("en", &[attack]),
            "<Response><Say language=\"en-US\">&lt;/Say&gt;&lt;Dial&gt;+15550009999&lt;/Dial&gt;&lt;Say&gt;]]&gt;&amp;amp;\
             &quot;&#39;     &lt;!--</Say></Response>"
        );
    }

    #[test]
    fn a_long_speech_loses_its_end_and_stays_whole_xml() {
        let long = "é&".repeat(4_000);
        let pauses = vec![""; 3_000];
        for pieces in [vec![long.as_str()], vec!["a", long.as_str(), "b"], vec![long.as_str(); 9], pauses] {
            let text = said("en", &pieces);
            let length = text.chars().count();
            assert!((LENGTH - 60..=LENGTH).contains(&length), "{length}");
            assert!(text.ends_with("</Say></Response>") || text.ends_with("/></Response>"), "{text}");
            assert!(!text.contains("&a<") && !text.contains("&am<") && !text.contains("&amp<"), "{text}");
            assert_eq!(text.matches("<Say ").count(), text.matches("</Say>").count());
        }
    }

    #[test]
    fn every_locale_of_the_pages_has_a_voice_or_american_english() {
        let silent: Vec<_> =
            LOCALES.iter().filter(|locale| !locale.starts_with("en") && language(locale) == "en-US").collect();
        expect![[r#"["az", "bs", "cnr", "et", "eu-ES", "fa", "gl-ES", "hr", "hy", "ka", "kk", "lt", "mk", "mn", "my", "sl", "so", "sq", "sw", "ur", "zgh"]"#]].assert_eq(&format!("{silent:?}"));
        for (locale, voice) in [("fr", "fr-FR"), ("fr-FR", "fr-FR"), ("zh-MO", "yue-HK"), ("es-AR", "es-MX")] {
            assert_eq!(language(locale), voice);
        }
        assert!(LANGUAGES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
