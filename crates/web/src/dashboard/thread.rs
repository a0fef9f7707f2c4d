//! A conversation, as a page shows it.

use frontdesk_core::{
    AnswerFacts, CannedReply, ConversationStatus, ConversationSummary, Drafts, EventKind, FeedCursor,
    Feedback, FinishReason, Message, MessageStatus, ModelUsage, OperatorName, Prices, Rating, Role, Thread,
    Timestamp, TurnFailure, VisitorIdentity,
};

use super::address::Address;
use super::moment::Moment;
use super::pseudonym::{Pseudonym, initials};
use super::{browser, markdown};
use crate::transcript::reason_in_words;

/// A conversation with a page of its messages.
pub(super) struct ThreadView {
    pub(super) id: String,
    pub(super) session: String,
    pub(super) visitor: Pseudonym,
    /// Who the visitor is, as the site says.
    pub(super) identity: Option<VisitorIdentity>,
    pub(super) has_secret: bool,
    pub(super) message_count: u32,
    pub(super) began: Moment,
    pub(super) entries: Vec<Entry>,
    /// Where the messages before these begin.
    pub(super) older: Option<u32>,
    /// What these messages come before, if they are not the newest.
    pub(super) before: Option<u32>,
    /// Where the conversation's feed goes on after these messages; empty if they are not the newest.
    pub(super) feed_cursor: String,
    /// Whether the AI writes an answer just now.
    pub(super) is_writing: bool,
    pub(super) mode: Mode,
    pub(super) status: ConversationStatus,
    pub(super) assignee: String,
    pub(super) tags: Vec<String>,
    pub(super) contact: Option<String>,
    pub(super) page: Option<Address>,
    pub(super) referrer: Option<Address>,
    pub(super) browser: Option<String>,
    pub(super) language: Option<String>,
    pub(super) usage: UsageView,
    pub(super) around: Around,
}

/// What a page knows of a conversation that is not in it.
pub(super) struct Around {
    pub(super) now: Timestamp,
    pub(super) details: Details,
    /// Which page of the messages it is.
    pub(super) before: Option<u32>,
    /// Who looks at it.
    pub(super) operator: OperatorName,
    /// Who there is.
    pub(super) operators: Vec<String>,
    /// Whether the visitor's chat is open.
    pub(super) is_present: bool,
    /// Other conversations of the visitor.
    pub(super) earlier: Vec<Earlier>,
    pub(super) canned: Vec<CannedReply>,
    /// Why something was not done.
    pub(super) notice: Option<String>,
    /// What was written and not sent.
    pub(super) drafts: DraftsView,
    /// Whether it was to be sent just now.
    pub(super) is_unsent: bool,
    pub(super) compose: Compose,
    /// Names what the form will send.
    pub(super) key: String,
}

/// What is in the two fields.
pub(super) struct DraftsView {
    pub(super) reply: DraftView,
    pub(super) note: DraftView,
}

/// What is in a field.
pub(super) struct DraftView {
    pub(super) text: String,
    /// Whether it is there again when the page is read again.
    pub(super) is_kept: bool,
}

impl From<Drafts> for DraftsView {
    fn from(Drafts { reply, note }: Drafts) -> Self {
        let view =
            |text: Option<String>| DraftView { is_kept: text.is_some(), text: text.unwrap_or_default() };
        Self { reply: view(reply), note: view(note) }
    }
}

/// Another conversation of a visitor.
pub(super) struct Earlier {
    pub(super) id: String,
    pub(super) said: String,
    pub(super) at: Moment,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The AI.
    Ai,
    /// Who looks at it.
    You,
    /// Another operator, since then.
    Other(String, Moment),
    /// Nobody, until the visitor writes again.
    Closed,
}

impl Mode {
    fn of(conversation: &ConversationSummary, operator: &OperatorName) -> Self {
        match &conversation.state.answering {
            Some(answering) if answering.operator == *operator => Self::You,
            Some(answering) => {
                Self::Other(answering.operator.as_str().to_owned(), Moment::clock(answering.since))
            }
            None if conversation.state.status == ConversationStatus::Closed => Self::Closed,
            None => Self::Ai,
        }
    }

