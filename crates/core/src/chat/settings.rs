use std::time::Duration;

use crate::PromptLimits;

/// How turns are run.
#[derive(Clone, Debug)]
pub struct ChatSettings {
    /// What the assistant is told about itself before every conversation.
    pub instructions: String,
    /// How many messages of a conversation the model reads at most.
    pub max_history_messages: u32,
    /// About how many tokens of them it reads at most: see [`build_prompt`](crate::build_prompt).
    pub max_history_tokens: u32,
    /// How old a message may be that the model reads in a session without a secret. Bounds what somebody who guesses
    /// the id of such a session can have repeated to them.
    pub history_without_secret: Duration,
    /// The most tokens an answer may have.
    pub max_output_tokens: u32,
    /// The most bytes of text an answer may have.
    pub max_answer_bytes: usize,
    /// How many answers may be written at once.
    pub max_running: usize,
    /// The text of a running answer is stored at least this often...
    pub save_every: Duration,
    /// ...and whenever it has grown by this many bytes.
    pub save_every_bytes: usize,
    /// For how long readers wait for an answer that cannot be stored before they are told.
    pub store_patience: Duration,
    /// For how long a shutdown waits for interrupted answers to be stored.
    pub halt_limit: Duration,
    /// How often a node that shares its store gives a sign of life, and looks for those of others...
    pub beat_every: Duration,
    /// ...and after how many looks that have found none it takes another one for dead.
    pub dead_after: u32,
}

impl ChatSettings {
    /// How much the model reads and writes.
    pub(super) const fn prompt_limits(&self) -> PromptLimits {
        let Self { max_history_tokens, max_output_tokens, .. } = *self;
        PromptLimits { max_history_tokens, max_output_tokens }
    }
}

impl Default for ChatSettings {
    fn default() -> Self {
        Self {
            instructions:
                "You are the assistant of a website's chat. Answer visitors briefly, kindly and truthfully. \
                           If you do not know something, say so."
                    .to_owned(),
            max_history_messages: 30,
            max_history_tokens: 8_000,
            history_without_secret: Duration::from_hours(24),
            max_output_tokens: 1024,
            max_answer_bytes: 256 * 1024,
            max_running: 256,
            save_every: Duration::from_secs(1),
            save_every_bytes: 1024,
            store_patience: Duration::from_secs(5),
            halt_limit: Duration::from_secs(3),
            beat_every: Duration::from_secs(2),
            dead_after: 5,
        }
    }
}
