//! Which models are asked, and how.

use frontdesk_core::{Currency, Prices};
use frontdesk_llm::{ApiForm, ApiFormSetting, BaseUrl, ModelKey, ModelSettings, ModelTimeouts};

use super::{ConfigError, Reader};

const DEFAULT_MODEL: &str = "gpt-4.1-mini";

impl Reader<'_> {
    pub(super) fn prices(&self) -> Result<Prices, ConfigError> {
        let currency = self.text("PRICE_CURRENCY").map(|text| Currency::parse(&text)).transpose();
        let currency = currency.map_err(|rule| self.wrong("PRICE_CURRENCY", rule.to_string()))?;
        let list = self.text("MODEL_PRICES").unwrap_or_default();
        let prices = Prices::parse(&list, currency.unwrap_or_default());
        prices.map_err(|rule| self.wrong("MODEL_PRICES", rule.to_string()))
    }

    /// The model, if its key or its server is set.
    pub(super) fn model(&self) -> Result<Option<ModelSettings>, ConfigError> {
        if self.text("OPENAI_API_KEY").is_none() && self.text("OPENAI_BASE_URL").is_none() {
            return Ok(None);
        }
        let model = self.text("OPENAI_MODEL").unwrap_or_else(|| DEFAULT_MODEL.to_owned());
        self.model_at("OPENAI_BASE_URL", "OPENAI_API_KEY", model).map(Some)
    }

    /// The models that are asked when that one fails: others of the same server, or those of another one.
    pub(super) fn fallback_models(&self) -> Result<Vec<ModelSettings>, ConfigError> {
        let names = self.text("OPENAI_FALLBACK_MODELS").unwrap_or_default();
        let mut names: Vec<_> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        // A key is sent to the server it belongs to and to no other one.
        let (base_url, key) = if self.text("OPENAI_FALLBACK_BASE_URL").is_some() {
            if names.is_empty() {
                let rule = "must name the models of OPENAI_FALLBACK_BASE_URL";
                return Err(self.wrong("OPENAI_FALLBACK_MODELS", rule));
            }
            ("OPENAI_FALLBACK_BASE_URL", "OPENAI_FALLBACK_API_KEY")
        } else {
            ("OPENAI_BASE_URL", "OPENAI_API_KEY")
        };
        names.drain(..).map(|name| self.model_at(base_url, key, name.to_owned())).collect()
    }

    fn model_at(
        &self,
        base_url: &'static str,
        key: &'static str,
        model: String,
    ) -> Result<ModelSettings, ConfigError> {
        let forms = [
            ("auto", ApiFormSetting::Auto),
            ("chat", ApiFormSetting::Fixed(ApiForm::ChatCompletions)),
            ("responses", ApiFormSetting::Fixed(ApiForm::Responses)),
            ("anthropic", ApiFormSetting::Fixed(ApiForm::Messages)),
        ];
        let extra_body = match self.text("UPSTREAM_EXTRA_BODY") {
            None => serde_json::Map::new(),
            Some(text) => serde_json::from_str(&text).map_err(|_| {
                self.wrong("UPSTREAM_EXTRA_BODY", "must be a JSON object such as {\"temperature\":0.2}")
            })?,
        };
        let address = self.text(base_url).unwrap_or_else(|| BaseUrl::OPENAI.to_owned());
        let secret = self.text(key).map(|key| ModelKey::new(&key)).transpose();
        Ok(ModelSettings {
            base_url: BaseUrl::parse(&address).map_err(|rule| self.wrong(base_url, rule.to_string()))?,
            key: secret.map_err(|rule| self.wrong(key, rule.to_string()))?,
            model,
            form: self.choice("UPSTREAM_API", &forms)?.unwrap_or_default(),
            timeouts: ModelTimeouts {
                connect: ModelTimeouts::default().connect,
                first_byte: self.millis("UPSTREAM_FIRST_BYTE_TIMEOUT_MS", 60_000)?,
                idle: self.millis("UPSTREAM_IDLE_TIMEOUT_MS", 30_000)?,
                total: self.millis("UPSTREAM_TOTAL_TIMEOUT_MS", 120_000)?,
            },
            extra_body,
        })
    }
}
