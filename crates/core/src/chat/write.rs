//! The task that writes an answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use super::mirrors::REPLACED;
use super::running::RunningTurn;
use super::{Service, end_of};
use crate::{
    AnswerFacts, CloseTurn, FinishReason, HistoryEntry, MessageStatus, ModelEnd, ModelErrorKind, ModelEvent,
    Prompt, SavePartial, StoreErrorKind, TurnEnd, TurnFailure, build_prompt,
};

/// What readers are told of an answer whose end is not stored: nothing that may be lost is shown as done.
const NOT_STORED: TurnEnd = TurnEnd {
    status: MessageStatus::Interrupted,
    finish: None,
    failure: Some(TurnFailure::Storage),
    retry_after: None,
    usage: None,
};

/// How long the store is left alone before the end of an answer is given to it again: so soon after it works again the
/// conversation goes on.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Writes one answer, from the prompt to the stored end.
pub(super) struct Writing {
    pub(super) service: Arc<Service>,
    pub(super) running: Arc<RunningTurn>,
    /// What the clock had measured when the visitor's message arrived.
    pub(super) started: Duration,
}

/// How the model's part came to its end.
enum Ending {
    Finished(ModelEnd),
    Stopped,
    Failed(ModelErrorKind),
    Broken(TurnFailure),
    /// Somebody else has ended the answer, in the store.
    Overtaken,
}

impl Ending {
    /// When to come back, if the model said so.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failed(kind) => kind.retry_after(),
            Self::Finished(_) | Self::Stopped | Self::Broken(_) | Self::Overtaken => None,
        }
    }
}

impl Writing {
    pub(super) async fn run(self, history: Vec<HistoryEntry>) {
        let settings = &self.service.settings;
        let prompt = build_prompt(&settings.instructions, &history, settings.prompt_limits());
        drop(history);

        let mut first_token = None;
        // A defect in a model must not leave an answer that is written for ever.
        let ending = AssertUnwindSafe(self.generate(prompt, &mut first_token))
            .catch_unwind()
            .await
            .unwrap_or(Ending::Broken(TurnFailure::Internal));

        let end = match ending {
            Ending::Overtaken => self.end_of_others().await,
            ending => self.end(ending, first_token).await,
        };
        self.running.log.finish(end);
        self.service.feeds.running.remove(self.running.answer);
        self.service.tell_change(&self.running.session, self.running.conversation);
    }

    /// Stores the end, and says what readers are told.
    async fn end(&self, ending: Ending, first_token: Option<Duration>) -> TurnEnd {
        let retry_after = ending.retry_after();
        let close = self.close_turn(ending, first_token);
        let end = TurnEnd {
            status: close.status,
            finish: close.facts.finish,
            failure: close.facts.failure,
            retry_after,
            usage: close.facts.usage,
        };
        info!(
            conversation = %self.running.conversation, answer = %self.running.answer, status = close.status.as_str(),
            failure = close.facts.failure.map(TurnFailure::code), bytes = close.text.len(),
            first_token_ms = close.facts.first_token_millis, total_ms = close.facts.total_millis, "turn ended"
        );
        match self.store_end(close).await {
            Some(true) => end,
            Some(false) => self.end_of_others().await,
            None => NOT_STORED,
        }
    }

    /// The end that somebody else has stored: a node that took this one for dead, or could not reach it to stop.
    async fn end_of_others(&self) -> TurnEnd {
        let (session, answer) = (&self.running.session, self.running.answer);
        warn!(%answer, "another node has ended an answer that is written here");
        let stored = self.service.ports.store.session_answer(session.site, session.secret, answer).await;
        stored.ok().flatten().and_then(|(_, message)| end_of(&message)).unwrap_or(REPLACED)
    }

    /// Lets the model write into the log until it ends, is stopped, or has to end.
    async fn generate(&self, prompt: Prompt, first_token: &mut Option<Duration>) -> Ending {
        let grown = Notify::new();
        tokio::select! {
            biased;
            () = self.running.stopped.cancelled() => Ending::Stopped,
            () = self.service.halted.cancelled() => Ending::Broken(TurnFailure::ShuttingDown),
            ending = self.copy(prompt, first_token, &grown) => ending,
            () = self.save_partials(&grown) => Ending::Overtaken,
        }
    }

