//! The APIs of model servers: OpenAI's in its two forms, which many others speak, and Anthropic's.

mod answer;
mod chat_completions;
mod failure;
mod messages;
mod responses;
mod settings;
mod step;
mod words;

use std::time::Duration;

use async_trait::async_trait;
use frontdesk_core::{AnswerStream, Model, ModelError, ModelErrorKind, Prompt};
use futures_util::{StreamExt as _, stream};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response, redirect};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

pub(crate) use answer::Answer;
pub use settings::{
    ApiForm, ApiFormSetting, BaseUrl, InvalidBaseUrl, InvalidModelKey, ModelKey, ModelSettings, ModelTimeouts,
};

/// A model on a server that offers OpenAI's API or Anthropic's.
#[derive(Debug)]
pub struct HttpModel {
    client: Client,
    settings: ModelSettings,
    form: ApiForm,
}

impl HttpModel {
    /// The model these settings describe.
    ///
    /// Fails if the system's certificates cannot be loaded.
    pub fn new(settings: ModelSettings) -> Result<Self, reqwest::Error> {
        // Somebody may have installed one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.timeouts.connect)
            .pool_idle_timeout(Duration::from_mins(1))
            .tcp_nodelay(true)
            // A model's server that points elsewhere would be sent our key.
            .redirect(redirect::Policy::none())
            .build()?;
        let form = settings.form();
        Ok(Self { client, settings, form })
    }

    fn request(&self, prompt: &Prompt) -> RequestBuilder {
        let ModelSettings { base_url, model, extra_body, .. } = &self.settings;
        let mut body = match self.form {
            ApiForm::ChatCompletions => chat_completions::body(model, prompt, base_url.is_openai()),
            ApiForm::Responses => responses::body(model, prompt),
            ApiForm::Messages => messages::body(model, prompt),
        };
        merge(&mut body, extra_body);
        let path = match self.form {
            ApiForm::ChatCompletions => "chat/completions",
            ApiForm::Responses => "responses",
            ApiForm::Messages => "messages",
        };
        let request = self
            .client
            .post(base_url.join(path))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .body(Value::Object(body).to_string());
        if self.form == ApiForm::Messages {
            let (name, version) = messages::VERSION;
            let request = request.header(name, version);
            return match &self.settings.key {
                Some(key) => request.header("x-api-key", key.header_value(false)),
                None => request,
            };
        }
        match &self.settings.key {
            Some(key) if base_url.is_azure() => request.header("api-key", key.header_value(false)),
            Some(key) => request.header(AUTHORIZATION, key.header_value(true)),
            None => request,
        }
    }
}

#[async_trait]
impl Model for HttpModel {
    async fn stream(&self, prompt: Prompt) -> Result<AnswerStream, ModelError> {
        let timeouts = self.settings.timeouts;
        let begun = Instant::now();
        let first_by = begun + timeouts.first_byte;
        let response = timeout_at(first_by, self.request(&prompt).send())
            .await
            .map_err(|_| failure::late("the first byte"))?
            .map_err(|error| failure::of_transport(&error))?;
        let response = check(response)?;
        let answer = Answer::new(response, self.form, timeouts, begun);
        Ok(stream::unfold(answer, async |mut answer| Some((answer.next().await?, answer))).boxed())
    }

    fn name(&self) -> &str {
        &self.settings.model
    }
}

/// Adds members to a request; `null` takes one out.
fn merge(body: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (name, value) in extra {
        match value {
            Value::Null => drop(body.remove(name)),
            value => drop(body.insert(name.clone(), value.clone())),
        }
    }
}

/// Refuses a response that is not the stream that was asked for.
fn check(response: Response) -> Result<Response, ModelError> {
    if !response.status().is_success() {
        return Err(failure::of_status(response.status(), response.headers()));
    }
    let header =
        |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let unexpected =
        |what: &str| Err(ModelError::new(ModelErrorKind::Unavailable, format!("the answer is {what}")));
    if !header(CONTENT_TYPE).to_ascii_lowercase().starts_with("text/event-stream") {
        return unexpected("not an event stream");
    }
    if !matches!(header(CONTENT_ENCODING), "" | "identity") {
        return unexpected("compressed, which was not asked for");
    }
    Ok(response)
}
