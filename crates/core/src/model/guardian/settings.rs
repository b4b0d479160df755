//! What a tenant decided about its factors, and what stands in for what it never decided (`docs/COMPATIBILITY.md`
//! C1650-C1656).

use serde_json::{Map, Value, json};

use super::{Factor, MessageType, PhoneProvider, Policy, Templates, TwilioSettings};
use crate::model::schema::{self, Field, Invalid, Kind, List, Object, field};

/// The settings of all factors. A fresh tenant has every factor off, and asks nobody for one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Guardian {
    factors: Vec<Factor>,
    message_types: Vec<MessageType>,
    provider: Option<PhoneProvider>,
    policy: Option<Policy>,
    templates: Option<Templates>,
    twilio: Option<TwilioSettings>,
}

impl Guardian {
    /// From the database: the document, and Twilio's settings, which lie sealed in a place of their own.
    pub fn stored(document: &Map<String, Value>, twilio: Option<TwilioSettings>) -> Self {
        Self {
            factors: words(document.get("factors"), Factor::parse),
            message_types: words(document.get("message_types"), MessageType::parse),
            provider: document.get("provider").and_then(Value::as_str).and_then(PhoneProvider::parse),
            policy: words(document.get("policies"), Policy::parse).pop(),
            templates: document.get("templates").and_then(Templates::stored),
            twilio,
        }
    }

    /// Everything but Twilio's settings, for the database.
    pub fn document(&self) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("factors".into(), self.factors.iter().map(|it| it.name()).collect());
        document.insert("message_types".into(), self.message_types.iter().map(|it| it.name()).collect());
        document.insert("provider".into(), self.phone_provider().name().into());
        document.insert("policies".into(), self.policies());
        if let Some(templates) = &self.templates {
            document.insert("templates".into(), templates.view());
        }
        document
    }

    /// Whether a factor is switched on.
    pub fn is_enabled(&self, factor: Factor) -> bool {
        self.factors.contains(&factor)
    }

    /// Switches a factor by the body of `PUT /guardian/factors/{name}`.
    pub fn switch(&mut self, factor: Factor, body: &Value) -> Result<(), Invalid> {
        let enabled = schema::check(&SWITCH, body)?.get("enabled") == Some(&Value::Bool(true));
        self.factors.retain(|it| *it != factor);
        if enabled {
            self.factors.push(factor);
        }
        Ok(())
    }

    /// How codes may travel to a phone, in the tenant's order: by text message where it said nothing.
    pub fn message_types(&self) -> &[MessageType] {
        if self.message_types.is_empty() { &[MessageType::Sms] } else { &self.message_types }
    }

    /// The same as the tenant said it; it may be empty.
    pub fn stored_message_types(&self) -> &[MessageType] {
        &self.message_types
    }

    /// Applies the body of `PUT /guardian/factors/phone/message-types`.
    pub fn put_message_types(&mut self, body: &Value) -> Result<(), Invalid> {
        let body = schema::check(&MESSAGE_TYPES, body)?;
        self.message_types = words(body.get("message_types"), MessageType::parse);
        Ok(())
    }

    /// Who sends the messages.
    pub fn phone_provider(&self) -> PhoneProvider {
        self.provider.unwrap_or(PhoneProvider::Auth0)
    }

    /// Applies the body of `PUT /guardian/factors/phone/selected-provider`.
    pub fn put_phone_provider(&mut self, body: &Value) -> Result<(), Invalid> {
        let body = schema::check(&PROVIDER, body)?;
        self.provider = body.get("provider").and_then(Value::as_str).and_then(PhoneProvider::parse);
        Ok(())
    }

    /// When a second factor is asked for; `None` means never.
    pub fn policy(&self) -> Option<Policy> {
        self.policy
    }

    /// The body of `GET /guardian/policies`.
    pub fn policies(&self) -> Value {
        self.policy.iter().map(|policy| policy.name()).collect()
    }

    /// Applies the body of `PUT /guardian/policies`, a bare list.
    pub fn put_policies(&mut self, body: &Value) -> Result<(), Invalid> {
        schema::check_as(&POLICIES, body)?;
        self.policy = words(Some(body), Policy::parse).pop();
        Ok(())
    }

    /// The tenant's own texts; `None` means the built-in ones.
    pub fn templates(&self) -> Option<&Templates> {
        self.templates.as_ref()
    }

    /// Applies the body of `PUT /guardian/factors/phone/templates`. The built-in texts, as they were read, stay built in.
    pub fn put_templates(&mut self, body: &Value) -> Result<(), Invalid> {
        let templates = Templates::parse(body)?;
        self.templates = Some(templates).filter(|templates| *templates != Templates::built_in());
        Ok(())
    }

    /// Twilio's settings, if there are any.
    pub fn twilio(&self) -> Option<&TwilioSettings> {
        self.twilio.as_ref()
    }

    /// Puts other settings of Twilio in the place of those there are.
    pub fn put_twilio(&mut self, settings: TwilioSettings) {
        self.twilio = Some(settings);
    }

    /// The body of `GET /guardian/factors`; `trial_expired` says whether the built-in sender has used up its messages.
    pub fn factors_view(&self, trial_expired: bool) -> Value {
        let row = |factor: &Factor| {
            let expired = trial_expired && *factor == Factor::Sms;
            json!({"name": factor.name(), "enabled": self.is_enabled(*factor), "trial_expired": expired})
        };
        Factor::ALL.iter().map(row).collect()
    }

    /// What keeps the phone factor from sending, as a sentence to the operator; `None` when nothing does, or when it is off.
    /// Calls count where the tenant wants them.
    pub fn warning(&self) -> Option<String> {
        self.lack().map(|lack| format!("the phone factor cannot send by Twilio: {lack}"))
    }

    fn lack(&self) -> Option<&'static str> {
        if !self.is_enabled(Factor::Sms) || self.phone_provider() != PhoneProvider::Twilio {
            return None;
        }
        let none = TwilioSettings::default();
        self.twilio().unwrap_or(&none).lack(self.message_types())
    }
}

