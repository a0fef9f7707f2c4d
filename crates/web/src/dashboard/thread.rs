//! A conversation, as a page shows it.

use frontdesk_core::{
    AnswerFacts, FeedCursor, Feedback, FinishReason, Message, MessageStatus, Rating, Role, Thread, Timestamp,
    TurnFailure, VisitorIdentity,
};

use super::markdown;
use super::moment::Moment;
use super::pseudonym::Pseudonym;
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
    pub(super) is_answering: bool,
    pub(super) usage: UsageView,
    pub(super) details: Details,
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
    pub(super) from_visitor: bool,
    /// The message, if it is an answer that is being written.
    pub(super) writing: Option<String>,
    /// A visitor's message and an answer that is being written, as they are; an answer that has ended, as markup.
    pub(super) text: String,
    pub(super) is_silent: bool,
    pub(super) at: Moment,
    /// What is known of an answer, in words.
    pub(super) facts: Vec<String>,
    /// What went wrong with an answer, in words.
    pub(super) trouble: Option<String>,
    pub(super) rating: Option<RatingView>,
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

/// What the answers on the page cost together.
pub(super) struct UsageView {
    pub(super) tokens: Option<String>,
    pub(super) first_word: Option<String>,
    pub(super) models: String,
}

impl ThreadView {
    pub(super) fn new(thread: Thread, now: Timestamp, details: Details, before: Option<u32>) -> Self {
        let feed_cursor = before.map_or_else(|| FeedCursor::after(&thread).to_string(), |_| String::new());
        let Thread { conversation, messages, has_older } = thread;
        let usage = UsageView::new(&messages);
        let is_answering = messages.iter().any(|message| message.status == MessageStatus::Streaming);
        let older = messages.first().filter(|_| has_older).map(|oldest| oldest.seq);
        let mut last_day = None;
        let mut entries = Vec::with_capacity(messages.len());
        for message in messages {
            let day = Moment::day(message.created_at, now);
            let is_new = last_day.as_ref() != Some(&day.text);
            last_day = Some(day.text.clone());
            entries.push(Entry::new(message, is_new.then_some(day)));
        }
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
            before,
            feed_cursor,
            is_answering,
            usage,
            details,
        }
    }
}

impl Entry {
    fn new(message: Message, day: Option<Moment>) -> Self {
        let from_visitor = message.role == Role::Visitor;
        let is_silent = message.text.trim().is_empty();
        let writing = (message.status == MessageStatus::Streaming).then(|| message.id.to_string());
        let is_plain = from_visitor || writing.is_some();
        Self {
            day,
            from_visitor,
            writing,
            text: if is_plain { message.text } else { markdown::render(&message.text) },
            is_silent,
            at: Moment::clock(message.created_at),
            facts: facts(&message.facts),
            trouble: trouble(message.status, &message.facts),
            rating: message.feedback.map(RatingView::from),
        }
    }
}

impl UsageView {
    fn new(messages: &[Message]) -> Self {
        let usages: Vec<_> = messages.iter().filter_map(|message| message.facts.usage).collect();
        let input: u64 = usages.iter().map(|usage| u64::from(usage.input_tokens)).sum();
        let output: u64 = usages.iter().map(|usage| u64::from(usage.output_tokens)).sum();
        let mut firsts: Vec<_> =
            messages.iter().filter_map(|message| message.facts.first_token_millis).collect();
        firsts.sort_unstable();
        let mut models: Vec<_> =
            messages.iter().filter_map(|message| message.facts.model.as_deref()).collect();
        models.sort_unstable();
        models.dedup();
        Self {
            tokens: (!usages.is_empty()).then(|| format!("{input} in, {output} out")),
            first_word: firsts.get(firsts.len() / 2).map(|millis| format!("{} median", seconds(*millis))),
            models: models.join(", "),
        }
    }
}

fn facts(facts: &AnswerFacts) -> Vec<String> {
    let first_word = facts.first_token_millis.map(|millis| format!("{} to first word", seconds(millis)));
    let tokens = facts.usage.map(|usage| format!("{} tokens", usage.output_tokens));
    first_word.into_iter().chain(tokens).collect()
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
    fn times_are_told_in_tenths_of_a_second() {
        for (millis, text) in [(0, "0.0 s"), (640, "0.6 s"), (12_345, "12.3 s")] {
            assert_eq!(seconds(millis), text);
        }
    }
}
