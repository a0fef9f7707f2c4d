use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{ApiError, Code};

/// The query of the address.
#[derive(Clone, Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    /// Reads what follows the `?`.
    pub(crate) fn read(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(pairs.map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// A parameter that may be there once.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        let mut values = self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(invalid(name, "may be given once")),
        }
    }

    /// A whole number within bounds, written in digits.
    pub(crate) fn number<N>(
        &self,
        name: &'static str,
        bounds: RangeInclusive<N>,
    ) -> Result<Option<N>, ApiError>
    where
        N: FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && bounds.contains(number));
        let rule = || format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        number.map(Some).ok_or_else(|| invalid(name, rule()))
    }
}

fn invalid(name: &'static str, rule: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::new(Code::InvalidQuery).detail(name, rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(query: &str) -> Result<Option<u32>, Code> {
        Query::read(query).number("limit", 1..=200).map_err(|error| error.code)
    }

    #[test]
    fn a_number_is_written_in_digits_within_its_bounds() {
        assert_eq!(limit("limit=1"), Ok(Some(1)));
        assert_eq!(limit("a=b&limit=200"), Ok(Some(200)));
        assert_eq!(limit("other=1"), Ok(None));
        for bad in ["0", "-1", "201", "abc", "1e2", "", "+5", "5.0", "99999999999999999999", "5&limit=5"] {
            assert_eq!(limit(&format!("limit={bad}")), Err(Code::InvalidQuery), "{bad}");
        }
    }
}
