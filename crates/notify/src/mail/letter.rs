use std::time::{Duration, UNIX_EPOCH};

use frontdesk_core::{EmailAddress, PersonRequest, Timestamp, preview};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message};

use super::words::{one_line, quoted};
use crate::notice::{Dashboard, News, Notice, Summary};

/// The longest name of a visitor in a mail, in characters.
const NAME: usize = 60;

/// The longest address of a page in a mail, in characters.
const PAGE: usize = 300;

/// Writes the mail of a notice: plain text, and nothing of a visitor's in a header but one line of their name and an address
/// that has been checked. `None` if an address is none for SMTP, which [`EmailAddress`] rules out.
pub(super) fn write(
    notice: &Notice,
    from: &EmailAddress,
    to: &EmailAddress,
    dashboard: &Dashboard,
) -> Option<Message> {
    let (subject, text) = match &notice.news {
        News::Asked(request) => asked(request, dashboard),
        News::Summary(summary) => summarized(summary, dashboard),
        News::Test => {
            let text = "This is a test. Notices of visitors who ask for a person will arrive here.\n";
            ("Frontdesk can send mail".to_owned(), text.to_owned())
        }
    };
    let mut letter = Message::builder()
        .from(Mailbox::new(Some("Frontdesk".to_owned()), address(from)?))
        .to(Mailbox::new(None, address(to)?))
        .subject(subject)
        .date(UNIX_EPOCH + Duration::from_millis(u64::try_from(notice.created_at.millis()).unwrap_or(0)))
        // The same for each try, so that a mail that comes twice is known to be one.
        .message_id(Some(format!("<{}@{}>", notice.id, from.as_str().rsplit('@').next().unwrap_or_default())))
        .header(AutoSubmitted)
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN);
    if let News::Asked(PersonRequest { contact: Some(contact), .. }) = &notice.news {
        letter = letter.reply_to(Mailbox::new(None, address(contact)?));
    }
    letter.body(text).ok()
}

fn address(address: &EmailAddress) -> Option<lettre::Address> {
    address.as_str().parse().ok()
}

fn asked(request: &PersonRequest, dashboard: &Dashboard) -> (String, String) {
    let PersonRequest { conversation, visitor, message, contact, page, is_away, .. } = request;
    let name = name(visitor);
    let mut lines = vec![format!("{name} asks for a person.")];
    if *is_away {
        lines.push("They were told that nobody is there now.".to_owned());
    }
    if !message.trim().is_empty() {
        let beginning = preview(message);
        let rest = if beginning.len() < message.len() { " …" } else { "" };
        lines.push(format!("\nWhat they wrote last:\n\n{}{rest}", quoted(beginning)));
    }
    lines.push(String::new());
    if let Some(contact) = contact {
        lines.push(format!("E-mail: {contact} (an answer to this mail goes there)"));
    }
    if let Some(page) = page {
        lines.push(format!("Page, as their browser says: {}", one_line(page, PAGE)));
    }
    lines.push(format!("Conversation: {}\n", dashboard.place(*conversation)));
    (format!("{name} asks for a person"), lines.join("\n"))
}

fn summarized(summary: &Summary, dashboard: &Dashboard) -> (String, String) {
    let Summary { count, first } = summary;
    let (people, verb) = if *count == 1 { ("visitor", "asks") } else { ("visitors", "ask") };
    let subject = format!("{count} more {people} {verb} for a person");
    let mut lines = vec![format!("{subject}. So many asked within an hour that these come in one mail.\n")];
    lines.extend(first.iter().map(|request| {
        let contact = request.contact.as_ref().map(|contact| format!(", {contact}")).unwrap_or_default();
        let place = dashboard.place(request.conversation);
        format!("{} {}{contact}: {place}", time(request.at), name(&request.visitor))
    }));
    let unnamed = (*count as usize).saturating_sub(first.len());
    if unnamed > 0 {
        lines.push(format!("And {unnamed} more, in the dashboard."));
    }
    lines.push(String::new());
    (subject, lines.join("\n"))
}

fn name(visitor: &str) -> String {
    let name = one_line(visitor, NAME);
    if name.is_empty() { "A visitor".to_owned() } else { name }
}

/// The time of day.
fn time(at: Timestamp) -> String {
    let minutes = at.millis().div_euclid(60_000).rem_euclid(24 * 60);
    format!("{:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// So that nobody's out-of-office reply answers (RFC 3834, section 5).
#[derive(Clone, Debug)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
