//! Who a visitor is, as the site's own server says in a signed token.
//!
//! A JWT (RFC 7519) in its compact form, signed with HMAC-SHA-256 (RFC 7515; RFC 7518, section 3.2) and in no other way:
//! what a token says of its own algorithm is compared, never obeyed. That is the whole of what a library would do here, and
//! those for all algorithms bring a second stack of cryptography.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk_core::{InvalidIdentity, Timestamp, VisitorIdentity};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;
use thiserror::Error;

/// The longest token that is read, in bytes.
const MAX_TOKEN: usize = 4096;

/// The shortest secret: as many bytes as the hash has (RFC 7518, section 3.2).
const MIN_SECRET: usize = 32;

/// How much the clocks of the two servers may differ, in seconds.
const LEEWAY: f64 = 60.0;

/// How far ahead a token may end, in seconds.
const LONGEST: f64 = 24.0 * 60.0 * 60.0;

/// The secrets that a site's server signs tokens with. All of them are good, so that one can be replaced.
#[derive(Clone, Default)]
pub struct IdentitySecrets(Vec<Hmac<Sha256>>);

/// The text is not a secret to sign tokens with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must have at least 32 characters")]
pub struct InvalidIdentitySecret;

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TokenError {
    #[error("this deployment has no IDENTITY_SECRET")]
    NoSecret,
    #[error("must be a JWT of at most 4096 bytes")]
    Form,
    #[error("must be signed with HS256 under this deployment's IDENTITY_SECRET")]
    Signature,
    #[error("must have the claims sub and exp, and of the right types what it has of nbf, name and email")]
    Claims,
    #[error("exp must be at most 24 hours ahead")]
    TooLong,
    #[error("nbf must not be ahead")]
    TooEarly,
    #[error("exp must be ahead")]
    Expired,
    #[error(transparent)]
    Identity(#[from] InvalidIdentity),
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that must be understood, and none are.
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    name: Option<String>,
    email: Option<String>,
}

impl IdentitySecrets {
    /// Adds a secret.
    pub fn with(mut self, secret: &str) -> Result<Self, InvalidIdentitySecret> {
        if secret.len() < MIN_SECRET {
            return Err(InvalidIdentitySecret);
        }
        self.0.push(Hmac::new_from_slice(secret.as_bytes()).map_err(|_| InvalidIdentitySecret)?);
        Ok(self)
    }

    /// Reads a token and believes it if it is one of these secrets' and its time is now.
    pub(crate) fn verify(&self, token: &[u8], now: Timestamp) -> Result<VisitorIdentity, TokenError> {
        if self.0.is_empty() {
            return Err(TokenError::NoSecret);
        }
        let token = std::str::from_utf8(token).ok().filter(|token| token.len() <= MAX_TOKEN);
        let (signed, signature) = token.and_then(|token| token.rsplit_once('.')).ok_or(TokenError::Form)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Form)?;
        let [header, claims, signature] =
            [header, claims, signature].map(|part| URL_SAFE_NO_PAD.decode(part));
        let (Ok(header), Ok(claims), Ok(signature)) = (header, claims, signature) else {
            return Err(TokenError::Form);
        };
        let is_signed_with =
            |secret: &Hmac<Sha256>| secret.clone().chain_update(signed).verify_slice(&signature).is_ok();
        let header: Header = serde_json::from_slice(&header).map_err(|_| TokenError::Form)?;
        if header.alg != "HS256" || header.crit.is_some() || !self.0.iter().any(is_signed_with) {
            return Err(TokenError::Signature);
        }
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| TokenError::Claims)?;
        check_time(&claims, now)?;
        Ok(VisitorIdentity::new(claims.sub, claims.name, claims.email)?)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of any year that a clock shows are exact in a double"
)]
fn check_time(claims: &Claims, now: Timestamp) -> Result<(), TokenError> {
    let now = now.millis() as f64 / 1000.0;
    if claims.exp + LEEWAY <= now {
        Err(TokenError::Expired)
    } else if claims.exp > now + LONGEST + LEEWAY {
        Err(TokenError::TooLong)
    } else if claims.nbf.is_some_and(|begins| begins > now + LEEWAY) {
        Err(TokenError::TooEarly)
    } else {
        Ok(())
    }
}