    /// For the script, which exchanges the forms when it becomes another one.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Ai => "ai",
            Self::You => "you",
            Self::Other(..) => "other",
            Self::Closed => "closed",
        }
    }
}

/// Which of the two forms lies open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compose {
    Reply,
    Note,
}

/// Whether the details lie open on screens that have no column for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Details {
    Open,
    Closed,
}

/// A message, or the heading of a day.
pub(super) struct Entry {
    /// The day, if it is another one than before.
    pub(super) day: Option<Moment>,
    pub(super) kind: EntryKind,
    /// The message, if it is an answer that is being written.
    pub(super) writing: Option<String>,
    /// An answer that has ended as markup, everything else as it is; of an event what happened.
    pub(super) text: String,
    pub(super) is_silent: bool,
    pub(super) at: Moment,
    /// What is known of an answer, in words.
    pub(super) facts: Vec<String>,
    /// What went wrong with an answer, in words.
    pub(super) trouble: Option<String>,
    pub(super) rating: Option<RatingView>,
}

/// Whose words they are.
pub(super) enum EntryKind {
    Visitor,
    Answer,
    Operator(Author),
    Note(Author),
    Event,
}

/// An operator who wrote something.
pub(super) struct Author {
    pub(super) name: String,
    pub(super) initials: String,
    /// One of the six colours of avatars.
    pub(super) colour: u8,
    /// Whether they are who looks at it.
    pub(super) is_you: bool,
}

impl Author {
    fn new(name: Option<OperatorName>, you: &OperatorName) -> Self {
        let name = name.unwrap_or_default();
        let sum: u32 = name.as_str().chars().map(u32::from).fold(0, u32::wrapping_add);
        Self {
            initials: initials(name.as_str()),
            colour: u8::try_from(sum % 6).unwrap_or(0),
            is_you: name == *you,
            name: name.as_str().to_owned(),
        }
    }
}

/// What the visitor says of an answer.
pub(super) struct RatingView {
    pub(super) is_up: bool,
    pub(super) words: String,
    pub(super) comment: Option<String>,
}

impl From<Feedback> for RatingView {
    fn from(feedback: Feedback) -> Self {
        let is_up = feedback.rating == Rating::Up;
        let rated = if is_up { "Rated up" } else { "Rated down" };
        let reason = feedback.reason.map(|reason| format!(": {}", reason_in_words(reason)));
        Self { is_up, words: rated.to_owned() + &reason.unwrap_or_default(), comment: feedback.comment }
    }
}

/// What the answers cost together, and how fast those on the page were.
pub(super) struct UsageView {
    pub(super) tokens: Option<String>,
    /// In money, if every model that answered has a price.
    pub(super) cost: Option<String>,
    pub(super) first_word: Option<String>,
    pub(super) models: String,
    /// How the visitor rated them.
    pub(super) ratings: Option<String>,
}

impl ThreadView {
    pub(super) fn new(thread: Thread, around: Around, usage: &[ModelUsage], prices: &Prices) -> Self {
        let feed_cursor =
            around.before.map_or_else(|| FeedCursor::after(&thread).to_string(), |_| String::new());
        let Thread { conversation, messages, has_older } = thread;
        let usage = UsageView::new(&messages, usage, prices);
        let is_writing = messages.iter().any(|message| message.status == MessageStatus::Streaming);
        let older = messages.first().filter(|_| has_older).map(|oldest| oldest.seq);
        let mut last_day = None;
        let mut entries = Vec::with_capacity(messages.len());
        for message in messages {
            let day = Moment::day(message.created_at, around.now);
            let is_new = last_day.as_ref() != Some(&day.text);
            last_day = Some(day.text.clone());
            entries.push(Entry::new(message, is_new.then_some(day), &around.operator, prices));
        }
        let mode = Mode::of(&conversation, &around.operator);
        let ConversationSummary { visit, state, .. } = conversation;
        Self {
            id: conversation.id.to_string(),
            visitor: Pseudonym::of(&conversation.session, conversation.identity.as_ref()),
            identity: conversation.identity,
            session: conversation.session.as_str().to_owned(),
            has_secret: conversation.has_secret,
            message_count: conversation.message_count,
            began: Moment::date(conversation.created_at),
            entries,
            older,
            before: around.before,
            feed_cursor,
            is_writing,
            mode,
            status: state.status,
            assignee: state.assignee.map(|name| name.as_str().to_owned()).unwrap_or_default(),
            tags: state.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
            contact: state.contact.map(|contact| contact.as_str().to_owned()),
            page: visit.page.as_deref().map(Address::new),
            referrer: visit.referrer.as_deref().map(Address::new),
            browser: visit.user_agent.as_deref().map(browser::readable),
            language: visit.language.as_deref().map(first_language),
            usage,
            around,
        }
    }

