//! The filters: one table, and their work in files by what they work on. Semantics are those of Shopify's standard
//! filters (`https://shopify.github.io/liquid/filters/`).

mod html;
mod list;
mod math;
mod text;

use super::budget::{Budget, RenderError};
use super::date;
use super::value::Value;

/// A filter.
#[derive(Debug)]
pub(super) struct Filter {
    /// Its name.
    pub(super) name: &'static str,
    /// The fewest and the most arguments it takes.
    pub(super) arguments: (usize, usize),
    /// Its work: input and arguments in, value out.
    pub(super) run: for<'a> fn(&mut Budget, &Value<'a>, &[Value<'a>]) -> Made<'a>,
}

/// What a filter makes.
type Made<'a> = Result<Value<'a>, RenderError>;

/// The filter of that name.
pub(super) fn find(name: &str) -> Option<&'static Filter> {
    FILTERS.iter().find(|filter| filter.name == name)
}

/// The argument at `at`; `nil` when there is none.
fn argument<'a>(arguments: &[Value<'a>], at: usize) -> Value<'a> {
    arguments.get(at).cloned().unwrap_or(Value::Nil)
}

macro_rules! filter {
    ($name:literal, $least:literal..$most:literal, $run:path) => {
        Filter { name: $name, arguments: ($least, $most), run: $run }
    };
}

const FILTERS: &[Filter] = &[
    filter!("abs", 0..0, math::abs),
    filter!("append", 1..1, text::append),
    filter!("at_least", 1..1, math::at_least),
    filter!("at_most", 1..1, math::at_most),
    filter!("capitalize", 0..0, text::capitalize),
    filter!("ceil", 0..0, math::ceil),
    filter!("date", 0..1, date),
    filter!("default", 0..1, default),
    filter!("divided_by", 1..1, math::divided_by),
    filter!("downcase", 0..0, text::downcase),
    filter!("escape", 0..0, html::escape),
    filter!("escape_once", 0..0, html::escape_once),
    filter!("first", 0..0, list::first),
    filter!("floor", 0..0, math::floor),
    filter!("join", 0..1, list::join),
    filter!("last", 0..0, list::last),
    filter!("lstrip", 0..0, text::lstrip),
    filter!("map", 1..1, list::map),
    filter!("minus", 1..1, math::minus),
    filter!("modulo", 1..1, math::modulo),
    filter!("newline_to_br", 0..0, html::newline_to_br),
    filter!("plus", 1..1, math::plus),
    filter!("prepend", 1..1, text::prepend),
    filter!("remove", 1..1, text::remove),
    filter!("remove_first", 1..1, text::remove_first),
    filter!("replace", 1..2, text::replace),
    filter!("replace_first", 1..2, text::replace_first),
    filter!("reverse", 0..0, list::reverse),
    filter!("round", 0..1, math::round),
    filter!("rstrip", 0..0, text::rstrip),
    filter!("size", 0..0, list::size),
    filter!("slice", 1..2, list::slice),
    filter!("sort", 0..1, list::sort),
    filter!("sort_natural", 0..1, list::sort_natural),
    filter!("split", 1..1, text::split),
    filter!("strip", 0..0, text::strip),
    filter!("strip_html", 0..0, html::strip_html),
    filter!("strip_newlines", 0..0, text::strip_newlines),
    filter!("times", 1..1, math::times),
    filter!("truncate", 0..2, text::truncate),
    filter!("truncatewords", 0..2, text::truncatewords),
    filter!("upcase", 0..0, text::upcase),
    filter!("url_decode", 0..0, html::url_decode),
    filter!("url_encode", 0..0, html::url_encode),
];

/// The second argument is `allow_false`.
fn default<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    let is_missing = match input {
        Value::Bool(false) => !argument(arguments, 1).is_truthy(),
        _ => !input.is_truthy() || input.equals(&Value::Empty, budget)?,
    };
    Ok(if is_missing { argument(arguments, 0) } else { input.clone() })
}

/// What is no instant stays as it is.
fn date<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    budget.bytes(input.as_str().map_or(0, str::len))?;
    let format = argument(arguments, 0);
    let format = format.printed(budget)?;
    let (Some(at), false) = (date::read(input, budget.now), format.is_empty()) else { return Ok(input.clone()) };
    // A directive is about as much work as a filter.
    format.matches('%').try_for_each(|_| budget.call())?;
    let mut out = budget.text();
    date::write(at, &format, &mut out)?;
    text::made(budget, out)
}

/// Every filter, and the fewest arguments it takes.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = (&'static str, usize)> {
    FILTERS.iter().map(|filter| (filter.name, filter.arguments.0))
}
