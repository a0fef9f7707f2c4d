//! How the team is told of visitors who ask for a person.

use frontdesk_core::EmailAddress;
use frontdesk_notify::{
    MailSettings, NotifySettings, SmtpUrl, Timing, WebhookSecrets, WebhookSettings, WebhookUrl,
};

use super::{ConfigError, Reader};

/// How many people may get the mail.
const MOST_RECIPIENTS: usize = 20;

impl Reader<'_> {
    /// The ways to tell the team; none is required.
    pub(super) fn notify(&self) -> Result<NotifySettings, ConfigError> {
        Ok(NotifySettings {
            webhook: self.webhook()?,
            mail: self.mail()?,
            dashboard_url: self.address("DASHBOARD_URL")?,
            timing: Timing::default(),
        })
    }

    fn webhook(&self) -> Result<Option<WebhookSettings>, ConfigError> {
        const SECRET: &str = "NOTIFY_WEBHOOK_SECRET";
        let Some(url) = self.text("NOTIFY_WEBHOOK_URL") else { return Ok(None) };
        let url =
            WebhookUrl::parse(&url).map_err(|rule| self.wrong("NOTIFY_WEBHOOK_URL", rule.to_string()))?;
        let Some(secret) = self.text(SECRET) else {
            return Err(self.wrong(SECRET, "is required with NOTIFY_WEBHOOK_URL"));
        };
        let secrets = WebhookSecrets::parse(&secret).map_err(|rule| self.wrong(SECRET, rule.to_string()))?;
        Ok(Some(WebhookSettings { url, secrets }))
    }

    fn mail(&self) -> Result<Option<MailSettings>, ConfigError> {
        let Some(url) = self.text("SMTP_URL") else { return Ok(None) };
        let server = SmtpUrl::parse(&url).map_err(|rule| self.wrong("SMTP_URL", rule.to_string()))?;
        let from = self.mail_addresses("NOTIFY_MAIL_FROM", 1)?;
        let to = self.mail_addresses("NOTIFY_MAIL_TO", MOST_RECIPIENTS)?;
        Ok(from.into_iter().next().map(|from| MailSettings { server, from, to }))
    }

    /// One address or more, up to so many.
    fn mail_addresses(&self, name: &'static str, most: usize) -> Result<Vec<EmailAddress>, ConfigError> {
        let text = self.text(name).unwrap_or_default();
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let invalid = |rule: frontdesk_core::InvalidEmailAddress| self.wrong(name, rule.to_string());
        let addresses: Vec<_> =
            entries.map(|entry| EmailAddress::parse(entry).map_err(invalid)).collect::<Result<_, _>>()?;
        match addresses.len() {
            0 => Err(self.wrong(name, "is required with SMTP_URL")),
            count if count > most => Err(self.wrong(name, format!("must be at most {most}"))),
            _ => Ok(addresses),
        }
    }
}
