use std::fmt;

use frontdesk_core::{EmailAddress, is_near};
use lettre::transport::smtp::authentication::Credentials;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use thiserror::Error;

/// Who is told by mail, and how mail is sent.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The server that takes it.
    pub server: SmtpUrl,
    /// The sender.
    pub from: EmailAddress,
    /// Who gets it, each by themselves.
    pub to: Vec<EmailAddress>,
}

/// A mail server, and how to sign in there. Shows itself without name and password.
#[derive(Clone)]
pub struct SmtpUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) credentials: Option<Credentials>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// The connection begins with TLS (RFC 8314).
    FromTheStart,
    /// TLS is begun before anything is sent, or nothing is (RFC 3207).
    StartTls,
    /// None.
    None,
}

/// The text is not a [`SmtpUrl`]. Says what is right, and nothing of the text: there may be a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidSmtpUrl {
    /// It is no such address.
    #[error(
        "must be smtps://user:password@mail.example:465, or smtp://user:password@mail.example:587 with STARTTLS; special characters of a password are percent-encoded"
    )]
    Unknown,
    /// It asks for what is not encrypted, and is not near by.
    #[error("must not say tls=none unless the mail server is of this machine or a private network")]
    Plain,
    /// A password would be sent in the open over a network.
    #[error("must not say tls=none beside a password unless the mail server is of this machine")]
    OpenPassword,
}

impl SmtpUrl {
    /// Reads an address: `smtps://` with TLS from the start, or `smtp://` with STARTTLS, which has to succeed, in either case with
    /// a certificate that is right. `smtp://…?tls=none` is without encryption; only for hosts of this machine or of a private
    /// network, and with a password only for this machine.
    pub fn parse(text: &str) -> Result<Self, InvalidSmtpUrl> {
        let url = Url::parse(text).map_err(|_| InvalidSmtpUrl::Unknown)?;
        let encryption = match (url.scheme(), url.query()) {
            ("smtps", None) => Encryption::FromTheStart,
            ("smtp", None | Some("tls=required")) => Encryption::StartTls,
            ("smtp", Some("tls=none")) => Encryption::None,
            _ => return Err(InvalidSmtpUrl::Unknown),
        };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_host = !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:_".contains(&byte));
        if !is_host || !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(InvalidSmtpUrl::Unknown);
        }
        let credentials = credentials(&url)?;
        if encryption == Encryption::None {
            if !is_near(&host) {
                return Err(InvalidSmtpUrl::Plain);
            }
            if credentials.is_some() && !is_this_machine(&host) {
                return Err(InvalidSmtpUrl::OpenPassword);
            }
        }
        let port = url.port().unwrap_or(match encryption {
            Encryption::FromTheStart => 465,
            Encryption::StartTls => 587,
            Encryption::None => 25,
        });
        Ok(Self { host, port, encryption, credentials })
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Both or none.
fn credentials(url: &Url) -> Result<Option<Credentials>, InvalidSmtpUrl> {
    let decode = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?.into_owned();
        (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, password) => {
            let user = decode(user).ok_or(InvalidSmtpUrl::Unknown)?;
            let password = password.and_then(decode).ok_or(InvalidSmtpUrl::Unknown)?;
            Ok(Some(Credentials::new(user, password)))
        }
    }
}

impl fmt::Display for SmtpUrl {
    /// Without name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, encryption, .. } = self;
        let scheme = if *encryption == Encryption::FromTheStart { "smtps" } else { "smtp" };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let query = if *encryption == Encryption::None { "?tls=none" } else { "" };
        write!(f, "{scheme}://{host}:{port}{query}")
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_shown_without_its_password() {
        for (text, shown) in [
            ("smtps://canary:canary@mail.example", "smtps://mail.example:465"),
            ("smtps://canary%40shop.example:can%2Fary@mail.example:4465/", "smtps://mail.example:4465"),
            ("smtp://canary:canary@mail.example", "smtp://mail.example:587"),
            ("smtp://canary:canary@mail.example:2525?tls=required", "smtp://mail.example:2525"),
            ("smtp://mail.example", "smtp://mail.example:587"),
            ("smtp://mailpit:1025?tls=none", "smtp://mailpit:1025?tls=none"),
            ("smtp://canary:canary@127.0.0.1?tls=none", "smtp://127.0.0.1:25?tls=none"),
            ("smtp://[::1]:2525?tls=none", "smtp://[::1]:2525?tls=none"),
        ] {
            let url = SmtpUrl::parse(text).unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }

    #[test]
    fn what_would_be_read_by_others_is_refused() {
        for text in ["smtp://mail.example?tls=none", "smtp://203.0.113.1?tls=none"] {
            assert_eq!(SmtpUrl::parse(text).unwrap_err(), InvalidSmtpUrl::Plain, "{text}");
        }
        for text in ["smtp://u:p@mailpit?tls=none", "smtp://u:p@10.0.0.1?tls=none"] {
            assert_eq!(SmtpUrl::parse(text).unwrap_err(), InvalidSmtpUrl::OpenPassword, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "",
            "mail.example",
            "https://mail.example",
            "smtps://",
            "smtps://mail.example/ehlo",
            "smtps://mail.example#x",
            "smtps://mail.example?tls=none",
            "smtp://mail.example?tls=opportunistic",
            "smtp://mail.example?tls=required&x=1",
            "smtps://user@mail.example",
            "smtps://:password@mail.example",
            "smtps://us%0Aer:password@mail.example",
            "smtps://user:pass%00word@mail.example",
            "smtps://user:%FF@mail.example",
            "smtps://mail%20.example",
        ] {
            assert_eq!(SmtpUrl::parse(text).unwrap_err(), InvalidSmtpUrl::Unknown, "{text}");
        }
    }
}
