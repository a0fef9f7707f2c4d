//! Stopping an answer, wherever it is written.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Feeds;
use crate::{
    AnswerFacts, Clock, CloseTurn, ConversationId, ConversationName, Message, MessageId, MessageStatus,
    NodeNews, StoreError,
};

/// How often it is looked whether another node has stopped...
const LOOKS: u32 = 10;

/// ...and how long apart.
const LOOK_EVERY: Duration = Duration::from_millis(80);

/// How long the end of an answer is waited for whose conversation is to be deleted.
const STOPPING: Duration = Duration::from_secs(2);

impl Feeds {
    /// Stops the answer being written for a conversation, or only the given one, and says whether there was one to stop.
    ///
    /// The text that has arrived is kept; readers see the end as soon as it is stored. Where another process writes it and
    /// does not stop at a word, it is ended in the store, with the text that is stored.
    pub(super) async fn stop(
        &self,
        name: &ConversationName,
        answer: Option<MessageId>,
        clock: &dyn Clock,
    ) -> Result<bool, StoreError> {
        let running = match answer {
            Some(answer) => self.running.find(answer).filter(|turn| turn.is_of(name)),
            None => self.running.find_named(name),
        };
        if let Some(running) = running {
            running.stop();
            return Ok(true);
        }
        if self.look_every.is_none() {
            return Ok(false);
        }
        let Some((_, written)) = self.written_elsewhere(name, answer).await? else { return Ok(false) };
        let answer = Some(written.id);
        if let Some(relay) = &self.mirrors.relay {
            relay.tell(NodeNews::Stop(written.id)).await;
            for _ in 0..LOOKS {
                sleep(LOOK_EVERY).await;
                if self.written_elsewhere(name, answer).await?.is_none() {
                    return Ok(true);
                }
            }
        }
        // What was shown until now is stored by then.
        sleep(self.save_every + LOOK_EVERY).await;
        if let Some(written) = self.written_elsewhere(name, answer).await? {
            self.stop_in_store(name, written, clock).await?;
        }
        Ok(true)
    }

    /// Deletes a conversation, and says whether there was one. An answer that is being written for it is stopped first.
    pub(super) async fn delete(
        &self,
        name: &ConversationName,
        clock: &dyn Clock,
    ) -> Result<bool, StoreError> {
        if let Some(turn) = self.running.find_named(name) {
            turn.stop();
            // Whoever reads it is told its end, if the store takes it soon. It is deleted either way.
            let _ = timeout(STOPPING, turn.ended()).await;
        } else {
            self.stop(name, None, clock).await?;
        }
        let Some(deleted) = self.store.delete_conversation(name).await? else { return Ok(false) };
        // A message may have come in between.
        let name = ConversationName::Id(deleted.session.site, deleted.conversation);
        if let Some(turn) = self.running.find_named(&name) {
            turn.stop();
        }
        self.tell_change(&deleted.session, deleted.conversation);
        Ok(true)
    }

    /// The answer that is being written for a conversation, if it is this one, and the conversation.
    async fn written_elsewhere(
        &self,
        name: &ConversationName,
        answer: Option<MessageId>,
    ) -> Result<Option<(ConversationId, Message)>, StoreError> {
        let changes = self.store.changes(name, u32::MAX, 1).await?;
        let written = changes.and_then(|changes| Some((changes.conversation, changes.writing?)));
        Ok(written.filter(|(_, message)| answer.is_none_or(|answer| answer == message.id)))
    }

    async fn stop_in_store(
        &self,
        name: &ConversationName,
        (conversation, message): (ConversationId, Message),
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        let close = CloseTurn {
            site: name.site(),
            answer: message.id,
            status: MessageStatus::Stopped,
            text: message.text,
            facts: AnswerFacts::default(),
            now: clock.now(),
        };
        self.store.close_turn(close).await?;
        if let Some((session, _)) = self.store.conversation(name).await? {
            self.tell_change(&session, conversation);
        }
        if let Some(relay) = &self.mirrors.relay {
            relay.tell_end(message.id).await;
        }
        Ok(())
    }
}