    /// Which form lies open: `reply`, `note` or `none`. A reply that was not sent is not taken out of sight.
    pub(super) fn open_form(&self) -> &'static str {
        match self.around.compose {
            Compose::Note => "note",
            Compose::Reply if self.can_reply() => "reply",
            Compose::Reply => "none",
        }
    }

    /// Whether there is a form for a reply.
    pub(super) fn can_reply(&self) -> bool {
        let is_unsent = self.around.compose == Compose::Reply && self.around.is_unsent;
        self.mode == Mode::You || is_unsent
    }

    /// Who can be assigned, and whether they are: who there is, and whoever is.
    pub(super) fn assignable(&self) -> Vec<(&str, bool)> {
        let mut names: Vec<_> = self.around.operators.iter().map(String::as_str).collect();
        if !self.assignee.is_empty() && !names.contains(&self.assignee.as_str()) {
            names.push(&self.assignee);
        }
        names.into_iter().map(|name| (name, name == self.assignee)).collect()
    }
}

/// The language that a visitor likes best, of a list as browsers send it.
fn first_language(list: &str) -> String {
    list.split([',', ';']).next().unwrap_or_default().trim().to_owned()
}

/// What happened, for operators.
fn event_in_words(event: &str, author: Option<&OperatorName>, you: &OperatorName) -> String {
    let is_you = author == Some(you);
    let who = match author {
        _ if is_you => "You",
        Some(author) => author.as_str(),
        None => "Somebody",
    };
    match EventKind::parse(event) {
        Some(EventKind::Joined) => format!("{who} took over. The AI is paused."),
        Some(EventKind::Left) => format!("{who} handed back. The AI answers again."),
        Some(EventKind::Asked) => "The visitor asked for a person.".to_owned(),
        Some(EventKind::Away) => {
            "The visitor asked for a person and was told that the team is away.".to_owned()
        }
        Some(EventKind::Closed) => format!("{who} closed the conversation."),
        Some(EventKind::Reopened) => match author {
            Some(_) => format!("{who} opened the conversation again."),
            None => "The conversation was opened again.".to_owned(),
        },
        None => "Something happened.".to_owned(),
    }
}

impl Entry {
    fn new(message: Message, day: Option<Moment>, you: &OperatorName, prices: &Prices) -> Self {
        let is_silent = message.text.trim().is_empty();
        let writing = (message.status == MessageStatus::Streaming).then(|| message.id.to_string());
        let (kind, text) = match message.role {
            Role::Visitor => (EntryKind::Visitor, message.text),
            Role::Assistant if writing.is_some() => (EntryKind::Answer, message.text),
            Role::Assistant => (EntryKind::Answer, markdown::render(&message.text)),
            Role::Operator => (EntryKind::Operator(Author::new(message.author, you)), message.text),
            Role::Note => (EntryKind::Note(Author::new(message.author, you)), message.text),
            Role::Event => (EntryKind::Event, event_in_words(&message.text, message.author.as_ref(), you)),
        };
        Self {
            day,
            kind,
            writing,
            text,
            is_silent,
            at: Moment::clock(message.created_at),
            facts: facts(&message.facts, prices),
            trouble: trouble(message.status, &message.facts),
            rating: message.feedback.map(RatingView::from),
        }
    }
}

