//! Mail over SMTP.

mod letter;
mod settings;
mod words;

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use frontdesk_core::EmailAddress;
use lettre::message::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use crate::delivery::{Carrier, Failure};
use crate::notice::{Dashboard, Notice};
use crate::notices::StartError;
use settings::Encryption;
pub use settings::{InvalidSmtpUrl, MailSettings, SmtpUrl};

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);

/// How long the server may take to say goodbye. The mail is its by then.
const GOODBYE: Duration = Duration::from_secs(1);

/// Brings notices to one mailbox.
pub(crate) struct Mailer {
    server: SmtpUrl,
    tls: Option<TlsParameters>,
    from: EmailAddress,
    to: EmailAddress,
    hello: ClientId,
    dashboard: Dashboard,
    one_try: Duration,
    name: String,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mailer").field(&self.server).finish()
    }
}

/// How far a try has come, for whoever has to find out why it came no further.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Connecting,
    Encrypting,
    SigningIn,
    Sending,
}

impl Stage {
    const fn words(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Encrypting => "beginning encryption",
            Self::SigningIn => "signing in",
            Self::Sending => "handing over the mail",
        }
    }
}

impl Mailer {
    pub(crate) fn new(
        settings: &MailSettings,
        to: &EmailAddress,
        dashboard: &Dashboard,
        one_try: Duration,
    ) -> Result<Self, StartError> {
        let MailSettings { server, from, .. } = settings.clone();
        let tls = match server.encryption {
            Encryption::None => None,
            Encryption::FromTheStart | Encryption::StartTls => {
                let parameters = TlsParameters::new(server.host.clone());
                Some(parameters.map_err(|error| StartError::Mail(error.to_string()))?)
            }
        };
        // The sender's host: some servers want a name of the internet, and the machine's own often is none.
        let host = from.as_str().rsplit('@').next().unwrap_or_default();
        Ok(Self {
            tls,
            hello: ClientId::Domain(host.to_owned()),
            name: format!("mail to {to} through {server}"),
            server,
            from,
            to: to.clone(),
            dashboard: dashboard.clone(),
            one_try,
        })
    }

    /// Hands a mail over. The connection is given back, because the mail has arrived, whatever becomes of the goodbye.
    async fn hand_over(&self, letter: &Message, stage: &mut Stage) -> Result<AsyncSmtpConnection, Error> {
        let SmtpUrl { host, port, encryption, credentials } = &self.server;
        let (wrapped, starting) = match encryption {
            Encryption::FromTheStart => (self.tls.clone(), None),
            Encryption::StartTls => (None, self.tls.clone()),
            Encryption::None => (None, None),
        };
        let server = (host.as_str(), *port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECTING), &self.hello, wrapped, None).await?;
        if let Some(tls) = starting {
            *stage = Stage::Encrypting;
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(credentials) = credentials {
            *stage = Stage::SigningIn;
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        *stage = Stage::Sending;
        connection.send(letter.envelope(), &letter.formatted()).await?;
        Ok(connection)
    }
}

#[async_trait]
impl Carrier for Mailer {
    async fn carry(&self, notice: &Notice) -> Result<String, Failure> {
        let letter = letter::write(notice, &self.from, &self.to, &self.dashboard)
            .ok_or_else(|| Failure::lasting("no mail can be made of it"))?;
        let mut stage = Stage::Connecting;
        match timeout(self.one_try, self.hand_over(&letter, &mut stage)).await {
            Ok(Ok(mut connection)) => {
                // Who does not say goodbye in time has the mail all the same.
                let _ = timeout(GOODBYE, connection.quit()).await;
                Ok("taken by the mail server".to_owned())
            }
            Ok(Err(error)) => Err(failure(&error, stage)),
            Err(_) => Err(Failure::passing(format!("no answer in time while {}", stage.words()))),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// What an error means. The server's own words are left out but for its codes: they may repeat what it was sent.
fn failure(error: &Error, stage: Stage) -> Failure {
    let stage = stage.words();
    if let Some(code) = error.status() {
        let words = error.source().map(ToString::to_string).unwrap_or_default();
        let enhanced = enhanced_code(&words);
        let code = enhanced.map_or_else(|| code.to_string(), |enhanced| format!("{code} {enhanced}"));
        let why = format!("refused while {stage}: {code}");
        return if error.is_permanent() { Failure::lasting(why) } else { Failure::passing(why) };
    }
    if error.is_response() {
        return Failure::passing(format!("the server said something else than SMTP while {stage}"));
    }
    if error.is_client() {
        // The server offers no encryption, or no way to sign in that we know. It says so in its greeting.
        return Failure::lasting(format!("the server does not offer what is needed for {stage}"));
    }
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    Failure::passing(format!("the connection failed while {stage}: {source}"))
}

/// An enhanced status code (RFC 3463), such as 5.7.8, at the beginning of a server's words.
fn enhanced_code(words: &str) -> Option<&str> {
    let first = words.split_whitespace().next()?;
    let parts: Vec<_> = first.split('.').collect();
    let is_number =
        |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (parts.len() == 3 && parts.iter().all(is_number)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_servers_words_only_the_code_is_read() {
        for (words, code) in [
            ("5.7.8 Username and Password not accepted", Some("5.7.8")),
            ("4.2.0", Some("4.2.0")),
            ("secret.word.here", None),
            ("5.7 x", None),
            ("5.7.8.9 x", None),
            ("5.7.1234 x", None),
            ("", None),
        ] {
            assert_eq!(enhanced_code(words), code, "{words}");
        }
    }
}
