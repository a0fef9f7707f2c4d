//! Telling the team, outside the dashboard, that a visitor asks for a person.
//!
//! [`Notices`] is the real end of the port [`Notifier`](frontdesk_core::Notifier): a signed webhook, mail over SMTP, both or
//! neither. What is told is queued, tried again while that may help, and given up after a while with a line in the log. The
//! log never has what visitors write, who they are, or a secret of the settings.

mod burst;
mod delivery;
mod mail;
mod notice;
mod notices;
mod quiet;
mod webhook;

pub use mail::{InvalidSmtpUrl, MailSettings, SmtpUrl};
pub use notices::{Notices, NotifySettings, StartError, Timing, Tried};
pub use webhook::{InvalidWebhookSecret, InvalidWebhookUrl, WebhookSecrets, WebhookSettings, WebhookUrl};