impl fmt::Debug for IdentitySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentitySecrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of thirty-two characters";
    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn part(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    fn sign(header: &str, claims: &str, secret: &str) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&signed);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn token(claims: &str) -> String {
        sign(r#"{"alg":"HS256","typ":"JWT"}"#, claims, SECRET)
    }

    fn verify(token: &str) -> Result<VisitorIdentity, TokenError> {
        let secrets = IdentitySecrets::default().with(&"b".repeat(32)).unwrap().with(SECRET).unwrap();
        secrets.verify(token.as_bytes(), NOW)
    }

    #[test]
    fn what_a_site_has_signed_is_believed() {
        let claims = r#"{"sub":"42","exp":1800000600,"name":"Ana","email":"ana@example.com","iat":1,"x":{}}"#;
        let ana = verify(&token(claims)).unwrap();
        assert_eq!((ana.id(), ana.name(), ana.email()), ("42", Some("Ana"), Some("ana@example.com")));
        let least = verify(&token(r#"{"sub":"x","exp":1.8000000005e9,"name":null}"#)).unwrap();
        assert_eq!((least.id(), least.name(), least.email()), ("x", None, None));
    }

    /// RFC 7515, appendix A.1.
    #[test]
    fn a_signature_of_the_standard_holds() {
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let secrets = IdentitySecrets(vec![Hmac::new_from_slice(&key).unwrap()]);
        // Its signature holds; what it lacks is `sub`.
        assert_eq!(secrets.verify(token.as_bytes(), NOW), Err(TokenError::Claims));
    }

    #[test]
    fn the_algorithm_is_ours_and_not_the_tokens() {
        let claims = r#"{"sub":"42","exp":1800000600}"#;
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS512"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":"HS256","crit":["x"]}"#,
        ] {
            assert_eq!(verify(&sign(header, claims, SECRET)), Err(TokenError::Signature), "{header}");
        }
        let unsigned = format!("{}.{}.", part(r#"{"alg":"none"}"#), part(claims));
        assert_eq!(verify(&unsigned), Err(TokenError::Signature));
        let other = sign(r#"{"alg":"HS256"}"#, claims, &"c".repeat(32));
        assert_eq!(verify(&other), Err(TokenError::Signature));
    }

    #[test]
    fn every_altered_character_is_noticed() {
        let token = token(r#"{"sub":"42","exp":1800000600}"#);
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert!(verify(std::str::from_utf8(&altered).unwrap()).is_err(), "{at}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for bad in [
            "",
            ".",
            "..",
            "a.b",
            "a.b.c",
            "a.b.c.d",
            &"x".repeat(5000),
            "ü.ü.ü",
            &format!("{}=", token("{}")),
        ] {
            assert!(matches!(verify(bad), Err(TokenError::Form)), "{bad}");
        }
        for claims in [
            "{}",
            "[]",
            r#"{"sub":"1"}"#,
            r#"{"sub":1,"exp":1800000600}"#,
            r#"{"sub":"1","exp":"1800000600"}"#,
            r#"{"sub":"1","sub":"2","exp":1800000600}"#,
        ] {
            assert_eq!(verify(&token(claims)), Err(TokenError::Claims), "{claims}");
        }
        let blank = token(r#"{"sub":"","exp":1800000600}"#);
        assert_eq!(verify(&blank), Err(TokenError::Identity(InvalidIdentity::Id)));
        assert_eq!(IdentitySecrets::default().verify(blank.as_bytes(), NOW), Err(TokenError::NoSecret));
        assert!(IdentitySecrets::default().with(&"x".repeat(31)).is_err());
    }

    #[test]
    fn a_token_has_its_time() {
        let until = |exp: &str| verify(&token(&format!(r#"{{"sub":"1","exp":{exp}}}"#))).err();
        assert_eq!(until("1799999941"), None);
        assert_eq!(until("1799999940"), Some(TokenError::Expired));
        assert_eq!(until("1800086460"), None);
        assert_eq!(until("1800086461"), Some(TokenError::TooLong));
        for odd in ["0", "-1", "-1e300"] {
            assert_eq!(until(odd), Some(TokenError::Expired), "{odd}");
        }
        assert_eq!(until("1e300"), Some(TokenError::TooLong));
        let early = token(r#"{"sub":"1","exp":1800000600,"nbf":1800000061}"#);
        assert_eq!(verify(&early), Err(TokenError::TooEarly));
    }
}
