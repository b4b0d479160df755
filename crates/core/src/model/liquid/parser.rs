//! Builds the tree of a template from its pieces.

use super::Fault;
use super::ast::{Condition, Expression, Loop, Node, Offset, Turn, are_blank};
use super::expression::Reader;
use super::lexer::{Kind, Piece, Token};

/// Builds the tree of a whole template.
pub(super) fn parse(pieces: Vec<Piece<'_>>) -> Result<Vec<Node>, Fault> {
    let mut parser = Parser { pieces: pieces.into_iter(), at: 0, depth: 0 };
    let (nodes, _) = parser.body("", &[])?;
    Ok(nodes)
}

struct Parser<'t> {
    pieces: std::vec::IntoIter<Piece<'t>>,
    /// Where the current piece begins; errors are told with it.
    at: usize,
    depth: usize,
}

/// The tag that ended a body: its name and the rest of it.
type End<'t> = (&'t str, &'t str);

impl<'t> Parser<'t> {
    fn fault<T>(&self, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault { at: self.at, message: message.into() })
    }

    /// Runs `read` over the rest of a tag; its complaints get their place.
    fn read<T>(&self, markup: &'t str, read: impl FnOnce(&mut Reader<'t>) -> Result<T, String>) -> Result<T, Fault> {
        Reader::new(markup).and_then(|mut reader| read(&mut reader)).or_else(|message| self.fault(message))
    }

    /// Reads nodes up to one of the tags `ends`; the body belongs to the block `block`, or is the whole template.
    fn body(&mut self, block: &str, ends: &[&str]) -> Result<(Vec<Node>, End<'t>), Fault> {
        let opened = self.at;
        if self.depth > DEPTH {
            return self.fault(format!("blocks stand more than {DEPTH} deep"));
        }
        self.depth += 1;
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            self.at = piece.at;
            match piece.kind {
                Kind::Text(text) => nodes.push(Node::Text(text.to_owned())),
                Kind::Output("") => {}
                Kind::Output(markup) => nodes.push(Node::Output(self.read(markup, Reader::filtered)?)),
                Kind::Tag(name, markup) if ends.contains(&name) => {
                    self.depth -= 1;
                    return Ok((nodes, (name, markup)));
                }
                Kind::Tag(name, markup) => nodes.push(self.tag(name, markup)?),
            }
        }
        match ends.last() {
            None => Ok((nodes, ("", ""))),
            Some(end) => Err(Fault { at: opened, message: format!("`{block}` is not closed by `{end}`") }),
        }
    }

    fn tag(&mut self, name: &'t str, markup: &'t str) -> Result<Node, Fault> {
        match name {
            "if" => self.conditional(markup, false),
            "unless" => self.conditional(markup, true),
            "case" => self.case(markup),
            "for" => self.looping(markup, false),
            "tablerow" => self.looping(markup, true),
            "assign" => self.read(markup, |reader| {
                let name = reader.name()?.to_owned();
                reader.expect("=")?;
                Ok(Node::Assign(name, reader.filtered()?))
            }),
            "capture" => {
                let name = self.read(markup, only_name)?;
                Ok(Node::Capture(name, self.body("capture", &["endcapture"])?.0))
            }
            "cycle" => self.read(markup, |reader| cycle(reader, markup)),
            "increment" => self.read(markup, only_name).map(Node::Increment),
            "decrement" => self.read(markup, only_name).map(Node::Decrement),
            "break" => self.read(markup, |reader| reader.end()).map(|()| Node::Break),
            "continue" => self.read(markup, |reader| reader.end()).map(|()| Node::Continue),
            "include" | "layout" => {
                self.read(markup, Reader::expression)?;
                self.fault(format!("`{name}` finds nothing: there are no other templates here"))
            }
            "" => self.fault("a tag has no name"),
            _ if name.starts_with("end") || PARTS.contains(&name) => {
                self.fault(format!("`{name}` belongs to no block that is open here"))
            }
            _ => self.fault(format!("there is no tag `{name}`")),
        }
    }

    fn conditional(&mut self, markup: &'t str, is_negated: bool) -> Result<Node, Fault> {
        let (block, end) = if is_negated { ("unless", "endunless") } else { ("if", "endif") };
        let mut condition = Some(self.read(markup, |reader| reader.condition(is_negated))?);
        let (mut arms, mut otherwise): (Vec<(Condition, Vec<Node>)>, _) = (Vec::new(), Vec::new());
        loop {
            // Nothing but the end may follow `else`.
            let ends: &[&str] = if condition.is_some() { &["elsif", "else", end] } else { &[end] };
            let (body, (name, markup)) = self.body(block, ends)?;
            match condition.take() {
                Some(condition) => arms.push((condition, body)),
                None => otherwise = body,
            }
            match name {
                "elsif" => condition = Some(self.read(markup, |reader| reader.condition(false))?),
                "else" => {}
                _ => break,
            }
        }
        silence(arms.iter_mut().map(|(_, body)| body).chain([&mut otherwise]).collect());
        Ok(Node::If(arms, otherwise))
    }

    fn case(&mut self, markup: &'t str) -> Result<Node, Fault> {
        let value = self.read(markup, only_value)?;
        // What stands before the first `when` prints nothing.
        let (_, mut next) = self.body("case", &["when", "else", "endcase"])?;
        let (mut arms, mut otherwise) = (Vec::new(), Vec::new());
        loop {
            match next {
                ("when", markup) => {
                    let values = self.read(markup, Reader::alternatives)?;
                    let (body, end) = self.body("case", &["when", "else", "endcase"])?;
                    arms.push((values, body));
                    next = end;
                }
                ("else", _) => (otherwise, next) = self.body("case", &["endcase"])?,
                _ => break,
            }
        }
        silence(arms.iter_mut().map(|(_, body)| body).chain([&mut otherwise]).collect());
        Ok(Node::Case(value, arms, otherwise))
    }

    fn looping(&mut self, markup: &'t str, is_table: bool) -> Result<Node, Fault> {
        let mut one = self.read(markup, |reader| head(reader, markup, is_table))?;
        let (block, end) = if is_table { ("tablerow", "endtablerow") } else { ("for", "endfor") };
        let ends: &[&str] = if is_table { &[end] } else { &["else", end] };
        let (body, (name, _)) = self.body(block, ends)?;
        one.body = body;
        if name == "else" {
            one.otherwise = self.body(block, &[end])?.0;
        }
        if !is_table {
            silence(vec![&mut one.body, &mut one.otherwise]);
        }
        Ok(Node::For(Box::new(one)))
    }
}

