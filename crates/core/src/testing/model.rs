use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::{AnswerStream, FinishReason, Model, ModelEnd, ModelError, ModelEvent, Prompt};

/// A model that says what the test tells it to, when the test tells it to.
#[derive(Debug)]
pub struct ScriptedModel {
    calls: mpsc::UnboundedSender<ModelCall>,
}

/// The calls that a [`ScriptedModel`] receives.
#[derive(Debug)]
pub struct ModelCalls {
    calls: Mutex<mpsc::UnboundedReceiver<ModelCall>>,
}

/// One call. Dropping it breaks the stream off without an end marker.
#[derive(Debug)]
pub struct ModelCall {
    /// What the model was asked.
    pub prompt: Prompt,
    begin: Option<oneshot::Sender<Result<(), ModelError>>>,
    events: mpsc::UnboundedSender<Result<ModelEvent, ModelError>>,
}

impl ScriptedModel {
    /// A model, and the calls it will receive.
    pub fn new() -> (Self, ModelCalls) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { calls: sender }, ModelCalls { calls: Mutex::new(receiver) })
    }
}

#[async_trait]
impl Model for ScriptedModel {
    async fn stream(&self, prompt: Prompt) -> Result<AnswerStream, ModelError> {
        let (begin, answered) = oneshot::channel();
        let (events, receiver) = mpsc::unbounded_channel();
        // A test that no longer listens lets every call hang, like a server that does not answer.
        let _ = self.calls.send(ModelCall { prompt, begin: Some(begin), events });
        answered.await.unwrap_or(Ok(()))?;
        Ok(stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))).boxed())
    }

    fn name(&self) -> &'static str {
        "scripted"
    }
}

impl ModelCalls {
    /// Waits for the next call.
    ///
    /// # Panics
    /// If the model is gone.
    #[expect(clippy::expect_used, reason = "a test that asks for a call of a dropped model is wrong")]
    pub async fn next(&self) -> ModelCall {
        self.calls.lock().await.recv().await.expect("the model is still there")
    }

    /// Whether a call has been made that was not taken yet.
    pub async fn is_empty(&self) -> bool {
        self.calls.lock().await.is_empty()
    }
}

impl ModelCall {
    /// Says something.
    pub fn say(&mut self, text: &str) {
        self.send(Ok(ModelEvent::Delta(text.to_owned())));
    }

    /// Ends the answer as finished.
    pub fn end(self) {
        self.end_with(FinishReason::Stop);
    }

    /// Ends the answer for that reason.
    pub fn end_with(self, reason: FinishReason) {
        self.end_as(ModelEnd { reason, usage: None, model: None });
    }

    /// Ends the answer like this.
    pub fn end_as(mut self, end: ModelEnd) {
        self.send(Ok(ModelEvent::End(end)));
    }

    /// Fails: before the answer if nothing was said yet, in the middle of it otherwise.
    pub fn fail(mut self, error: ModelError) {
        match self.begin.take() {
            Some(begin) => drop(begin.send(Err(error))),
            None => self.send(Err(error)),
        }
    }

    /// Waits until nobody listens to this call any more.
    pub async fn abandoned(&self) {
        self.events.closed().await;
    }

    fn send(&mut self, event: Result<ModelEvent, ModelError>) {
        if let Some(begin) = self.begin.take() {
            let _ = begin.send(Ok(()));
        }
        let _ = self.events.send(event);
    }
}
