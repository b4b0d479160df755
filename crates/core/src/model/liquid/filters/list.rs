//! Filters that work on lists. A value that is no list counts as a list of itself, nothing as an empty one.

use std::cmp::Ordering;

use super::{Budget, Made, RenderError, Value, argument};
use crate::model::liquid::value::{as_float, truncated};

/// The items, lists within the list opened.
fn items<'a>(budget: &mut Budget, input: &Value<'a>) -> Result<Vec<Value<'a>>, RenderError> {
    let mut all = Vec::new();
    add(budget, input, &mut all)?;
    Ok(all)
}

fn add<'a>(budget: &mut Budget, value: &Value<'a>, all: &mut Vec<Value<'a>>) -> Result<(), RenderError> {
    match value {
        Value::Nil => Ok(()),
        Value::Array(_) | Value::List(_) | Value::Range(..) => {
            let length = value.length().unwrap_or_default();
            budget.elements(length)?;
            for item in (0..length).map(|at| value.at(at)) {
                match item {
                    Value::Array(_) | Value::List(_) => add(budget, &item, all)?,
                    item => all.push(item),
                }
            }
            Ok(())
        }
        other => {
            all.push(other.clone());
            Ok(())
        }
    }
}

pub(super) fn size<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    match (input.as_str(), input.length()) {
        (None, None) => Ok(Value::Int(0)),
        (None, Some(length)) => Ok(Value::count(length)),
        (Some(_), _) => input.member("size", budget),
    }
}

pub(super) fn first<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    input.member("first", budget)
}

pub(super) fn last<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    input.member("last", budget)
}

pub(super) fn join<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    let glue = arguments.first().cloned().unwrap_or(Value::Str(" "));
    let glue = glue.printed(budget)?;
    let mut out = budget.text();
    for (at, item) in items(budget, input)?.iter().enumerate() {
        out.push(if at == 0 { "" } else { &glue })?;
        item.write(&mut out, budget)?;
    }
    super::text::made(budget, out)
}

pub(super) fn reverse<'a>(budget: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    let mut all = items(budget, input)?;
    all.reverse();
    Ok(Value::list(all))
}

/// The member of each item.
pub(super) fn map<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    let name = argument(arguments, 0);
    let all = items(budget, input)?;
    let members: Result<Vec<_>, _> = all.iter().map(|item| item.index(&name, budget)).collect();
    members.map(Value::list)
}

/// A part of a list, or of a text: from a position (from the end when negative), one item unless said otherwise.
pub(super) fn slice<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    let from = argument(arguments, 0).whole();
    let count = arguments.get(1).map_or(1, Value::whole);
    if let (None, Some(length)) = (input.as_str(), input.length()) {
        let Some((from, count)) = window(from, count, length) else { return Ok(Value::list(Vec::new())) };
        budget.elements(count)?;
        return Ok(Value::list((from..from + count).map(|at| input.at(at)).collect()));
    }
    let text = input.printed(budget)?;
    let mut out = budget.text();
    if let Some((from, count)) = window(from, count, text.chars().count()) {
        text.chars().skip(from).take(count).try_for_each(|letter| out.push_char(letter))?;
    }
    super::text::made(budget, out)
}

/// Where a part begins, and how long it is at most; `None` when it begins outside.
fn window(from: i64, count: i64, length: usize) -> Option<(usize, usize)> {
    let back = || usize::try_from(from.unsigned_abs()).ok().and_then(|back| length.checked_sub(back));
    let from = usize::try_from(from).ok().or_else(back).filter(|from| *from <= length)?;
    Some((from, usize::try_from(count).ok()?.min(length - from)))
}

/// By value, or by a member of each item; what is nothing comes last.
pub(super) fn sort<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    sorted(budget, input, arguments, |key, _| Ok(key))
}

/// The same for texts, in upper and lower case alike.
pub(super) fn sort_natural<'a>(budget: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    sorted(budget, input, arguments, |key, budget| match key {
        Value::Nil => Ok(Value::Nil),
        key => Ok(Value::text(key.printed(budget)?.to_lowercase())),
    })
}

fn sorted<'a>(
    budget: &mut Budget,
    input: &Value<'a>,
    arguments: &[Value<'a>],
    fold: impl Fn(Value<'a>, &mut Budget) -> Made<'a>,
) -> Made<'a> {
    let all = items(budget, input)?;
    let rounds = usize::BITS - all.len().leading_zeros();
    let mut keyed = Vec::with_capacity(all.len());
    for item in all {
        let key = arguments.first().map_or_else(|| Ok(item.clone()), |name| item.index(name, budget))?;
        let key = fold(key, budget)?;
        let length = key.as_str().map_or(8, str::len);
        // Each item is compared about as many times as the list can be halved.
        for _ in 0..rounds {
            budget.bytes(length)?;
        }
        keyed.push((key, item));
    }
    keyed.sort_by(|(one, _), (two, _)| order(one, two));
    Ok(Value::list(keyed.into_iter().map(|(_, item)| item).collect()))
}

/// A total order, whatever is in the list: numbers, texts, everything else, nothing.
fn order(one: &Value<'_>, two: &Value<'_>) -> Ordering {
    let rank = |value: &Value<'_>| match value {
        Value::Int(_) | Value::Float(_) => 0,
        Value::Str(_) | Value::Text(_) => 1,
        Value::Nil => 3,
        _ => 2,
    };
    // Large whole numbers that are one and the same with a fraction are told apart by themselves.
    let number = |value: &Value<'_>| match value {
        Value::Int(it) => (as_float(*it), *it),
        Value::Float(it) => (*it, truncated(*it)),
        _ => (0.0, 0),
    };
    let ((one_float, one_int), (two_float, two_int)) = (number(one), number(two));
    rank(one)
        .cmp(&rank(two))
        .then_with(|| one.as_str().cmp(&two.as_str()))
        .then_with(|| one_float.total_cmp(&two_float))
        .then_with(|| one_int.cmp(&two_int))
}
