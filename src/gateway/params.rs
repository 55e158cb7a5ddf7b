//! Query parameters. Unknown, repeated and invalid parameters are rejected.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};

use super::problem::Problem;

/// The form of inventory ids, for problems.
pub(super) const INVENTORY_ID: &str = "a decimal number or 16 hexadecimal digits";

/// The query parameters that have not been read yet.
pub(super) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::field("query", "the query parameters cannot be decoded"))?;
        Ok(Self(pairs))
    }
}

impl Params {
    /// Reads a parameter. Returns `None` if it is missing.
    ///
    /// # Errors
    ///
    /// [`Problem`] if it occurs more than once.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut found = self.0.extract_if(.., |(key, _)| key == name);
        let value = found.next().map(|(_, value)| value);
        if found.next().is_some() {
            return Err(Problem::field(name, "it occurs more than once"));
        }
        Ok(value)
    }

    /// Reads and parses a parameter. Returns `None` if it is missing. `what` describes the expected value.
    ///
    /// # Errors
    ///
    /// [`Problem`] if it occurs more than once or cannot be parsed.
    pub(super) fn parsed<T: FromStr>(
        &mut self,
        name: &str,
        what: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        // Rust accepts a leading `+` in numbers.
        let parsed = text.parse().ok().filter(|_| !text.starts_with('+'));
        parsed.map(Some).ok_or_else(|| Problem::field(name, format!("it must be {what}")))
    }

    /// Reads a tick number. Returns `None` if it is missing.
    ///
    /// # Errors
    ///
    /// [`Problem`] if it occurs more than once or is not a number.
    pub(super) fn tick(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        // OpenAPI has no larger numbers.
        let tick: Option<u64> = self.parsed(name, "a tick number")?;
        if tick.is_some_and(|tick| i64::try_from(tick).is_err()) {
            return Err(Problem::field(name, "it is too large"));
        }
        Ok(tick)
    }

    /// Reads `limit`, the maximum number of entries. Returns `default` if it is missing.
    ///
    /// # Errors
    ///
    /// [`Problem`] if it occurs more than once or is not between 1 and `max`.
    pub(super) fn limit(&mut self, default: usize, max: usize) -> Result<usize, Problem> {
        let what = format!("a number from 1 to {max}");
        let limit = self.parsed("limit", &what)?.unwrap_or(default);
        if (1..=max).contains(&limit) {
            Ok(limit)
        } else {
            Err(Problem::field("limit", format!("it must be {what}")))
        }
    }

    /// Checks that all parameters have been read.
    ///
    /// # Errors
    ///
    /// [`Problem`] that names the first unknown parameter.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.0.into_iter().next() {
            Some((name, _)) => {
                let name: String = name.chars().take(64).collect();
                Err(Problem::field(name, "there is no such parameter"))
            }
            None => Ok(()),
        }
    }
}

/// Checks that `from` is not greater than `to`.
///
/// # Errors
///
/// [`Problem`] if it is.
pub(super) fn check_range(from: u64, to: u64) -> Result<(), Problem> {
    if from <= to { Ok(()) } else { Err(Problem::field("to", "it is before `from`")) }
}
