use crate::{HistoryEntry, MessageStatus, Role};

/// What a model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// How it should behave; from the site's owner, never from a visitor.
    pub instructions: String,
    /// The conversation so far, ending with the message to answer.
    pub messages: Vec<PromptMessage>,
    /// The most tokens the answer may have.
    pub max_output_tokens: u32,
}

/// A message of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptMessage {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said.
    pub text: String,
}

/// Who says something in a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The visitor.
    User,
    /// The model itself, earlier.
    Assistant,
}

/// Follows a text that ended before its end, so that the model does not take it for a finished thought.
const CUT_OFF: &str = " [cut off]";

/// Makes a prompt from a conversation's latest messages, oldest first, the last being the one to answer.
///
/// A turn whose answer failed is left out with the message it failed on, because it never was a part of the talk; an
/// answer that ended early is marked as cut off.
pub fn build_prompt(instructions: &str, history: &[HistoryEntry], max_output_tokens: u32) -> Prompt {
    let mut messages: Vec<PromptMessage> = Vec::with_capacity(history.len());
    for entry in history {
        let speaker = match entry.role {
            Role::Visitor => Speaker::User,
            Role::Assistant => Speaker::Assistant,
        };
        let text = match entry.status {
            MessageStatus::Failed => {
                messages.pop_if(|last| last.speaker == Speaker::User);
                continue;
            }
            _ if entry.text.is_empty() => continue,
            MessageStatus::Stopped | MessageStatus::Interrupted => format!("{}{CUT_OFF}", entry.text),
            MessageStatus::Accepted | MessageStatus::Streaming | MessageStatus::Complete => {
                entry.text.clone()
            }
        };
        messages.push(PromptMessage { speaker, text });
    }
    Prompt { instructions: instructions.to_owned(), messages, max_output_tokens }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(role: Role, status: MessageStatus, text: &str) -> HistoryEntry {
        HistoryEntry { role, status, text: text.to_owned() }
    }

    fn texts(history: &[HistoryEntry]) -> Vec<String> {
        build_prompt("be kind", history, 10).messages.into_iter().map(|message| message.text).collect()
    }

    #[test]
    fn a_failed_turn_is_not_part_of_the_talk() {
        let history = [
            entry(Role::Visitor, MessageStatus::Accepted, "one"),
            entry(Role::Assistant, MessageStatus::Complete, "1"),
            entry(Role::Visitor, MessageStatus::Accepted, "two"),
            entry(Role::Assistant, MessageStatus::Failed, ""),
            entry(Role::Visitor, MessageStatus::Accepted, "three"),
        ];
        assert_eq!(texts(&history), ["one", "1", "three"]);
    }

    #[test]
    fn an_answer_that_ended_early_is_marked() {
        let history = [
            entry(Role::Visitor, MessageStatus::Accepted, "count"),
            entry(Role::Assistant, MessageStatus::Interrupted, "one, two"),
            entry(Role::Visitor, MessageStatus::Accepted, "go on"),
        ];
        assert_eq!(texts(&history), ["count", "one, two [cut off]", "go on"]);
    }

    #[test]
    fn an_answer_without_a_word_is_left_out() {
        let history = [
            entry(Role::Visitor, MessageStatus::Accepted, "hello"),
            entry(Role::Assistant, MessageStatus::Interrupted, ""),
            entry(Role::Visitor, MessageStatus::Accepted, "are you there?"),
        ];
        assert_eq!(texts(&history), ["hello", "are you there?"]);
    }

    #[test]
    fn a_window_that_begins_with_a_failed_answer_keeps_the_rest() {
        let history = [
            entry(Role::Assistant, MessageStatus::Failed, ""),
            entry(Role::Visitor, MessageStatus::Accepted, "hello"),
        ];
        assert_eq!(texts(&history), ["hello"]);
    }
}
