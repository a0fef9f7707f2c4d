use std::fmt;

use async_trait::async_trait;
use tokio::sync::{broadcast, mpsc};

use crate::{ConversationId, MessageId, SessionKey, SiteId, Typing};

/// Carries from node to node at once what the store would tell them a little later.
///
/// Nothing depends on it: who misses something finds it in the store. So none of this fails, and none of it takes long.
#[async_trait]
pub trait Relay: fmt::Debug + Send + Sync {
    /// Tells the text of an answer that is written here, from a place on; from 0 on it is all there is. `false` if what was
    /// told before has been lost, so that everything has to be told again.
    async fn tell_text(&self, answer: MessageId, from: usize, text: &str) -> bool;

    /// Tells that an answer has ended, and that its end is stored.
    async fn tell_end(&self, answer: MessageId);

    /// Tells everybody.
    async fn tell(&self, news: NodeNews);

    /// What has been told of an answer's text, from its beginning; `None` if that is not known.
    async fn text(&self, answer: MessageId) -> Option<String>;

    /// What is told of an answer from now on, until the receiver is dropped. Who falls behind misses some of it.
    async fn follow(&self, answer: MessageId) -> mpsc::Receiver<AnswerNews>;

    /// What is told to everybody from now on.
    fn listen(&self) -> broadcast::Receiver<NodeNews>;
}

/// What is told of an answer that another node writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerNews {
    /// More of its text.
    Text {
        /// After how many bytes (UTF-8) of it.
        from: usize,
        /// The text.
        text: String,
    },
    /// It has ended: its end is stored.
    End,
}

/// What is told to all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeNews {
    /// Something in a conversation has changed, and is stored.
    Changed {
        /// Whose conversation it is.
        session: SessionKey,
        /// The conversation.
        conversation: ConversationId,
    },
    /// Somebody types in a conversation, or has ceased to.
    Typing {
        /// Whose conversation it is.
        session: SessionKey,
        /// The conversation.
        conversation: ConversationId,
        /// Who.
        typing: Typing,
    },
    /// Visitors' chats follow conversations over a node, or follow them no more.
    Presence {
        /// Whose conversations they are.
        site: SiteId,
        /// Those that are followed.
        here: Vec<ConversationId>,
        /// Those that are not any more.
        gone: Vec<ConversationId>,
    },
    /// Whoever writes this answer shall stop.
    Stop(MessageId),
    /// Something may have been missed.
    Missed,
}
