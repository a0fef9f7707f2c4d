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

/// About how many tokens a message of a prompt costs: a token for three bytes of UTF-8, and four around each message.
///
/// Every model counts otherwise, and the tokenizer of one would be wrong for the others. English has about four
/// characters to a token by OpenAI's rule of thumb, so this errs on the safe side. A small model that was trained on
/// English alone (`SmolLM2`, measured) needs fewer than this for English, about as many for German and Markdown, and
/// about twice as many for Chinese, Arabic and long numbers.
fn estimate_tokens(message: &PromptMessage) -> usize {
    message.text.len().div_ceil(3) + 4
}

/// Leaves out the oldest turns until the rest fits into so many tokens. The message to answer always stays.
fn fit(messages: &mut Vec<PromptMessage>, max_tokens: u32) {
    let mut left = usize::try_from(max_tokens).unwrap_or(usize::MAX);
    let fits = messages.iter().rev().take_while(|message| {
        let cost = estimate_tokens(message);
        let is_room = cost <= left;
        left = left.saturating_sub(cost);
        is_room
    });
    let mut cut = (messages.len() - fits.count()).min(messages.len().saturating_sub(1));
    // An answer says little without its question.
    if cut > 0 && messages[cut].speaker == Speaker::Assistant {
        cut += 1;
    }
    messages.drain(..cut);
}

/// How much of a conversation a model reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct PromptLimits {
    /// About how many tokens of the conversation it reads at most.
    pub max_history_tokens: u32,
    /// How many tokens its answer may have.
    pub max_output_tokens: u32,
}

/// Makes a prompt from a conversation's latest messages, oldest first, the last being the one to answer.
///
/// A turn whose answer failed is left out with the message it failed on, because it never was a part of the talk; an
/// answer that ended early is marked as cut off, and what an operator said as theirs. Notes are for the team alone.
pub fn build_prompt(instructions: &str, history: &[HistoryEntry], limits: PromptLimits) -> Prompt {
    let mut messages: Vec<PromptMessage> = Vec::with_capacity(history.len());
    for entry in history {
        let speaker = match entry.role {
            Role::Visitor => Speaker::User,
            Role::Assistant | Role::Operator => Speaker::Assistant,
            Role::Event | Role::Note => continue,
        };
        let text = match entry.status {
            MessageStatus::Failed => {
                messages.pop_if(|last| last.speaker == Speaker::User);
                continue;
            }
            _ if entry.text.is_empty() => continue,
            MessageStatus::Stopped | MessageStatus::Interrupted => format!("{}{CUT_OFF}", entry.text),
            MessageStatus::Accepted | MessageStatus::Streaming | MessageStatus::Complete => {
                match &entry.author {
                    Some(operator) => format!("[{operator}, a person of the team] {}", entry.text),
                    None => entry.text.clone(),
                }
            }
        };
        messages.push(PromptMessage { speaker, text });
    }
    fit(&mut messages, limits.max_history_tokens);
    Prompt { instructions: instructions.to_owned(), messages, max_output_tokens: limits.max_output_tokens }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OperatorName;

    fn entry(role: Role, status: MessageStatus, text: &str) -> HistoryEntry {
        HistoryEntry { role, author: None, status, text: text.to_owned() }
    }

    fn texts(history: &[HistoryEntry]) -> Vec<String> {
        texts_within(u32::MAX, history)
    }

    fn texts_within(max_history_tokens: u32, history: &[HistoryEntry]) -> Vec<String> {
        let limits = PromptLimits { max_history_tokens, max_output_tokens: 10 };
        build_prompt("be kind", history, limits).messages.into_iter().map(|message| message.text).collect()
    }

    #[test]
    fn the_oldest_turns_are_left_out_until_the_rest_fits() {
        let history = [
            entry(Role::Visitor, MessageStatus::Accepted, "one"),
            entry(Role::Assistant, MessageStatus::Complete, "1, and much more of it"),
            entry(Role::Visitor, MessageStatus::Accepted, "two"),
            entry(Role::Assistant, MessageStatus::Complete, "2"),
            entry(Role::Visitor, MessageStatus::Accepted, "three"),
        ];
        // Five tokens each, but the long answer twelve and the last question six.
        let all = ["one", "1, and much more of it", "two", "2", "three"];
        for (tokens, kept) in [(33, 5), (32, 3), (28, 3), (16, 3), (15, 1), (11, 1), (6, 1), (0, 1)] {
            assert_eq!(texts_within(tokens, &history), all[5 - kept..], "{tokens}");
        }
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
    fn what_an_operator_said_is_told_to_the_model_and_notes_are_not() {
        let author = OperatorName::parse("Maya").ok();
        let of_operator = |role, text| HistoryEntry {
            author: author.clone(),
            ..entry(role, MessageStatus::Accepted, text)
        };
        let history = [
            entry(Role::Visitor, MessageStatus::Accepted, "hello"),
            of_operator(Role::Event, "joined"),
            of_operator(Role::Operator, "Hi"),
            of_operator(Role::Note, "a difficult one"),
            entry(Role::Visitor, MessageStatus::Accepted, "bye"),
        ];
        assert_eq!(texts(&history), ["hello", "[Maya, a person of the team] Hi", "bye"]);
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
