use std::collections::HashMap;
use std::time::Duration;

use frontdesk_core::ConversationId;

/// How many conversations are remembered.
const MOST: usize = 10_000;

/// Of which conversations the team was told a moment ago, so that it is not told again.
#[derive(Debug)]
pub(crate) struct Quiet {
    span: Duration,
    told: HashMap<ConversationId, Told>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    at: Duration,
    has_contact: bool,
}

impl Quiet {
    /// Lets one notice of a conversation pass in this time.
    pub(crate) fn new(span: Duration) -> Self {
        Self { span, told: HashMap::new() }
    }

    /// Whether the team is to be told now, at a moment of the clock that never goes back. Once more if the visitor has left
    /// an address since: without it nobody could answer.
    pub(crate) fn lets_pass(
        &mut self,
        conversation: ConversationId,
        has_contact: bool,
        now: Duration,
    ) -> bool {
        let is_over = |told: &Told| now.saturating_sub(told.at) >= self.span;
        if let Some(told) = self.told.get_mut(&conversation) {
            if is_over(told) {
                *told = Told { at: now, has_contact };
                return true;
            }
            let is_news = has_contact && !told.has_contact;
            told.has_contact |= has_contact;
            return is_news;
        }
        if self.told.len() >= MOST {
            self.told.retain(|_, told| !is_over(told));
        }
        // Who is not remembered is told of again: the limits of each way to tell hold all the same.
        if self.told.len() < MOST {
            self.told.insert(conversation, Told { at: now, has_contact });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_mins(5);

    fn conversation(n: u16) -> ConversationId {
        let [high, low] = n.to_be_bytes();
        ConversationId::from_bytes([high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_conversation_is_told_of_once_in_five_minutes() {
        let mut quiet = Quiet::new(SPAN);
        assert!(quiet.lets_pass(conversation(1), false, at(0)));
        assert!(!quiet.lets_pass(conversation(1), false, at(1)));
        assert!(quiet.lets_pass(conversation(2), false, at(1)), "another one");
        assert!(!quiet.lets_pass(conversation(1), false, at(299)));
        assert!(quiet.lets_pass(conversation(1), false, at(300)));
        assert!(!quiet.lets_pass(conversation(1), false, at(301)));
    }

    #[test]
    fn an_address_that_is_left_afterwards_is_told_once() {
        let mut quiet = Quiet::new(SPAN);
        assert!(quiet.lets_pass(conversation(1), false, at(0)));
        assert!(quiet.lets_pass(conversation(1), true, at(10)));
        assert!(!quiet.lets_pass(conversation(1), true, at(20)));
        assert!(!quiet.lets_pass(conversation(1), false, at(30)));
    }

    #[test]
    fn it_remembers_a_bounded_number_and_forgets_what_is_over() {
        let mut quiet = Quiet::new(SPAN);
        for n in 0..12_000 {
            assert!(quiet.lets_pass(conversation(n), false, at(0)));
        }
        assert_eq!(quiet.told.len(), MOST);
        assert!(quiet.lets_pass(conversation(12_000), false, at(300)));
        assert_eq!(quiet.told.len(), 1);
    }
}
