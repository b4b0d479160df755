//! Filters that calculate. Whole numbers stay whole; a number with a fraction makes the result one.

use super::{Budget, Made, RenderError, Value, argument};
use crate::model::liquid::value::{as_float, truncated};

/// Two numbers of the same kind.
enum Pair {
    Int(i64, i64),
    Float(f64, f64),
}

impl Pair {
    fn of(one: &Value<'_>, two: &Value<'_>) -> Self {
        match (one.number(), two.number()) {
            (Value::Int(one), Value::Int(two)) => Self::Int(one, two),
            (one, two) => Self::Float(float(&one), float(&two)),
        }
    }
}

fn float(number: &Value<'_>) -> f64 {
    match number {
        Value::Float(it) => *it,
        other => as_float(other.whole()),
    }
}

fn int<'a>(number: Option<i64>) -> Made<'a> {
    number.map(Value::Int).ok_or(RenderError::Number)
}

/// The result, if it is a number. Decimal fractions are what people write, so what comes after fifteen digits is noise.
fn decimal<'a>(number: f64) -> Made<'a> {
    exact(format!("{number:.14e}").parse().unwrap_or(number))
}

fn exact<'a>(number: f64) -> Made<'a> {
    if number.is_finite() { Ok(Value::Float(number)) } else { Err(RenderError::Number) }
}

/// A whole number, if it is one that fits.
fn whole<'a>(number: f64) -> Made<'a> {
    if number.abs() < 9.2e18 { Ok(Value::Int(truncated(number))) } else { Err(RenderError::Number) }
}

pub(super) fn plus<'a>(_: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    match Pair::of(input, &argument(arguments, 0)) {
        Pair::Int(one, two) => int(one.checked_add(two)),
        Pair::Float(one, two) => decimal(one + two),
    }
}

pub(super) fn minus<'a>(_: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    match Pair::of(input, &argument(arguments, 0)) {
        Pair::Int(one, two) => int(one.checked_sub(two)),
        Pair::Float(one, two) => decimal(one - two),
    }
}

pub(super) fn times<'a>(_: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    match Pair::of(input, &argument(arguments, 0)) {
        Pair::Int(one, two) => int(one.checked_mul(two)),
        Pair::Float(one, two) => decimal(one * two),
    }
}

/// Whole numbers round down.
pub(super) fn divided_by<'a>(_: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    match Pair::of(input, &argument(arguments, 0)) {
        Pair::Int(one, two) => {
            let (quotient, rest) = (one.checked_div(two), one.checked_rem(two).unwrap_or_default());
            int(quotient.and_then(|it| it.checked_sub(i64::from(rest != 0 && (rest < 0) != (two < 0)))))
        }
        Pair::Float(one, two) => exact(one / two),
    }
}

/// The rest has the sign of the divisor.
pub(super) fn modulo<'a>(_: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    match Pair::of(input, &argument(arguments, 0)) {
        Pair::Int(one, two) => {
            let rest = one.checked_rem(two);
            int(rest.map(|rest| if rest != 0 && (rest < 0) != (two < 0) { rest + two } else { rest }))
        }
        Pair::Float(one, two) => decimal(one - two * (one / two).floor()),
    }
}

pub(super) fn abs<'a>(_: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    match input.number() {
        Value::Int(it) => int(it.checked_abs()),
        other => exact(float(&other).abs()),
    }
}

pub(super) fn at_least<'a>(_: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    match Pair::of(input, &argument(arguments, 0)) {
        Pair::Int(one, two) => int(Some(one.max(two))),
        Pair::Float(one, two) => exact(one.max(two)),
    }
}

pub(super) fn at_most<'a>(_: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    match Pair::of(input, &argument(arguments, 0)) {
        Pair::Int(one, two) => int(Some(one.min(two))),
        Pair::Float(one, two) => exact(one.min(two)),
    }
}

pub(super) fn ceil<'a>(_: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    match input.number() {
        Value::Float(it) => whole(it.ceil()),
        other => Ok(other),
    }
}

pub(super) fn floor<'a>(_: &mut Budget, input: &Value<'a>, _: &[Value<'a>]) -> Made<'a> {
    match input.number() {
        Value::Float(it) => whole(it.floor()),
        other => Ok(other),
    }
}

/// To so many decimal places; to a whole number without an argument.
pub(super) fn round<'a>(_: &mut Budget, input: &Value<'a>, arguments: &[Value<'a>]) -> Made<'a> {
    let places = i32::try_from(argument(arguments, 0).whole().clamp(0, 15)).unwrap_or_default();
    match input.number() {
        Value::Float(it) if places == 0 => whole(it.round()),
        Value::Float(it) => {
            let scale = 10_f64.powi(places);
            let scaled = (it * scale).round() / scale;
            decimal(if scaled.is_finite() { scaled } else { it })
        }
        other => Ok(other),
    }
}
