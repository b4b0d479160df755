//! Fills a template in.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::Limits;
use super::ast::{Comparison, Condition, Expression, Filtered, Join, Loop, Node, Offset, Operator, Step, Turn};
use super::budget::{Budget, RenderError, Text};
use super::value::{Round, Value};
use crate::kit::clock::Millis;

/// Renders a whole template.
pub(super) fn render(
    nodes: &[Node],
    names: &Map<String, Json>,
    limits: &Limits,
    now: Millis,
) -> Result<String, RenderError> {
    let budget = Budget::new(limits, now);
    let mut renderer = Renderer { names, out: budget.text(), budget, state: State::default() };
    renderer.nodes(nodes)?;
    Ok(renderer.out.into_string())
}

struct Renderer<'a> {
    /// What the template is filled in with.
    names: &'a Map<String, Json>,
    out: Text,
    budget: Budget,
    state: State<'a>,
}

/// What tags leave behind for those after them.
#[derive(Default)]
struct State<'a> {
    /// The loops that are under way, the innermost last.
    frames: Vec<Frame<'a>>,
    assigned: HashMap<&'a str, Value<'a>>,
    counters: HashMap<&'a str, i64>,
    /// Whose turn it is in a `cycle`, by its group or its text.
    turns: HashMap<String, usize>,
    /// Where `offset: continue` goes on, by the loop's key.
    resumes: HashMap<&'a str, usize>,
}

/// A loop that is under way.
struct Frame<'a> {
    item: &'a str,
    value: Value<'a>,
    round: Rc<Round>,
}

/// How a node ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

