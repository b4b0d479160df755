//! The messages that are built in for codes of a second factor, for whoever has written none: one line each, in every
//! language of the hosted pages (`docs/COMPATIBILITY.md` C1724).
//!
//! A line of letters that GSM's alphabet has costs one SMS up to 160 characters, any other up to 70.

/// The messages of one language: plain texts with the names `@@code@@`, `@@tenant@@` and `@@pause@@`.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) locale: &'static str,
    /// The text message that enrols a phone.
    pub(super) enrollment: &'static str,
    /// The text message of every later code.
    pub(super) verification: &'static str,
    /// What a call says, for both.
    pub(super) call: &'static str,
    /// What stands between the digits that a call says. A dot makes an ordinal number of them in some languages.
    pub(super) between: &'static str,
}

const fn texts(
    locale: &'static str,
    enrollment: &'static str,
    verification: &'static str,
    call: &'static str,
    between: &'static str,
) -> Texts {
    Texts { locale, enrollment, verification, call, between }
}

/// The texts of a locale, if there are any.
pub(super) fn find(locale: &str) -> Option<&'static Texts> {
    LANGUAGES.iter().find(|texts| texts.locale == locale)
}

/// English, the language of last resort.
pub(super) const ENGLISH: Texts = texts(
    "en",
    "@@code@@: use this code to register your phone with @@tenant@@.",
    "@@code@@ is your @@tenant@@ sign-in code.",
    "This is @@tenant@@. Your code is @@pause@@ @@code@@. Once more, your code is @@pause@@ @@code@@. Goodbye.",
    DOT,
);

pub(super) const LANGUAGES: [Texts; 17] = [
    ENGLISH,
    texts(
        "ar",
        "@@code@@ هو رمز تسجيل هاتفك لدى @@tenant@@.",
        "@@code@@ هو رمز تسجيل الدخول إلى @@tenant@@.",
        "معك @@tenant@@. رمزك هو @@pause@@ @@code@@. مرة أخرى، رمزك هو @@pause@@ @@code@@.",
        DOT,
    ),
    texts(
        "de",
        "@@code@@: Code zum Registrieren Ihres Telefons bei @@tenant@@.",
        "@@code@@ ist Ihr Anmeldecode für @@tenant@@.",
        "Hier ist @@tenant@@. Ihr Code lautet @@pause@@ @@code@@. Ich wiederhole @@pause@@ @@code@@.",
        COMMA,
    ),
    texts(
        "es",
        "@@code@@: código para registrar su teléfono en @@tenant@@.",
        "@@code@@ es su código de acceso a @@tenant@@.",
        "Le llama @@tenant@@. Su código es @@pause@@ @@code@@. Repito @@pause@@ @@code@@.",
        DOT,
    ),
    texts(
        "fr",
        "@@code@@ : code pour enregistrer votre téléphone chez @@tenant@@.",
        "@@code@@ est votre code de connexion @@tenant@@.",
        "Ici @@tenant@@. Votre code est @@pause@@ @@code@@. Je répète @@pause@@ @@code@@.",
        DOT,
    ),
    texts(
        "hi",
        "@@code@@: @@tenant@@ में आपका फ़ोन जोड़ने का कोड।",
        "@@code@@ आपका @@tenant@@ साइन-इन कोड है।",
        "यह @@tenant@@ है। आपका कोड है @@pause@@ @@code@@। एक बार फिर, आपका कोड है @@pause@@ @@code@@।",
        DOT,
    ),
    texts(
        "it",
        "@@code@@: codice per registrare il suo telefono presso @@tenant@@.",
        "@@code@@ è il suo codice di accesso a @@tenant@@.",
        "Qui è @@tenant@@. Il suo codice è @@pause@@ @@code@@. Ripeto @@pause@@ @@code@@.",
        DOT,
    ),
    texts(
        "ja",
        "@@code@@：@@tenant@@に電話番号を登録するためのコードです。",
        "@@code@@：@@tenant@@のログインコードです。",
        "@@tenant@@です。コードは @@pause@@ @@code@@。繰り返します。 @@pause@@ @@code@@。",
        DOT,
    ),
    texts(
        "ko",
        "@@code@@: @@tenant@@에 휴대전화를 등록하는 코드입니다.",
        "@@code@@: @@tenant@@ 로그인 코드입니다.",
        "@@tenant@@입니다. 코드는 @@pause@@ @@code@@. 다시 말씀드립니다. @@pause@@ @@code@@.",
        DOT,
    ),
    texts(
        "nl",
        "@@code@@: code om uw telefoon te registreren bij @@tenant@@.",
        "@@code@@ is uw inlogcode voor @@tenant@@.",
        "Dit is @@tenant@@. Uw code is @@pause@@ @@code@@. Ik herhaal @@pause@@ @@code@@.",
        DOT,
    ),
    texts(
        "pl",
        "@@code@@: kod do rejestracji telefonu w @@tenant@@.",
        "@@code@@ to kod logowania do @@tenant@@.",
        "Tu @@tenant@@. Twój kod to @@pause@@ @@code@@. Powtarzam @@pause@@ @@code@@.",
        COMMA,
    ),
    texts(
        "pt",
        "@@code@@: código para registrar seu telefone em @@tenant@@.",
        "@@code@@ é o seu código de acesso a @@tenant@@.",
        "Aqui é @@tenant@@. Seu código é @@pause@@ @@code@@. Repito @@pause@@ @@code@@.",
        DOT,
    ),
    texts(
        "ru",
        "@@code@@ — код для привязки телефона к @@tenant@@.",
        "@@code@@ — ваш код для входа в @@tenant@@.",
        "Это @@tenant@@. Ваш код @@pause@@ @@code@@. Повторяю @@pause@@ @@code@@.",
        DOT,
    ),
    texts(
        "sv",
        "@@code@@: kod för att registrera din telefon hos @@tenant@@.",
        "@@code@@ är din inloggningskod för @@tenant@@.",
        "Det här är @@tenant@@. Din kod är @@pause@@ @@code@@. Jag upprepar @@pause@@ @@code@@.",
        DOT,
    ),
    texts(
        "tr",
        "@@code@@: telefonunuzu @@tenant@@ için kaydetme kodunuz.",
        "@@code@@, @@tenant@@ giriş kodunuz.",
        "@@tenant@@ arıyor. Kodunuz @@pause@@ @@code@@. Tekrar ediyorum @@pause@@ @@code@@.",
        COMMA,
    ),
    texts(
        "uk",
        "@@code@@ — код для прив'язки телефону до @@tenant@@.",
        "@@code@@ — ваш код для входу в @@tenant@@.",
        "Це @@tenant@@. Ваш код @@pause@@ @@code@@. Повторюю @@pause@@ @@code@@.",
        DOT,
    ),
    texts(
        "zh-CN",
        "@@code@@：用于在@@tenant@@登记手机的验证码。",
        "@@code@@：您的@@tenant@@登录验证码。",
        "这里是@@tenant@@。您的验证码是 @@pause@@ @@code@@。重复一遍 @@pause@@ @@code@@。",
        DOT,
    ),
];

/// Between the digits of a call that a tenant's own template speaks, and of ours where nothing is against it.
pub(super) const DOT: &str = ". ";
const COMMA: &str = ", ";
