use std::fmt;

use thiserror::Error;

/// Who a visitor is, as the site's own server has vouched for.
#[derive(Clone, PartialEq, Eq)]
pub struct VisitorIdentity {
    id: String,
    name: Option<String>,
    email: Option<String>,
}

/// What is said of a visitor is not in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidIdentity {
    /// The id is empty, too long, or has control characters.
    #[error("sub must have 1 to 255 characters and no control characters")]
    Id,
    /// The name is empty, too long, or has control characters.
    #[error("name must have 1 to 200 characters and no control characters")]
    Name,
    /// The e-mail address is none, too long, or has control characters.
    #[error("email must have 3 to 254 characters with an @, and no control characters")]
    Email,
}

impl VisitorIdentity {
    /// Checks what is said of a visitor: the site's own id, 1 to 255 characters; a name, 1 to 200; an e-mail address, 3 to 254
    /// with an `@`. None has control characters.
    pub fn new(id: String, name: Option<String>, email: Option<String>) -> Result<Self, InvalidIdentity> {
        let fits = |text: &str, least: usize, most: usize| {
            (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        if !fits(&id, 1, 255) {
            return Err(InvalidIdentity::Id);
        }
        if name.as_ref().is_some_and(|name| !fits(name, 1, 200)) {
            return Err(InvalidIdentity::Name);
        }
        if email.as_ref().is_some_and(|email| !fits(email, 3, 254) || !email.contains('@')) {
            return Err(InvalidIdentity::Email);
        }
        Ok(Self { id, name, email })
    }

    /// The site's own id of the visitor.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The visitor's name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The visitor's e-mail address.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }
}

impl fmt::Debug for VisitorIdentity {
    /// Says nothing, so that who people are does not end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitorIdentity(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(id: &str, name: Option<&str>, email: Option<&str>) -> Result<VisitorIdentity, InvalidIdentity> {
        VisitorIdentity::new(id.to_owned(), name.map(str::to_owned), email.map(str::to_owned))
    }

    #[test]
    fn an_identity_is_short_and_plain() {
        let known = new("42", Some("Ana Ñ"), Some("a@b")).unwrap();
        assert_eq!((known.id(), known.name(), known.email()), ("42", Some("Ana Ñ"), Some("a@b")));
        assert!(new(&"é".repeat(255), None, None).is_ok());
        for bad in ["", &"x".repeat(256), "a\0", "a\nb"] {
            assert_eq!(new(bad, None, None), Err(InvalidIdentity::Id), "{bad:?}");
        }
        for bad in ["", &"x".repeat(201), "a\tb"] {
            assert_eq!(new("1", Some(bad), None), Err(InvalidIdentity::Name), "{bad:?}");
        }
        for bad in ["", "ab", "abc", "a@\r\nb", &format!("a@{}", "x".repeat(253))] {
            assert_eq!(new("1", None, Some(bad)), Err(InvalidIdentity::Email), "{bad:?}");
        }
        assert_eq!(format!("{known:?}"), "VisitorIdentity(..)");
    }
}