impl<'a> Renderer<'a> {
    fn nodes(&mut self, nodes: &'a [Node]) -> Result<Flow, RenderError> {
        for node in nodes {
            self.budget.spend(1)?;
            let flow = self.node(node)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, node: &'a Node) -> Result<Flow, RenderError> {
        match node {
            Node::Text(text) => self.print(&Value::Str(text))?,
            Node::Output(output) => {
                let value = self.filtered(output)?;
                self.print(&value)?;
            }
            Node::Assign(name, output) => {
                let value = self.filtered(output)?;
                self.state.assigned.insert(name, value);
            }
            Node::Capture(name, body) => {
                let outside = std::mem::replace(&mut self.out, self.budget.text());
                let flow = self.nodes(body)?;
                let inside = std::mem::replace(&mut self.out, outside);
                self.state.assigned.insert(name, Value::text(inside.into_string()));
                return Ok(flow);
            }
            Node::If(arms, otherwise) => {
                for (condition, body) in arms {
                    if self.holds(condition)? {
                        return self.nodes(body);
                    }
                }
                return self.nodes(otherwise);
            }
            Node::Case(value, arms, otherwise) => {
                let value = self.value(value)?;
                for (values, body) in arms {
                    for one in values {
                        let one = self.value(one)?;
                        if value.equals(&one, &mut self.budget)? {
                            return self.nodes(body);
                        }
                    }
                }
                return self.nodes(otherwise);
            }
            Node::For(one) => return self.run(one),
            Node::Cycle(turn, values) => {
                let key = match turn {
                    Turn::Own(key) => {
                        self.budget.bytes(key.len())?;
                        key.clone()
                    }
                    Turn::Group(group) => self.value(group)?.printed(&mut self.budget)?.into_owned(),
                };
                let turn = self.state.turns.entry(key).or_default();
                let at = *turn % values.len().max(1);
                *turn = at + 1;
                let value = values.get(at).map_or(Ok(Value::Nil), |value| self.value(value))?;
                self.print(&value)?;
            }
            Node::Increment(name) => {
                let counter = self.state.counters.entry(name).or_default();
                let value = Value::Int(*counter);
                *counter = counter.saturating_add(1);
                self.print(&value)?;
            }
            Node::Decrement(name) => {
                let counter = self.state.counters.entry(name).or_default();
                *counter = counter.saturating_sub(1);
                let value = Value::Int(*counter);
                self.print(&value)?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn print(&mut self, value: &Value<'a>) -> Result<(), RenderError> {
        value.write(&mut self.out, &mut self.budget)
    }

    /// Runs a loop: `for` prints its rounds, `tablerow` puts them into the cells of a table.
    fn run(&mut self, one: &'a Loop) -> Result<Flow, RenderError> {
        let (source, from, count) = self.extent(one)?;
        let columns = match &one.columns {
            _ if !one.is_table => None,
            None => Some(count.max(1)),
            Some(columns) => Some(usize::try_from(self.value(columns)?.whole()).unwrap_or_default().max(1)),
        };
        self.state.resumes.insert(&one.key, from.saturating_add(count));
        if columns.is_some() {
            self.out.push("<tr class=\"row1\">\n")?;
        } else if count == 0 {
            return self.nodes(&one.otherwise);
        }
        let parent = self.state.frames.last().map(|frame| Rc::clone(&frame.round));
        for index in 0..count {
            self.budget.round()?;
            let at = if one.is_reversed { count - 1 - index } else { index };
            let value = source.at(from.saturating_add(at));
            let round = Rc::new(Round { index, length: count, columns, parent: parent.clone() });
            self.state.frames.push(Frame { item: &one.item, value, round });
            let flow = self.round(one, index, columns);
            self.state.frames.pop();
            if flow? == Flow::Break {
                break;
            }
            if let Some(columns) = columns.filter(|columns| (index + 1) % columns == 0 && index + 1 < count) {
                let row = Value::count((index + 1) / columns + 1);
                self.out.push("</tr>\n<tr class=\"row")?;
                self.print(&row)?;
                self.out.push("\">")?;
            }
        }
        if columns.is_some() {
            self.out.push("</tr>\n")?;
        }
        Ok(Flow::On)
    }

    fn round(&mut self, one: &'a Loop, index: usize, columns: Option<usize>) -> Result<Flow, RenderError> {
        let Some(columns) = columns else { return self.nodes(&one.body) };
        self.out.push("<td class=\"col")?;
        self.print(&Value::count(index % columns + 1))?;
        self.out.push("\">")?;
        let flow = self.nodes(&one.body)?;
        self.out.push("</td>")?;
        Ok(flow)
    }

    /// What a loop goes through: its source, the first item of it, and how many.
    fn extent(&mut self, one: &'a Loop) -> Result<(Value<'a>, usize, usize), RenderError> {
        let source = match self.value(&one.source)? {
            Value::Object(members) => {
                self.budget.elements(members.len().saturating_mul(3))?;
                let pair =
                    |(name, member): (&'a String, &'a Json)| Value::list(vec![Value::Str(name), Value::of(member)]);
                Value::list(members.iter().map(pair).collect())
            }
            // A text that is not empty is its own only item.
            text @ (Value::Str(_) | Value::Text(_)) => match text.as_str() {
                Some("") => Value::Nil,
                _ => Value::list(vec![text]),
            },
            other => other,
        };
        let from = match &one.offset {
            None => 0,
            Some(Offset::Continue) => self.state.resumes.get(one.key.as_str()).copied().unwrap_or_default(),
            Some(Offset::At(offset)) => usize::try_from(self.value(offset)?.whole()).unwrap_or_default(),
        };
        let left = source.length().unwrap_or_default().saturating_sub(from);
        let count = match &one.limit {
            None => left,
            Some(limit) => match self.value(limit)? {
                Value::Nil => left,
                limit => left.min(usize::try_from(limit.whole()).unwrap_or_default()),
            },
        };
        Ok((source, from, count))
    }

    fn holds(&mut self, condition: &'a Condition) -> Result<bool, RenderError> {
        // From the right: `a or b and c` is `a or (b and c)`, and `a and b or c` is `a and (b or c)`.
        let more = &condition.more;
        let mut result = self.compare(more.last().map_or(&condition.first, |(_, last)| last))?;
        for (at, (join, _)) in more.iter().enumerate().rev() {
            let left = at.checked_sub(1).and_then(|at| more.get(at)).map_or(&condition.first, |(_, left)| left);
            let left = self.compare(left)?;
            result = if *join == Join::Or { left || result } else { left && result };
        }
        Ok(result != condition.is_negated)
    }

    fn compare(&mut self, comparison: &'a Comparison) -> Result<bool, RenderError> {
        let left = self.value(&comparison.left)?;
        let Some((operator, right)) = &comparison.right else { return Ok(left.is_truthy()) };
        let right = self.value(right)?;
        let budget = &mut self.budget;
        Ok(match operator {
            Operator::Equal => left.equals(&right, budget)?,
            Operator::Unequal => !left.equals(&right, budget)?,
            Operator::Less => left.order(&right, budget)?.is_some_and(std::cmp::Ordering::is_lt),
            Operator::AtMost => left.order(&right, budget)?.is_some_and(std::cmp::Ordering::is_le),
            Operator::Greater => left.order(&right, budget)?.is_some_and(std::cmp::Ordering::is_gt),
            Operator::AtLeast => left.order(&right, budget)?.is_some_and(std::cmp::Ordering::is_ge),
            Operator::Contains => left.contains(&right, budget)?,
        })
    }

    fn filtered(&mut self, output: &'a Filtered) -> Result<Value<'a>, RenderError> {
        let mut value = self.value(&output.value)?;
        for (filter, arguments) in &output.filters {
            let arguments = arguments.iter().map(|one| self.value(one)).collect::<Result<Vec<_>, _>>()?;
            self.budget.call()?;
            value = (filter.run)(&mut self.budget, &value, &arguments)?;
        }
        Ok(value)
    }

    fn value(&mut self, expression: &'a Expression) -> Result<Value<'a>, RenderError> {
        self.budget.spend(1)?;
        Ok(match expression {
            Expression::Nil => Value::Nil,
            Expression::Blank => Value::Blank,
            Expression::Empty => Value::Empty,
            Expression::Bool(it) => Value::Bool(*it),
            Expression::Int(it) => Value::Int(*it),
            Expression::Float(it) => Value::Float(*it),
            Expression::Text(it) => Value::Str(it),
            Expression::Range(ends) => Value::Range(self.value(&ends.0)?.whole(), self.value(&ends.1)?.whole()),
            Expression::Path(name, steps) => {
                let mut value = self.named(name);
                for step in steps {
                    value = match step {
                        Step::Name(name) => value.member(name, &mut self.budget)?,
                        Step::Index(index) => value.index(&self.value(index)?, &mut self.budget)?,
                    };
                }
                value
            }
        })
    }

    /// What a name stands for: the innermost loop knows best, then `assign` and `capture`, then counters, then what the
    /// template is filled in with.
    fn named(&self, name: &str) -> Value<'a> {
        for frame in self.state.frames.iter().rev() {
            let is_table = frame.round.columns.is_some();
            if frame.item == name {
                return frame.value.clone();
            }
            if name == (if is_table { "tablerowloop" } else { "forloop" }) {
                return Value::Round(Rc::clone(&frame.round));
            }
        }
        let assigned = self.state.assigned.get(name).cloned();
        let counted = || self.state.counters.get(name).map(|count| Value::Int(*count));
        assigned.or_else(counted).or_else(|| self.names.get(name).map(Value::of)).unwrap_or(Value::Nil)
    }
}
