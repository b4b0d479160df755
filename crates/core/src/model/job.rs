//! A job: work on many users that goes on after its request was answered
//! (<https://auth0.com/docs/api/management/v2/jobs>; `docs/COMPATIBILITY.md` C1210-C1224).

use serde_json::{Map, Value, json};

use super::schema::{self, Field, Invalid, Kind, List, Object, field};
use crate::kit::clock::{DAY, Millis, rfc3339};
use crate::kit::ids;
use crate::kit::rng::Rng;

/// How long a job and its result are kept.
pub const KEPT: Millis = DAY;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Brings users in.
    Import,
    /// Writes users out.
    Export,
    /// Sends one user a message to confirm an e-mail address.
    VerificationEmail,
}

impl Task {
    const ALL: [Self; 3] = [Self::Import, Self::Export, Self::VerificationEmail];

    /// `type` on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Import => "users_import",
            Self::Export => "users_export",
            Self::VerificationEmail => "verification_email",
        }
    }

    /// Reads `type`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nobody works on it yet.
    Pending,
    /// Somebody does, or did until a crash.
    Processing,
    /// Done.
    Completed,
    /// Given up.
    Failed,
}

impl Status {
    const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Completed, Self::Failed];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// `job_` and 16 letters.
    pub id: String,
    /// What it does.
    pub task: Task,
    /// How far it is.
    pub status: Status,
    /// The members that its request gave, as answers repeat them.
    pub doc: Map<String, Value>,
    /// Rows there are to work on.
    pub total: i64,
    /// Rows worked on.
    pub done: i64,
    /// Users made by an import.
    pub inserted: i64,
    /// Users changed by an import.
    pub updated: i64,
    /// Rows that could not be imported.
    pub failed: i64,
    /// Where an export goes on: the last user written.
    pub position: String,
    /// When it was asked for.
    pub created_at: Millis,
}

impl Job {
    /// A job that nobody works on yet.
    pub fn new(task: Task, doc: Map<String, Value>, total: i64, rng: &Rng, now: Millis) -> Self {
        Self {
            id: ids::job(rng),
            task,
            status: Status::Pending,
            doc,
            total,
            done: 0,
            inserted: 0,
            updated: 0,
            failed: 0,
            position: String::new(),
            created_at: now,
        }
    }

    /// A text of the request; empty when it gave none.
    pub fn text(&self, name: &str) -> &str {
        self.doc.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the job is over.
    pub fn is_over(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Failed)
    }

    /// The object on the wire, but for `location`.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = Map::new();
        view.insert("type".into(), self.task.name().into());
        view.insert("status".into(), self.status.name().into());
        view.extend(self.doc.clone());
        view.insert("id".into(), self.id.clone().into());
        view.insert("created_at".into(), rfc3339(self.created_at).into());
        if self.status != Status::Pending && self.task != Task::VerificationEmail {
            let percentage = if self.is_over() { 100 } else { (self.done * 100 / self.total.max(1)).min(99) };
            view.insert("percentage_done".into(), percentage.into());
        }
        if self.task == Task::Import && self.is_over() {
            let summary = json!({"total": self.total, "failed": self.failed, "inserted": self.inserted,
                "updated": self.updated});
            view.insert("summary".into(), summary);
        }
        view
    }
}

/// The request of an export, complete with defaults (C1220).
pub fn export(body: &Value) -> Result<Map<String, Value>, Invalid> {
    let mut doc = schema::without_nulls(schema::check(&EXPORT, body)?);
    doc.entry("format").or_insert_with(|| "json".into());
    Ok(doc)
}

/// The user whom a verification e-mail is for.
pub fn verification_email(body: &Value) -> Result<Map<String, Value>, Invalid> {
    Ok(schema::without_nulls(schema::check(&VERIFICATION, body)?))
}

const FIELD: Object = Object {
    fields: &[&[
        field("name", Kind::Text(1, 300), "Member of the user"),
        field("export_as", Kind::Text(1, 300), "What the result calls it"),
    ]],
    required: &["name"],
    open: false,
};
const FIELD_LIST: List = List { items: Kind::Object(&FIELD), min: 1, max: 30, unique: false };
const EXPORT: Object = Object {
    fields: &[&[
        field("connection_id", Kind::Text(1, 100), "Connection whose users are exported"),
        field("format", Kind::OneOf(&["json", "csv"]), "Form of the result"),
        field("limit", Kind::Int(1, i64::MAX), "Most users to export"),
        field("fields", Kind::List(&FIELD_LIST), "Members to export"),
    ]],
    required: &[],
    open: false,
};
const VERIFICATION: Object = Object { fields: &[VERIFY], required: &["user_id"], open: false };
const VERIFY: &[Field] = &[
    field("user_id", Kind::Text(1, 600), "The user"),
    field("client_id", Kind::TEXT, "Application on whose behalf the message is sent"),
    field("organization_id", Kind::TEXT, "Organization on whose behalf the message is sent"),
    field("identity", Kind::FREE, "Identity of the user whose address is confirmed"),
];
