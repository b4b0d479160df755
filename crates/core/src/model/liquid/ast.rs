//! What a parsed template is made of.

use super::filters::Filter;

/// A piece of a template that prints or does something.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(String),
    Output(Filtered),
    Assign(String, Filtered),
    Capture(String, Vec<Node>),
    /// The arms of `if`, `unless`, `elsif` in order, and `else`.
    If(Vec<(Condition, Vec<Node>)>, Vec<Node>),
    /// `case`: the value, the values of each `when`, and `else`.
    Case(Expression, Vec<(Vec<Expression>, Vec<Node>)>, Vec<Node>),
    For(Box<Loop>),
    /// The number whose rounds are counted together, and the values that take turns.
    Cycle(Turn, Vec<Expression>),
    Increment(String),
    Decrement(String),
    Break,
    Continue,
}

/// `for` and `tablerow`.
#[derive(Debug, Clone)]
pub(super) struct Loop {
    /// The name of the item.
    pub(super) item: String,
    pub(super) source: Expression,
    pub(super) limit: Option<Expression>,
    pub(super) offset: Option<Offset>,
    pub(super) is_reversed: bool,
    /// Loops of the same item and source share where `offset: continue` goes on.
    pub(super) key: String,
    /// `tablerow`
    pub(super) is_table: bool,
    /// The columns of a table; one row without it.
    pub(super) columns: Option<Expression>,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// Where a loop begins.
#[derive(Debug, Clone)]
pub(super) enum Offset {
    At(Expression),
    Continue,
}

/// What tells one `cycle` from another: its group, or its own text.
#[derive(Debug, Clone)]
pub(super) enum Turn {
    Group(Expression),
    Own(String),
}

/// A value with the filters it goes through.
#[derive(Debug, Clone)]
pub(super) struct Filtered {
    pub(super) value: Expression,
    pub(super) filters: Vec<(&'static Filter, Vec<Expression>)>,
}

/// A value as it is written.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    Nil,
    Blank,
    Empty,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Range(Box<(Expression, Expression)>),
    Path(String, Vec<Step>),
}

/// A step from a value to a part of it.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// `.name`
    Name(String),
    /// `[expression]`
    Index(Expression),
}

/// Comparisons joined by `and` and `or`, which bind alike and from the right.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) first: Comparison,
    pub(super) more: Vec<(Join, Comparison)>,
    /// `unless`
    pub(super) is_negated: bool,
}

/// How a comparison is joined to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    And,
    Or,
}

/// A value alone, or compared with another.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    pub(super) left: Expression,
    pub(super) right: Option<(Operator, Expression)>,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
}

/// Whether bodies do nothing but print white space; such bodies print nothing at all.
pub(super) fn are_blank(bodies: &[&mut Vec<Node>]) -> bool {
    bodies.iter().all(|nodes| nodes.iter().all(Node::is_blank))
}

impl Node {
    fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::Assign(..) | Self::Capture(..) => true,
            Self::If(arms, otherwise) => arms.iter().flat_map(|(_, body)| body).chain(otherwise).all(Self::is_blank),
            Self::Case(_, arms, otherwise) => {
                arms.iter().flat_map(|(_, body)| body).chain(otherwise).all(Self::is_blank)
            }
            Self::For(one) => !one.is_table && one.body.iter().chain(&one.otherwise).all(Self::is_blank),
            Self::Output(_)
            | Self::Cycle(..)
            | Self::Increment(_)
            | Self::Decrement(_)
            | Self::Break
            | Self::Continue => false,
        }
    }
}
