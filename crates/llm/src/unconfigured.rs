use async_trait::async_trait;
use frontdesk_core::{AnswerStream, FinishReason, Model, ModelEnd, ModelError, ModelEvent, Prompt};
use futures_util::{StreamExt as _, stream};

/// Answers where no language model is set: it says what is missing, and never pretends to understand.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnconfiguredModel;

const ANSWER: [&str; 3] = [
    "Your message arrived and is stored, but no language model is configured on this server, so nobody can answer it yet. ",
    "Whoever runs the server can set `OPENAI_API_KEY` to use OpenAI, or `OPENAI_BASE_URL` to use any compatible server, ",
    "for example one on the same machine, and start it again.",
];

#[async_trait]
impl Model for UnconfiguredModel {
    async fn stream(&self, _prompt: Prompt) -> Result<AnswerStream, ModelError> {
        let words = ANSWER.into_iter().map(|part| Ok(ModelEvent::Delta(part.to_owned())));
        let end = ModelEnd { reason: FinishReason::Stop, usage: None, model: None };
        Ok(stream::iter(words.chain([Ok(ModelEvent::End(end))])).boxed())
    }

    fn name(&self) -> &'static str {
        "not configured"
    }
}
