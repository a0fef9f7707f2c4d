//! Asking again, and asking others.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use frontdesk_core::{AnswerStream, Model, ModelError, ModelErrorKind, ModelEvent, Prompt, Random, fraction};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::breaker::Breaker;

/// How often one model is asked again.
const RETRIES: u32 = 2;

/// The longest first pause; it doubles with each further try.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause of our own choice.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Who wants us to wait for longer is not asked again: a visitor would have left.
const LONGEST_WISH: Duration = Duration::from_secs(30);

/// No model is asked again once a visitor has waited for so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Models of which the first one that answers is heard.
///
/// A failure that may pass is tried again, up to twice, and then the next model is asked; but only as long as nothing was
/// said, because two halves of different answers are none. A model that keeps failing is left alone for a while.
#[derive(Debug)]
pub struct ResilientModel {
    first: Route,
    others: Vec<Route>,
    random: Arc<dyn Random>,
}

#[derive(Debug)]
struct Route {
    model: Arc<dyn Model>,
    breaker: Breaker,
}

impl ResilientModel {
    /// Asks `model` first and then the others, in their order.
    pub fn new(model: Arc<dyn Model>, others: Vec<Arc<dyn Model>>, random: Arc<dyn Random>) -> Self {
        let route = |model| Route { model, breaker: Breaker::default() };
        Self { first: route(model), others: others.into_iter().map(route).collect(), random }
    }

    /// Asks one model until it begins to answer, or until asking again makes no sense.
    async fn ask(&self, route: &Route, prompt: &Prompt, begun: Instant) -> Result<AnswerStream, ModelError> {
        let mut retry = 0;
        loop {
            let permit = route.breaker.enter().map_err(|wait| {
                ModelError::new(
                    ModelErrorKind::Busy(Some(wait)),
                    "it failed too often and is left alone for now",
                )
            })?;
            let error = match first_words(&*route.model, prompt.clone()).await {
                Ok(answer) => {
                    permit.report(true);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            // Wrong settings do not pass, so there is nothing to wait for.
            if error.kind != ModelErrorKind::Misconfigured {
                permit.report(false);
            }
            let Some(pause) = self.pause(&error, retry) else { return Err(error) };
            if begun.elapsed() + pause > PATIENCE {
                return Err(error);
            }
            info!(model = route.model.name(), kind = ?error.kind, detail = error.detail, ?pause, "the model is asked again");
            sleep(pause).await;
            retry += 1;
        }
    }

    /// How long to wait before asking again; `None` if that makes no sense. Full jitter, so that those who failed together do
    /// not come back together.
    fn pause(&self, error: &ModelError, retry: u32) -> Option<Duration> {
        if retry >= RETRIES || !error.may_pass {
            return None;
        }
        let longest = (FIRST_PAUSE * 2_u32.pow(retry)).min(LONGEST_PAUSE);
        let jitter = longest.mul_f64(fraction(&*self.random));
        match error.kind {
            ModelErrorKind::Busy(Some(wish)) if wish > LONGEST_WISH => None,
            ModelErrorKind::Busy(Some(wish)) => Some(wish + jitter / 4),
            _ => Some(jitter),
        }
    }
}

#[async_trait]
impl Model for ResilientModel {
    async fn stream(&self, prompt: Prompt) -> Result<AnswerStream, ModelError> {
        let begun = Instant::now();
        let mut answer = self.ask(&self.first, &prompt, begun).await;
        for route in &self.others {
            let Err(error) = answer else { break };
            let next = route.model.name();
            warn!(kind = ?error.kind, detail = error.detail, next, "the model failed, and another one is asked");
            answer = self.ask(route, &prompt, begun).await;
        }
        answer
    }

    fn name(&self) -> &str {
        self.first.model.name()
    }
}

/// An answer that has begun: its first words are there.
async fn first_words(model: &dyn Model, prompt: Prompt) -> Result<AnswerStream, ModelError> {
    let mut answer = model.stream(prompt).await?;
    let broken_off =
        || ModelError::new(ModelErrorKind::Interrupted, "the stream ended without an end marker");
    let first = answer.next().await.ok_or_else(broken_off)??;
    let name = model.name().to_owned();
    let answer =
        stream::iter([Ok(first)]).chain(answer).map(move |event| event.map(|event| named(event, &name)));
    Ok(answer.boxed())
}

/// An end that says which model it was.
fn named(event: ModelEvent, name: &str) -> ModelEvent {
    match event {
        ModelEvent::End(mut end) => {
            end.model.get_or_insert_with(|| name.to_owned());
            ModelEvent::End(end)
        }
        delta @ ModelEvent::Delta(_) => delta,
    }
}

#[cfg(test)]
mod tests;
