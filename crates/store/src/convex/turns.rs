//! Sending and answering.

use frontdesk_core::{
    AnswerFacts, CloseTurn, DeliveredMessage, FinishReason, HistoryEntry, IdempotencyKey, NodeId, OpenTurn,
    OpenedTurn, RepeatedTurn, SavePartial, StoreError, TurnFailure, TurnOpening,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ConvexStore;
use super::error::Failure;
use super::values::{self, Whole, WireHistoryEntry, WireMessage};

/// The most rows that one call gives: `MAX_PAGE` in `convex/functions/lib/limits.ts`.
pub(super) const MAX_PAGE: u32 = 1000;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum WireOpening {
    #[serde(rename_all = "camelCase")]
    Opened {
        conversation: String,
        visitor_message: String,
        answer: String,
        #[serde(flatten)]
        history: WireHistory,
    },
    #[serde(rename_all = "camelCase")]
    Repeated {
        conversation: String,
        visitor_message: String,
        answer: Box<WireMessage>,
    },
    Mismatch,
    Busy {
        answer: String,
    },
    #[serde(rename_all = "camelCase")]
    Delivered {
        conversation: String,
        visitor_message: String,
        operator: Option<String>,
        repeated: bool,
    },
    Stale,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireHistory {
    history: Vec<WireHistoryEntry>,
    more_before: Option<Whole<u32>>,
}

impl ConvexStore {
    pub(super) async fn open_one(&self, turn: OpenTurn) -> Result<TurnOpening, StoreError> {
        let mut args = values::session(&turn.session);
        args.extend(values::members(json!({
            "text": turn.text.as_str(),
            "idempotencyKey": turn.idempotency_key.as_ref().map(IdempotencyKey::as_str),
            "conversation": turn.ids.conversation.to_string(),
            "visitorMessage": turn.ids.visitor_message.to_string(),
            "answer": turn.ids.answer.to_string(),
            "node": turn.node.to_string(),
            "now": turn.now.millis(),
            "historyLimit": turn.history_limit.min(MAX_PAGE),
            "historySince": turn.history_since.millis(),
            "identity": turn.identity.as_ref().map(values::identity),
            "visit": values::visit(&turn.visit),
        })));
        Ok(match self.mutation("turns:open", Value::Object(args)).await? {
            WireOpening::Opened { conversation, visitor_message, answer, history } => {
                let history = self.whole_history(&turn, &conversation, history).await?;
                TurnOpening::Opened(OpenedTurn {
                    conversation: values::conversation_id(&conversation)?,
                    visitor_message: values::message_id(&visitor_message)?,
                    answer: values::message_id(&answer)?,
                    history,
                })
            }
            WireOpening::Repeated { conversation, visitor_message, answer } => {
                TurnOpening::Repeated(RepeatedTurn {
                    conversation: values::conversation_id(&conversation)?,
                    visitor_message: values::message_id(&visitor_message)?,
                    answer: answer.read()?,
                })
            }
            WireOpening::Delivered { conversation, visitor_message, operator, repeated } => {
                TurnOpening::Delivered(DeliveredMessage {
                    conversation: values::conversation_id(&conversation)?,
                    visitor_message: values::message_id(&visitor_message)?,
                    operator: operator.as_deref().map(values::operator_name).transpose()?,
                    repeated,
                })
            }
            WireOpening::Mismatch => TurnOpening::Mismatch,
            WireOpening::Busy { answer } => TurnOpening::Busy { answer: values::message_id(&answer)? },
            WireOpening::Stale => {
                return Err(Failure::Unavailable("the call came too late".to_owned()).into());
            }
        })
    }

    /// What the model reads. Texts so long that one call cannot read them all are asked for until there is enough.
    async fn whole_history(
        &self,
        turn: &OpenTurn,
        conversation: &str,
        mut found: WireHistory,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let read = |entries: Vec<WireHistoryEntry>| {
            entries.into_iter().map(WireHistoryEntry::read).collect::<Result<Vec<_>, _>>()
        };
        let mut history = read(found.history)?;
        while let Some(Whole(before)) = found.more_before {
            let left = turn.history_limit.saturating_sub(u32::try_from(history.len()).unwrap_or(u32::MAX));
            if left == 0 {
                break;
            }
            let args = json!({
                "conversation": conversation,
                "before": before,
                "limit": left.min(MAX_PAGE),
                "since": turn.history_since.millis(),
            });
            found = self.query("turns:history", args).await?;
            let mut older = read(found.history)?;
            older.append(&mut history);
            history = older;
            found.history = Vec::new();
        }
        Ok(history)
    }

    pub(super) async fn save(&self, partial: SavePartial) -> Result<bool, StoreError> {
        let args = json!({
            "site": partial.site.to_string(),
            "answer": partial.answer.to_string(),
            "text": partial.text,
        });
        self.mutation("turns:savePartial", args).await
    }

    pub(super) async fn close(&self, turn: CloseTurn) -> Result<bool, StoreError> {
        let AnswerFacts { model, finish, failure, usage, first_token_millis, total_millis } = turn.facts;
        let args = values::members(json!({
            "site": turn.site.to_string(),
            "answer": turn.answer.to_string(),
            "status": turn.status.as_str(),
            "text": turn.text,
            "now": turn.now.millis(),
            "model": model,
            "finish": finish.map(FinishReason::as_str),
            "failure": failure.map(TurnFailure::code),
            "inputTokens": usage.map(|usage| usage.input_tokens),
            "outputTokens": usage.map(|usage| usage.output_tokens),
            "firstTokenMillis": first_token_millis,
            "totalMillis": total_millis,
        }));
        self.mutation("turns:close", Value::Object(args)).await
    }

    /// Ends all answers, or those of one node. A few at a time: each is one unit, and with all of their texts they would be too
    /// much for one.
    pub(super) async fn interrupt_all(&self, of: Option<NodeId>) -> Result<u64, StoreError> {
        let of = values::members(json!({ "node": of.map(|node| node.to_string()) }));
        let mut count = 0;
        loop {
            let answers: Vec<String> = self.query("turns:unfinished", Value::Object(of.clone())).await?;
            if answers.is_empty() {
                return Ok(count);
            }
            let args = json!({ "answers": answers, "failure": TurnFailure::Restarted.code() });
            let Whole(interrupted): Whole<u64> = self.mutation("turns:interrupt", args).await?;
            count += interrupted;
        }
    }
}
