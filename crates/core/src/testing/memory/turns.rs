use std::collections::BTreeSet;

use super::{Conversation, Data, MemoryStore, empty_answer};
use crate::store::{
    CloseTurn, DeliveredMessage, OpenTurn, OpenedTurn, RepeatedTurn, SavePartial, StoreError, StoreErrorKind,
    TurnOpening,
};
use crate::{Message, MessageId, MessageStatus, Role, TurnFailure, preview};

/// Turns, each step at once.
impl MemoryStore {
    pub(super) fn open(&self, turn: &OpenTurn) -> Result<TurnOpening, StoreError> {
        let mut data = self.working()?;
        let found = data.owned(&turn.session);
        let known = found.and_then(|at| data.conversations[at].known(turn).map(|place| (at, place)));
        if let Some((at, place)) = known {
            let conversation = &data.conversations[at];
            let visitor = &conversation.messages[place];
            if visitor.text != turn.text.as_str() {
                return Ok(TurnOpening::Mismatch);
            }
            let operator = conversation.operator();
            let answer = conversation.messages.get(place + 1).filter(|next| next.role == Role::Assistant);
            match answer {
                Some(answer) if !answer.may_be_replaced() => {
                    return Ok(TurnOpening::Repeated(RepeatedTurn {
                        conversation: conversation.summary.id,
                        visitor_message: visitor.id,
                        answer: answer.clone(),
                    }));
                }
                Some(_) if operator.is_none() => {}
                Some(_) | None => {
                    return Ok(TurnOpening::Delivered(DeliveredMessage {
                        conversation: conversation.summary.id,
                        visitor_message: visitor.id,
                        operator,
                        repeated: true,
                    }));
                }
            }
        }
        if let Some(at) = found
            && data.conversations[at].operator().is_none()
        {
            let streaming = |message: &&Message| message.status == MessageStatus::Streaming;
            if let Some(answer) = data.conversations[at].messages.iter().find(streaming) {
                return Ok(TurnOpening::Busy { answer: answer.id });
            }
        }
        let at = found.unwrap_or_else(|| {
            data.conversations.push(Conversation::begin(&turn.session, turn.ids.conversation, turn.now));
            data.conversations.len() - 1
        });
        if known.is_none() {
            data.conversations[at].accept(turn);
        }
        let conversation = &mut data.conversations[at];
        conversation.summary.updated_at = turn.now;
        if let Some(identity) = &turn.identity {
            conversation.summary.identity = Some(identity.clone());
        }
        conversation.summary.visit = turn.visit.clone().or(std::mem::take(&mut conversation.summary.visit));
        if let Some(operator) = conversation.operator() {
            return Ok(TurnOpening::Delivered(DeliveredMessage {
                conversation: conversation.summary.id,
                visitor_message: turn.ids.visitor_message,
                operator: Some(operator),
                repeated: false,
            }));
        }
        let place = if let Some((_, place)) = known {
            let seq = conversation.messages[place + 1].seq;
            let revision = conversation.summary.next_revision();
            conversation.messages[place + 1] = empty_answer(turn.ids.answer, seq, revision, turn.now);
            place
        } else {
            let seq = conversation.summary.message_count + 1;
            conversation.append(empty_answer(turn.ids.answer, seq, 0, turn.now));
            conversation.messages.len() - 2
        };
        let opened = OpenedTurn {
            conversation: conversation.summary.id,
            visitor_message: conversation.messages[place].id,
            answer: turn.ids.answer,
            history: conversation.history(place + 1, turn),
        };
        data.writers.insert(turn.ids.answer, turn.node);
        Ok(TurnOpening::Opened(opened))
    }

    pub(super) fn save(&self, partial: SavePartial) -> Result<bool, StoreError> {
        let mut data = self.working()?;
        let found = data.answer(partial.site, partial.answer);
        let running = found.filter(|(_, answer)| answer.status == MessageStatus::Streaming);
        Ok(running.map(|(_, answer)| answer.text = partial.text).is_some())
    }

    pub(super) fn close(&self, turn: CloseTurn) -> Result<bool, StoreError> {
        let mut data = self.working()?;
        let Some((summary, answer)) = data.answer(turn.site, turn.answer) else {
            return Err(StoreError::new(StoreErrorKind::Conflict, "there is no such answer"));
        };
        if answer.status != MessageStatus::Streaming {
            return Ok(turn.is_end(answer.status, answer.facts.failure));
        }
        answer.status = turn.status;
        answer.text = turn.text;
        answer.facts = turn.facts;
        answer.revision = summary.next_revision();
        summary.updated_at = turn.now;
        if answer.seq == summary.message_count && !answer.text.is_empty() {
            summary.last_message = preview(&answer.text).to_owned();
            summary.last_role = Role::Assistant;
        }
        Ok(true)
    }

    pub(super) fn interrupt(&self, is_left: impl Fn(&Data, MessageId) -> bool) -> Result<u64, StoreError> {
        let mut data = self.working()?;
        let streaming = data.streaming();
        let left: BTreeSet<_> = streaming.into_iter().filter(|answer| is_left(&data, *answer)).collect();
        for Conversation { summary, messages, .. } in &mut data.conversations {
            for answer in messages.iter_mut().filter(|message| left.contains(&message.id)) {
                answer.status = MessageStatus::of_broken(&answer.text);
                answer.facts.failure = Some(TurnFailure::Restarted);
                answer.revision = summary.next_revision();
            }
        }
        Ok(u64::try_from(left.len()).unwrap_or(u64::MAX))
    }
}