/// `item in source`, then `reversed`, `limit: n`, `offset: n` and, in a table, `cols: n`, in any order.
fn head(reader: &mut Reader<'_>, markup: &str, is_table: bool) -> Result<Loop, String> {
    let item = reader.name()?.to_owned();
    if !reader.take(Token::Name("in")) {
        return Err("`in` is expected after the name of the item".to_owned());
    }
    let source = reader.expression()?;
    let source_text = markup.split_once(" in ").map_or(markup, |(_, source)| source);
    let key = format!("{item} {}", source_text.split_whitespace().next().unwrap_or_default());
    let mut one = Loop {
        item,
        source,
        limit: None,
        offset: None,
        is_reversed: false,
        key,
        is_table,
        columns: None,
        body: Vec::new(),
        otherwise: Vec::new(),
    };
    while !reader.is_done() {
        reader.sign(",");
        let name = reader.name()?;
        if name == "reversed" {
            one.is_reversed = true;
            continue;
        }
        reader.expect(":")?;
        match name {
            "limit" => one.limit = Some(reader.expression()?),
            "offset" if reader.take(Token::Name("continue")) => one.offset = Some(Offset::Continue),
            "offset" => one.offset = Some(Offset::At(reader.expression()?)),
            "cols" if is_table => one.columns = Some(reader.expression()?),
            _ => return Err(format!("a loop has no option `{name}`")),
        }
    }
    Ok(one)
}

/// `a, b, c`, or `group: a, b, c`.
fn cycle(reader: &mut Reader<'_>, markup: &str) -> Result<Node, String> {
    let first = reader.expression()?;
    let (turn, mut values) = if reader.sign(":") {
        (Turn::Group(first), vec![reader.expression()?])
    } else {
        (Turn::Own(markup.to_owned()), vec![first])
    };
    while reader.sign(",") {
        values.push(reader.expression()?);
    }
    reader.end()?;
    Ok(Node::Cycle(turn, values))
}

fn only_name(reader: &mut Reader<'_>) -> Result<String, String> {
    let name = reader.name()?.to_owned();
    reader.end()?;
    Ok(name)
}

fn only_value(reader: &mut Reader<'_>) -> Result<Expression, String> {
    let value = reader.expression()?;
    reader.end()?;
    Ok(value)
}

/// A block that prints nothing but white space prints nothing.
fn silence(bodies: Vec<&mut Vec<Node>>) {
    if are_blank(&bodies) {
        for body in bodies {
            body.retain(|node| !matches!(node, Node::Text(_)));
        }
    }
}

/// How deep blocks may stand in one another.
const DEPTH: usize = 32;
/// Tags that only make sense within a block.
const PARTS: &[&str] = &["else", "elsif", "when"];