/// The words of a list that are known, each once.
fn words<T: PartialEq>(list: Option<&Value>, parse: fn(&str) -> Option<T>) -> Vec<T> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut words = Vec::with_capacity(list.len());
    for word in list.iter().filter_map(Value::as_str).filter_map(parse) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

const SWITCH: Object = Object {
    fields: &[&[field("enabled", Kind::Bool, "Whether this factor is enabled")]],
    required: &["enabled"],
    open: false,
};
const MESSAGE_TYPES: Object = Object {
    fields: &[&[field("message_types", Kind::List(&TYPES), "How codes travel to a phone")]],
    required: &["message_types"],
    open: false,
};
const TYPES: List = List { items: Kind::OneOf(&["sms", "voice"]), min: 0, max: usize::MAX, unique: true };
const PROVIDER: Object = Object { fields: &[&[PROVIDER_FIELD]], required: &["provider"], open: false };
const PROVIDER_FIELD: Field =
    field("provider", Kind::OneOf(&["auth0", "twilio", "phone-message-hook"]), "Who sends the messages");
const POLICIES: Kind =
    Kind::List(&List { items: Kind::OneOf(&["all-applications", "confidence-score"]), min: 0, max: 1, unique: true });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_tenant_asks_nobody_and_what_is_stored_comes_back() {
        let fresh = Guardian::default();
        assert!(Factor::ALL.iter().all(|factor| !fresh.is_enabled(*factor)));
        assert_eq!(fresh.message_types(), [MessageType::Sms]);
        assert!(fresh.stored_message_types().is_empty());
        assert_eq!((fresh.phone_provider(), fresh.policy()), (PhoneProvider::Auth0, None));
        assert_eq!(Guardian::stored(&Map::new(), None), fresh);
        let mut changed = fresh;
        changed.switch(Factor::RecoveryCode, &json!({"enabled": true})).unwrap();
        changed.switch(Factor::Sms, &json!({"enabled": true})).unwrap();
        changed.switch(Factor::Otp, &json!({"enabled": false})).unwrap();
        changed.put_message_types(&json!({"message_types": ["voice", "sms"]})).unwrap();
        changed.put_phone_provider(&json!({"provider": "phone-message-hook"})).unwrap();
        changed.put_policies(&json!(["confidence-score"])).unwrap();
        changed.put_templates(&json!({"enrollment_message": "e {{code}}", "verification_message": "v"})).unwrap();
        assert_eq!(Guardian::stored(&changed.document(), None), changed);
        assert!(changed.is_enabled(Factor::Sms) && !changed.is_enabled(Factor::Otp));
        assert_eq!(changed.message_types(), [MessageType::Voice, MessageType::Sms]);
    }

    #[test]
    fn bad_bodies_change_nothing() {
        let mut guardian = Guardian::default();
        let mut refused = |change: fn(&mut Guardian, &Value) -> Result<(), Invalid>, body: Value, text: &str| {
            let message = change(&mut guardian, &body).unwrap_err().message;
            assert!(message.contains(text), "{body}: {message}");
            assert_eq!(guardian, Guardian::default());
        };
        let switch = |it: &mut Guardian, body: &Value| it.switch(Factor::Sms, body);
        refused(switch, json!({}), "Missing required property: enabled");
        refused(switch, json!({"enabled": null}), "Expected type boolean but found type null");
        refused(switch, json!({"enabled": true, "x": 1}), "Additional properties not allowed: x");
        refused(Guardian::put_message_types, json!({"message_types": ["fax"]}), "No enum match for: fax");
        refused(Guardian::put_message_types, json!({"message_types": ["sms", "sms"]}), "items are not unique");
        refused(Guardian::put_phone_provider, json!({"provider": "pigeon"}), "No enum match for: pigeon");
        let both = json!(["all-applications", "confidence-score"]);
        refused(Guardian::put_policies, both, "'Array is too long (2), maximum 1'.");
        refused(Guardian::put_policies, json!(["never"]), "'No enum match for: never' on property [0].");
        refused(Guardian::put_policies, json!({}), "'Expected type array but found type object'.");
    }

    #[test]
    fn the_built_in_texts_stay_built_in_when_they_are_put_back() {
        let mut guardian = Guardian::default();
        guardian.put_templates(&Templates::built_in().view()).unwrap();
        assert_eq!(guardian.templates(), None);
    }

    #[test]
    fn what_twilio_lacks_matters_only_where_it_sends() {
        let mut guardian = Guardian::default();
        guardian.put_phone_provider(&json!({"provider": "twilio"})).unwrap();
        assert_eq!(guardian.lack(), None);
        guardian.switch(Factor::Sms, &json!({"enabled": true})).unwrap();
        assert_eq!(guardian.lack(), Some("sid is not set"));
        let twilio = |body: Value| TwilioSettings::parse(&body).unwrap();
        guardian.put_twilio(twilio(json!({"sid": "AC1", "auth_token": "t", "messaging_service_sid": "MG1"})));
        assert_eq!(guardian.lack(), None);
        guardian.put_message_types(&json!({"message_types": ["sms", "voice"]})).unwrap();
        assert_eq!(guardian.lack(), Some("from is not set, and a call needs it"));
        guardian.put_phone_provider(&json!({"provider": "auth0"})).unwrap();
        assert_eq!(guardian.lack(), None);
    }
}
