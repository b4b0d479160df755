//! Reads values, filters and conditions from the tokens of one output or tag.

use super::ast::{Comparison, Condition, Expression, Filtered, Join, Operator, Step};
use super::filters::{self, Filter};
use super::lexer::{self, Token};

/// The tokens that are still to be read.
pub(super) struct Reader<'t> {
    tokens: Vec<Token<'t>>,
    at: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    /// Takes the inside of an output or the rest of a tag.
    pub(super) fn new(markup: &'t str) -> Result<Self, String> {
        Ok(Self { tokens: lexer::tokens(markup)?, at: 0, depth: 0 })
    }

    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).copied()
    }

    /// Whether there is nothing more to read.
    pub(super) fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Takes `token` if it is the next one.
    pub(super) fn take(&mut self, token: Token<'_>) -> bool {
        let is_next = self.peek() == Some(token);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes a sign if it is the next token.
    pub(super) fn sign(&mut self, sign: &'static str) -> bool {
        self.take(Token::Sign(sign))
    }

    /// Takes a sign that must be there.
    pub(super) fn expect(&mut self, sign: &'static str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(format!("`{sign}` is expected, {}", self.found())) }
    }

    /// Takes a name that must be there.
    pub(super) fn name(&mut self) -> Result<&'t str, String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(format!("a name is expected, {}", self.found())),
        }
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), String> {
        if self.is_done() { Ok(()) } else { Err(format!("the end is expected, {}", self.found())) }
    }

    fn found(&self) -> String {
        match self.peek() {
            None => "but nothing follows".to_owned(),
            Some(Token::Name(text)) => format!("not `{text}`"),
            Some(Token::Text(text)) => format!("not the text `{text}`"),
            Some(Token::Int(number)) => format!("not {number}"),
            Some(Token::Float(number)) => format!("not {number}"),
            Some(Token::Sign(sign)) => format!("not `{sign}`"),
        }
    }

    /// Reads a value.
    pub(super) fn expression(&mut self) -> Result<Expression, String> {
        if self.depth >= DEPTH {
            return Err(format!("brackets stand more than {DEPTH} deep"));
        }
        self.depth += 1;
        let expression = match self.peek() {
            Some(Token::Name(name)) => {
                self.at += 1;
                self.named(name)?
            }
            Some(Token::Text(text)) => self.literal(Expression::Text(text.to_owned())),
            Some(Token::Int(number)) => self.literal(Expression::Int(number)),
            Some(Token::Float(number)) => self.literal(Expression::Float(number)),
            Some(Token::Sign("(")) => {
                self.at += 1;
                let from = self.expression()?;
                self.expect("..")?;
                let to = self.expression()?;
                self.expect(")")?;
                Expression::Range(Box::new((from, to)))
            }
            _ => return Err(format!("a value is expected, {}", self.found())),
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn literal(&mut self, expression: Expression) -> Expression {
        self.at += 1;
        expression
    }

    fn named(&mut self, name: &str) -> Result<Expression, String> {
        let mut steps = Vec::new();
        loop {
            if self.sign(".") {
                steps.push(Step::Name(self.name()?.to_owned()));
            } else if self.sign("[") {
                steps.push(Step::Index(self.expression()?));
                self.expect("]")?;
            } else {
                break;
            }
        }
        Ok(match name {
            "nil" | "null" if steps.is_empty() => Expression::Nil,
            "true" | "false" if steps.is_empty() => Expression::Bool(name == "true"),
            "blank" if steps.is_empty() => Expression::Blank,
            "empty" if steps.is_empty() => Expression::Empty,
            _ => Expression::Path(name.to_owned(), steps),
        })
    }

    /// Reads a value and its filters, to the end.
    pub(super) fn filtered(&mut self) -> Result<Filtered, String> {
        let value = self.expression()?;
        let mut filters = Vec::new();
        while self.sign("|") {
            let name = self.name()?;
            let filter = filters::find(name).ok_or_else(|| format!("there is no filter `{name}`"))?;
            filters.push((filter, self.arguments(filter)?));
        }
        self.end()?;
        Ok(Filtered { value, filters })
    }

    /// Reads what follows a filter's name. The one named argument there is, `allow_false` of `default`, becomes its
    /// second.
    fn arguments(&mut self, filter: &'static Filter) -> Result<Vec<Expression>, String> {
        let (mut arguments, mut allow_false) = (Vec::new(), None);
        if self.sign(":") {
            loop {
                let is_named = matches!(self.tokens.get(self.at..), Some([Token::Name(_), Token::Sign(":"), ..]));
                if is_named {
                    let name = self.name()?;
                    self.expect(":")?;
                    if (filter.name, name) != ("default", "allow_false") {
                        return Err(format!("the filter `{}` has no option `{name}`", filter.name));
                    }
                    allow_false = Some(self.expression()?);
                } else {
                    arguments.push(self.expression()?);
                }
                if !self.sign(",") {
                    break;
                }
            }
        }
        let (least, most) = filter.arguments;
        if !(least..=most).contains(&arguments.len()) {
            let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
            let given = arguments.len();
            return Err(format!("the filter `{}` takes {wanted} arguments, {given} are given", filter.name));
        }
        if let Some(allow_false) = allow_false {
            arguments.resize(1, Expression::Nil);
            arguments.push(allow_false);
        }
        Ok(arguments)
    }

    /// Reads a condition, to the end.
    pub(super) fn condition(&mut self, is_negated: bool) -> Result<Condition, String> {
        let first = self.comparison()?;
        let mut more = Vec::new();
        while !self.is_done() {
            let join = match self.peek() {
                Some(Token::Name("and")) => Join::And,
                Some(Token::Name("or")) => Join::Or,
                _ => return Err(format!("`and` or `or` is expected, {}", self.found())),
            };
            self.at += 1;
            more.push((join, self.comparison()?));
        }
        Ok(Condition { first, more, is_negated })
    }

    fn comparison(&mut self) -> Result<Comparison, String> {
        let left = self.expression()?;
        let operator = match self.peek() {
            Some(Token::Sign("==")) => Operator::Equal,
            Some(Token::Sign("!=" | "<>")) => Operator::Unequal,
            Some(Token::Sign("<")) => Operator::Less,
            Some(Token::Sign("<=")) => Operator::AtMost,
            Some(Token::Sign(">")) => Operator::Greater,
            Some(Token::Sign(">=")) => Operator::AtLeast,
            Some(Token::Name("contains")) => Operator::Contains,
            _ => return Ok(Comparison { left, right: None }),
        };
        self.at += 1;
        Ok(Comparison { left, right: Some((operator, self.expression()?)) })
    }

    /// Reads `a, b` or `a or b`, to the end.
    pub(super) fn alternatives(&mut self) -> Result<Vec<Expression>, String> {
        let mut all = vec![self.expression()?];
        while self.sign(",") || self.take(Token::Name("or")) {
            all.push(self.expression()?);
        }
        self.end()?;
        Ok(all)
    }
}

/// How deep brackets may stand in one another.
const DEPTH: usize = 16;
