//! Texts, calls, names, languages, and what a hostile value or template makes of them.

use std::fmt::Write as _;

use expect_test::expect;

use super::*;
use crate::kit::rng::Rng;
use crate::model::identifier::Identifier;
use crate::model::segments::{self, Alphabet};
use crate::model::tenant_fields::LOCALES;

const CODE: &str = "482913";

fn client() -> Client {
    let body = json!({"name": "Shop", "client_metadata": {"team": "blue"}});
    let mut client = Client::create(&body, &Rng::seeded(1), 0).unwrap();
    client.id = "cli_shop".to_owned();
    client
}

fn user() -> User {
    let phone = crate::model::phone::Phone::parse("+15550001111").unwrap();
    let mut user = User::of("sms", &Identifier::Phone(phone), &Rng::seeded(1), 0);
    user.password_hash = Some("$argon2id$secret".to_owned());
    user.profile.insert("name".to_owned(), "Ann".into());
    user.user_metadata = json!({"city": "Oslo"}).as_object().cloned();
    user.last_ip = Some("203.0.113.7".to_owned());
    user
}

fn tenant() -> Tenant<'static> {
    Tenant { name: "acme", friendly_name: "Acme & Co", host: "acme.example", ..Tenant::default() }
}

fn messages(enrollment_message: &str, verification_message: &str) -> Messages {
    let (enrollment_message, verification_message) = (enrollment_message.to_owned(), verification_message.to_owned());
    Messages::of(Some(&Templates { enrollment_message, verification_message }))
}

fn rendered(text: &str, message_type: MessageType, locale: &str) -> Rendered {
    let (client, user) = (client(), user());
    let variables = Variables {
        code: CODE,
        locale,
        request_language: "fr-CA,fr;q=0.9",
        tenant: tenant(),
        user: Some(&user),
        client: &client,
    };
    messages("", text).render(Purpose::Verification, message_type, &variables, 0)
}

/// What a message says, `|` for a pause.
fn said(rendered: &Rendered) -> String {
    match &rendered.content {
        Content::Text(text) => text.expose().to_owned(),
        Content::Speech(speech) => {
            let pieces: Vec<_> = speech.pieces.iter().map(Secret::expose).collect();
            format!("{}: {}", speech.locale, pieces.join("|"))
        }
    }
}

fn sms(text: &str) -> String {
    said(&rendered(text, MessageType::Sms, "en"))
}

fn voice(text: &str) -> String {
    said(&rendered(text, MessageType::Voice, "fr-CA"))
}