    /// Copies the model's words into the log.
    async fn copy(&self, prompt: Prompt, first_token: &mut Option<Duration>, grown: &Notify) -> Ending {
        let log = &self.running.log;
        let settings = &self.service.settings;
        let mut stream = match self.service.ports.model.stream(prompt).await {
            Ok(stream) => stream,
            Err(error) => return self.broken(error.kind, &error.detail),
        };
        let mut kept = 0;
        loop {
            let delta = match stream.next().await {
                Some(Ok(ModelEvent::Delta(delta))) => without_nul(delta),
                Some(Ok(ModelEvent::End(end))) => return Ending::Finished(end),
                Some(Err(error)) => return self.broken(error.kind, &error.detail),
                None => {
                    return self
                        .broken(ModelErrorKind::Interrupted, "the stream ended without an end marker");
                }
            };
            if delta.is_empty() {
                continue;
            }
            if log.len() + delta.len() > settings.max_answer_bytes {
                return Ending::Broken(TurnFailure::AnswerTooLarge);
            }
            first_token.get_or_insert_with(|| self.since_start());
            log.append(&delta);
            if log.len() - kept >= settings.save_every_bytes {
                kept = log.len();
                grown.notify_one();
            }
        }
    }

    fn broken(&self, kind: ModelErrorKind, detail: &str) -> Ending {
        warn!(answer = %self.running.answer, ?kind, detail, "the model failed");
        Ending::Failed(kind)
    }

    /// Keeps what there is, now and then, so that a crash loses little of an answer. Ends if it is no longer being written.
    async fn save_partials(&self, grown: &Notify) {
        let mut saved = 0;
        loop {
            // Either it has grown, or the time is up: both are reasons to look.
            let _ = timeout(self.service.settings.save_every, grown.notified()).await;
            if self.running.log.len() == saved {
                continue;
            }
            // Nobody closes it, and the text is taken only when its turn has come.
            let _place = self.service.saving.acquire().await;
            let text = self.running.log.text();
            saved = text.len();
            let partial = SavePartial { site: self.running.session.site, answer: self.running.answer, text };
            match self.service.ports.store.save_partial(partial).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    warn!(answer = %self.running.answer, error = &error as &dyn std::error::Error, "partial answer not stored");
                }
            }
        }
    }

    fn close_turn(&self, ending: Ending, first_token: Option<Duration>) -> CloseTurn {
        let text = self.running.log.text();
        let is_empty = text.trim().is_empty();
        let mut facts = AnswerFacts {
            model: Some(self.service.ports.model.name().to_owned()),
            first_token_millis: first_token.map(whole_millis),
            total_millis: Some(whole_millis(self.since_start())),
            ..AnswerFacts::default()
        };
        let mut broken = |failure| {
            facts.failure = Some(failure);
            MessageStatus::of_broken(&text)
        };
        let status = match ending {
            Ending::Stopped => MessageStatus::Stopped,
            // Nobody asks.
            Ending::Overtaken => broken(TurnFailure::Restarted),
            Ending::Failed(kind) => broken(kind.failure()),
            Ending::Broken(failure) => broken(failure),
            Ending::Finished(end) => {
                facts.finish = Some(end.reason);
                facts.usage = end.usage;
                facts.model = end.model.map(without_nul).or(facts.model);
                match (is_empty, end.reason) {
                    (true, FinishReason::ContentFilter) => {
                        facts.failure = Some(TurnFailure::ContentFiltered);
                        MessageStatus::Failed
                    }
                    (true, FinishReason::Stop | FinishReason::Length) => {
                        facts.failure = Some(TurnFailure::EmptyAnswer);
                        MessageStatus::Failed
                    }
                    (false, FinishReason::Stop) => MessageStatus::Complete,
                    (false, FinishReason::Length | FinishReason::ContentFilter) => MessageStatus::Interrupted,
                }
            }
        };
        let now = self.service.ports.clock.now();
        CloseTurn { site: self.running.session.site, answer: self.running.answer, status, text, facts, now }
    }

    /// Stores the end of the answer, for as long as it takes: until then the conversation takes no other message. Says whether
    /// it has ended like this; `None` if it can never be stored.
    async fn store_end(&self, close: CloseTurn) -> Option<bool> {
        let mut pause = Duration::from_millis(100);
        let mut waited = Duration::ZERO;
        loop {
            let error = match self.service.ports.store.close_turn(close.clone()).await {
                Ok(is_ours) => return Some(is_ours),
                Err(error) => error,
            };
            error!(answer = %close.answer, error = &error as &dyn std::error::Error, "answer not stored");
            match error.kind {
                StoreErrorKind::Conflict | StoreErrorKind::Corrupt => return None,
                StoreErrorKind::Unavailable | StoreErrorKind::Full => {}
            }
            if waited >= self.service.settings.store_patience {
                self.running.log.finish(NOT_STORED);
            }
            sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn since_start(&self) -> Duration {
        self.service.ports.clock.elapsed().saturating_sub(self.started)
    }
}

/// PostgreSQL has no place for U+0000 in a text, and nobody misses it: what is shown and what is stored have the sign for what
/// cannot be shown instead.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

fn whole_millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}