impl UsageView {
    fn new(messages: &[Message], usage: &[ModelUsage], prices: &Prices) -> Self {
        let input = grouped(usage.iter().map(|model| model.input_tokens).sum());
        let output = grouped(usage.iter().map(|model| model.output_tokens).sum());
        let mut firsts: Vec<_> =
            messages.iter().filter_map(|message| message.facts.first_token_millis).collect();
        firsts.sort_unstable();
        let mut models: Vec<_> =
            messages.iter().filter_map(|message| message.facts.model.as_deref()).collect();
        models.sort_unstable();
        models.dedup();
        let rated = |rating| {
            let of = |message: &&Message| message.feedback.as_ref().map(|it| it.rating) == Some(rating);
            messages.iter().filter(of).count()
        };
        let (up, down) = (rated(Rating::Up), rated(Rating::Down));
        Self {
            cost: prices.of_usage(usage).map(|cost| cost.to_string()),
            tokens: (!usage.is_empty()).then(|| format!("{input} in, {output} out")),
            first_word: firsts.get(firsts.len() / 2).map(|millis| format!("{} median", seconds(*millis))),
            models: models.join(", "),
            ratings: (up + down > 0).then(|| format!("{up} up, {down} down")),
        }
    }
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn facts(facts: &AnswerFacts, prices: &Prices) -> Vec<String> {
    let first_word = facts.first_token_millis.map(|millis| format!("{} to first word", seconds(millis)));
    let tokens = facts.usage.map(|usage| format!("{} tokens", grouped(usage.output_tokens.into())));
    let cost = prices.of_answer(facts).map(|cost| cost.to_string());
    facts.model.clone().into_iter().chain(tokens).chain(cost).chain(first_word).collect()
}

fn seconds(millis: u32) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

fn trouble(status: MessageStatus, facts: &AnswerFacts) -> Option<String> {
    let why = match (facts.failure, facts.finish) {
        (Some(failure), _) => reason(failure),
        (None, Some(FinishReason::Length)) => "the limit of tokens was reached",
        (None, Some(FinishReason::ContentFilter)) => "a content filter cut it off",
        (None, _) => "",
    };
    match status {
        MessageStatus::Accepted | MessageStatus::Streaming | MessageStatus::Complete => None,
        MessageStatus::Stopped => Some("Stopped by the visitor".to_owned()),
        MessageStatus::Interrupted => Some(format!("Incomplete: {why}")),
        MessageStatus::Failed => Some(format!("No answer: {why}")),
    }
}

/// What happened, for operators.
const fn reason(failure: TurnFailure) -> &'static str {
    match failure {
        TurnFailure::Upstream => "the model’s server failed",
        TurnFailure::UpstreamTimeout => "the model’s server took too long",
        TurnFailure::UpstreamBusy => "the model’s server is over its limit",
        TurnFailure::UpstreamMisconfigured => "the model’s server refused the key, the model or the request",
        TurnFailure::UpstreamInterrupted => "the model’s stream broke off",
        TurnFailure::EmptyAnswer => "the model said nothing",
        TurnFailure::ContentFiltered => "a content filter left nothing of it",
        TurnFailure::AnswerTooLarge => "it grew past the limit of size",
        TurnFailure::ShuttingDown => "the server was shut down",
        TurnFailure::Restarted => "the server ended without warning",
        TurnFailure::Storage => "the database could not be written to",
        TurnFailure::Internal => "a defect of the server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_said_in_words() {
        let facts = |failure, finish| AnswerFacts { failure, finish, ..AnswerFacts::default() };
        let say = |status, failure, finish| trouble(status, &facts(failure, finish)).unwrap_or_default();
        insta::assert_snapshot!(
            say(MessageStatus::Failed, Some(TurnFailure::UpstreamTimeout), None),
            @"No answer: the model’s server took too long"
        );
        insta::assert_snapshot!(
            say(MessageStatus::Interrupted, None, Some(FinishReason::Length)),
            @"Incomplete: the limit of tokens was reached"
        );
        assert_eq!(say(MessageStatus::Complete, None, Some(FinishReason::Stop)), "");
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (4218, "4,218"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn times_are_told_in_tenths_of_a_second() {
        for (millis, text) in [(0, "0.0 s"), (640, "0.6 s"), (12_345, "12.3 s")] {
            assert_eq!(seconds(millis), text);
        }
    }
}