#[test]
fn built_in_messages_speak_every_language_of_the_pages() {
    let (mut out, client) = (String::new(), client());
    for locale in mfa_texts::LANGUAGES.iter().map(|texts| texts.locale) {
        let tenant = Tenant { friendly_name: "Acme", ..Tenant::default() };
        let variables = Variables { code: CODE, locale, request_language: "", tenant, user: None, client: &client };
        for (purpose, message_type) in [
            (Purpose::Enrollment, MessageType::Sms),
            (Purpose::Verification, MessageType::Sms),
            (Purpose::Enrollment, MessageType::Voice),
        ] {
            let message = Messages::default().render(purpose, message_type, &variables, 0);
            writeln!(out, "{}", said(&message)).unwrap();
        }
    }
    expect![[r#"
        482913: use this code to register your phone with Acme.
        482913 is your Acme sign-in code.
        en: This is Acme. Your code is|4. 8. 2. 9. 1. 3. Once more, your code is|4. 8. 2. 9. 1. 3. Goodbye.
        482913 هو رمز تسجيل هاتفك لدى Acme.
        482913 هو رمز تسجيل الدخول إلى Acme.
        ar: معك Acme. رمزك هو|4. 8. 2. 9. 1. 3. مرة أخرى، رمزك هو|4. 8. 2. 9. 1. 3.
        482913: Code zum Registrieren Ihres Telefons bei Acme.
        482913 ist Ihr Anmeldecode für Acme.
        de: Hier ist Acme. Ihr Code lautet|4, 8, 2, 9, 1, 3. Ich wiederhole|4, 8, 2, 9, 1, 3.
        482913: código para registrar su teléfono en Acme.
        482913 es su código de acceso a Acme.
        es: Le llama Acme. Su código es|4. 8. 2. 9. 1. 3. Repito|4. 8. 2. 9. 1. 3.
        482913 : code pour enregistrer votre téléphone chez Acme.
        482913 est votre code de connexion Acme.
        fr: Ici Acme. Votre code est|4. 8. 2. 9. 1. 3. Je répète|4. 8. 2. 9. 1. 3.
        482913: Acme में आपका फ़ोन जोड़ने का कोड।
        482913 आपका Acme साइन-इन कोड है।
        hi: यह Acme है। आपका कोड है|4. 8. 2. 9. 1. 3। एक बार फिर, आपका कोड है|4. 8. 2. 9. 1. 3।
        482913: codice per registrare il suo telefono presso Acme.
        482913 è il suo codice di accesso a Acme.
        it: Qui è Acme. Il suo codice è|4. 8. 2. 9. 1. 3. Ripeto|4. 8. 2. 9. 1. 3.
        482913：Acmeに電話番号を登録するためのコードです。
        482913：Acmeのログインコードです。
        ja: Acmeです。コードは|4. 8. 2. 9. 1. 3。繰り返します。|4. 8. 2. 9. 1. 3。
        482913: Acme에 휴대전화를 등록하는 코드입니다.
        482913: Acme 로그인 코드입니다.
        ko: Acme입니다. 코드는|4. 8. 2. 9. 1. 3. 다시 말씀드립니다.|4. 8. 2. 9. 1. 3.
        482913: code om uw telefoon te registreren bij Acme.
        482913 is uw inlogcode voor Acme.
        nl: Dit is Acme. Uw code is|4. 8. 2. 9. 1. 3. Ik herhaal|4. 8. 2. 9. 1. 3.
        482913: kod do rejestracji telefonu w Acme.
        482913 to kod logowania do Acme.
        pl: Tu Acme. Twój kod to|4, 8, 2, 9, 1, 3. Powtarzam|4, 8, 2, 9, 1, 3.
        482913: código para registrar seu telefone em Acme.
        482913 é o seu código de acesso a Acme.
        pt: Aqui é Acme. Seu código é|4. 8. 2. 9. 1. 3. Repito|4. 8. 2. 9. 1. 3.
        482913 — код для привязки телефона к Acme.
        482913 — ваш код для входа в Acme.
        ru: Это Acme. Ваш код|4. 8. 2. 9. 1. 3. Повторяю|4. 8. 2. 9. 1. 3.
        482913: kod för att registrera din telefon hos Acme.
        482913 är din inloggningskod för Acme.
        sv: Det här är Acme. Din kod är|4. 8. 2. 9. 1. 3. Jag upprepar|4. 8. 2. 9. 1. 3.
        482913: telefonunuzu Acme için kaydetme kodunuz.
        482913, Acme giriş kodunuz.
        tr: Acme arıyor. Kodunuz|4, 8, 2, 9, 1, 3. Tekrar ediyorum|4, 8, 2, 9, 1, 3.
        482913 — код для прив'язки телефону до Acme.
        482913 — ваш код для входу в Acme.
        uk: Це Acme. Ваш код|4. 8. 2. 9. 1. 3. Повторюю|4. 8. 2. 9. 1. 3.
        482913：用于在Acme登记手机的验证码。
        482913：您的Acme登录验证码。
        zh-CN: 这里是Acme。您的验证码是|4. 8. 2. 9. 1. 3。重复一遍|4. 8. 2. 9. 1. 3。
    "#]]
    .assert_eq(&out);
}

#[test]
fn a_built_in_message_costs_one_sms_with_a_name_of_twenty_letters() {
    let client = client();
    for texts in &mfa_texts::LANGUAGES {
        let tenant = Tenant { friendly_name: "Twenty letters of it", ..Tenant::default() };
        let locale = texts.locale;
        let variables = Variables { code: CODE, locale, request_language: "", tenant, user: None, client: &client };
        for purpose in [Purpose::Enrollment, Purpose::Verification] {
            let message = Messages::default().render(purpose, MessageType::Sms, &variables, 0);
            let segments = segments::count(&said(&message));
            assert_eq!(segments.count, 1, "{locale}: {segments}: {}", said(&message));
            let plain = ["en", "fr", "de", "it", "nl", "pl", "sv"].contains(&locale);
            assert_eq!(segments.alphabet == Alphabet::Gsm7, plain, "{locale}: {segments}: {}", said(&message));
        }
    }
}

#[test]
fn every_locale_has_a_message_in_its_language_or_in_the_next_one() {
    let mut out = String::new();
    for &locale in LOCALES {
        // Either a text in its own language and its own voice, or English in an English one.
        let (voice, text) = said(&rendered("", MessageType::Voice, locale))
            .split_once(": ")
            .map_or_else(|| panic!("{locale}"), |(voice, text)| (voice.to_owned(), text.to_owned()));
        assert_eq!(text.starts_with("This is"), voice.starts_with("en"), "{locale}: {text}");
        if voice != locale {
            assert_eq!(voice, "en", "{locale}");
            write!(out, "{locale} ").unwrap();
        }
    }
    expect!["am az bg bn bs ca-ES cnr cs cy da el et eu-ES fa fi gl-ES gu he hr hu hy id is ka kk kn lt lv mk ml mn mr ms my nb nn no pa ro sk sl so sq sr sw ta te th tl ur vi zgh"].assert_eq(out.trim_end());
    for strange in ["", "tlh", "../../etc", "FR\r\n", "en\u{0}"] {
        assert!(said(&rendered("", MessageType::Voice, strange)).starts_with("en: This is"), "{strange:?}");
    }
}

#[test]
fn a_template_knows_the_names_of_both_generations() {
    for (text, expected) in [
        ("{{code}} {{ message_type }} {{locale}} {{ requestInfo.lang }}", "482913 sms en fr-CA,fr;q=0.9"),
        ("{{tenant.friendlyName}} {{tenant.friendly_name}} {{friendly_name}}", "Acme & Co Acme & Co Acme & Co"),
        ("{{ tenant }} {{ tenant | upcase }} {{ tenant.name }}", "acme ACME acme"),
        ("[{{ pause }}][{{ support_email }}][{{ logo_url }}][{{ region }}][{{ organization.name }}]", "[][][][][]"),
        ("{% if support_url %}yes{% else %}no{% endif %}", "no"),
        ("{{ custom_domain.domain }} {{ custom_domain.domain_metadata.x }}", "acme.example "),
        ("{{ client.name }} {{ client.clientID }} {{ client.metadata.team }}", "Shop cli_shop blue"),
        ("{{ application.name }} {{ application.clientID }}", "Shop cli_shop"),
        ("{{ user.name }} {{ user.phone_number }} {{ user.user_metadata.city }}", "Ann +15550001111 Oslo"),
        ("{{ user.source_ip }} {{ user.login_count }} {{ connection }}", "203.0.113.7 0 sms"),
        ("[{{ user.password_hash }}{{ user.user_id }}{{ user.password }}{{ client.client_secret }}]", "[]"),
        ("{{ nope }}{{ nope.nope }}@{code} ${code}", "@{code} ${code}"),
        ("{% if locale contains 'en' %}Code{% else %}Kode{% endif %} {{ code }}\n", "Code 482913\n"),
    ] {
        assert_eq!(sms(text), expected, "{text}");
    }
    let printed = sms("{{ user }} {{ client }}");
    assert!(!printed.contains("argon2id") && !printed.contains("secret"), "{printed}");
}

#[test]
fn a_call_spells_the_code_and_is_silent_where_the_template_says_so() {
    for (text, expected) in [
        ("{{ code }}", "fr-CA: 4. 8. 2. 9. 1. 3"),
        ("Votre code : {{pause}} {{code}}.", "fr-CA: Votre code :|4. 8. 2. 9. 1. 3."),
        ("{{pause}}a{{ pause }}{{ pause }} b ", "fr-CA: |a||b"),
        ("{{ code | replace: '.', ',' }}", "fr-CA: 4, 8, 2, 9, 1, 3"),
        ("{% if message_type == 'voice' %}call{% else %}sms{% endif %}", "fr-CA: call"),
    ] {
        assert_eq!(voice(text), expected, "{text}");
    }
}

#[test]
fn what_a_value_holds_is_never_a_template() {
    let (client, user) = (client(), user());
    let friendly_name = "{{ code }} @@code@@ {% for i in (1..9) %}<Say>\r\nTo: +1";
    let tenant = Tenant { friendly_name, ..Tenant::default() };
    let variables = Variables {
        code: CODE,
        locale: "en",
        request_language: "{{ code }}",
        tenant,
        user: Some(&user),
        client: &client,
    };
    for messages in [Messages::default(), messages("", "{{ code }} is your {{ friendly_name }} sign-in code.")] {
        let message = messages.render(Purpose::Verification, MessageType::Sms, &variables, 0);
        assert_eq!(said(&message), format!("482913 is your {friendly_name} sign-in code."));
    }
}

#[test]
fn a_template_that_fails_gives_the_built_in_message_and_the_reason() {
    for (text, fault) in [
        ("{{ code", "line 1: `{{` is not closed by `}}`"),
        ("{% for i in (1..5000) %}x{% endfor %}", "the loops of the template have too many rounds"),
        ("{{ code | divided_by: 0 }}", "the template divides by zero or makes too large a number"),
        ("{{ pause }} \n{{ nope }}", "the template prints nothing"),
        ("{% include 'x' %}", "line 1: `include` finds nothing: there are no other templates here"),
    ] {
        for message_type in [MessageType::Sms, MessageType::Voice] {
            let message = rendered(text, message_type, "de");
            let expected = match message_type {
                MessageType::Sms => "482913 ist Ihr Anmeldecode für Acme & Co.",
                MessageType::Voice => {
                    "de: Hier ist Acme & Co. Ihr Code lautet|4, 8, 2, 9, 1, 3. Ich wiederhole|4, 8, 2, 9, 1, 3."
                }
            };
            assert_eq!(said(&message), expected, "{text}");
            assert_eq!(message.fault.unwrap().to_string(), fault, "{text}");
        }
    }
    let bomb =
        "{% assign a = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..40) %}{% assign a = a | append: a %}{% endfor %}{{ a }}";
    assert!(rendered(bomb, MessageType::Voice, "en").fault.is_some());
    let broken = messages("{{ code }}", "{% nope %}");
    assert_eq!(broken.broken().unwrap().0, "verification_message");
    assert!(messages("a", "").broken().is_none());
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let message = rendered("{% for i in (1..900) %}éé{% endfor %}", MessageType::Sms, "en");
    assert_eq!((said(&message), message.fault), ("é".repeat(1_600), None));
}

#[test]
fn the_text_that_the_management_api_shows_is_the_english_one() {
    let shown = Templates::built_in();
    let client = client();
    let variables =
        Variables { code: CODE, locale: "en", request_language: "", tenant: tenant(), user: None, client: &client };
    for purpose in [Purpose::Enrollment, Purpose::Verification] {
        let render = |messages: &Messages| said(&messages.render(purpose, MessageType::Sms, &variables, 0));
        assert_eq!(render(&Messages::of(Some(&shown))), render(&Messages::default()));
    }
}

#[test]
fn nothing_prints_the_code() {
    let message = rendered("", MessageType::Voice, "en");
    let printed = format!("{message:?} {:?}", rendered("", MessageType::Sms, "en"));
    assert!(!printed.contains("4. 8") && !printed.contains(CODE), "{printed}");
}
