use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;
use serde_json::{Map, Value};
use thiserror::Error;

/// Where a model is, and how to speak to it.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// The server.
    pub base_url: BaseUrl,
    /// The key that the server wants, if it wants one.
    pub key: Option<ModelKey>,
    /// The model, as the server names it.
    pub model: String,
    /// Which form of the API to use.
    pub form: ApiFormSetting,
    /// How long to wait.
    pub timeouts: ModelTimeouts,
    /// Members to add to every request, or with `null` to leave out of it.
    pub extra_body: Map<String, Value>,
}

impl ModelSettings {
    /// The form of the API that is used with these settings.
    pub fn form(&self) -> ApiForm {
        match self.form {
            ApiFormSetting::Fixed(form) => form,
            // Responses is what OpenAI recommends; most other servers know Chat Completions better or only.
            ApiFormSetting::Auto if self.base_url.is_openai() => ApiForm::Responses,
            ApiFormSetting::Auto if self.base_url.is_anthropic() => ApiForm::Messages,
            ApiFormSetting::Auto => ApiForm::ChatCompletions,
        }
    }
}

/// A form of talking to a model's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiForm {
    /// OpenAI's `POST {base}/chat/completions`.
    ChatCompletions,
    /// OpenAI's `POST {base}/responses`.
    Responses,
    /// Anthropic's `POST {base}/messages`.
    Messages,
}

/// Which form of the API to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiFormSetting {
    /// Responses for OpenAI itself and Azure, Messages for Anthropic, Chat Completions for all others.
    #[default]
    Auto,
    /// This one.
    Fixed(ApiForm),
}

/// How long to wait for a model's server.
#[derive(Clone, Copy, Debug)]
pub struct ModelTimeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the first byte of the answer, from the request on.
    pub first_byte: Duration,
    /// For the next byte of the answer.
    pub idle: Duration,
    /// For all of the answer.
    pub total: Duration,
}

impl Default for ModelTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_mins(1),
            idle: Duration::from_secs(30),
            total: Duration::from_mins(2),
        }
    }
}

/// The address that all paths of a server's API begin with, for example `https://api.openai.com/v1`.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// The text is not a [`BaseUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "must be an http or https address such as http://127.0.0.1:11434/v1, without a query and without a password"
)]
pub struct InvalidBaseUrl;

impl BaseUrl {
    /// OpenAI's own server.
    pub const OPENAI: &str = "https://api.openai.com/v1";

    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text.trim_end_matches('/')).map_err(|_| InvalidBaseUrl)?;
        let plain = url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if plain && anonymous && web { Ok(Self(url)) } else { Err(InvalidBaseUrl) }
    }

    /// Whether this is OpenAI's own server, or Azure's of the same API.
    pub fn is_openai(&self) -> bool {
        self.0.host_str() == Some("api.openai.com") || self.is_azure()
    }

    fn is_anthropic(&self) -> bool {
        self.0.host_str() == Some("api.anthropic.com")
    }

    pub(super) fn is_azure(&self) -> bool {
        self.0.host_str().is_some_and(|host| host.ends_with(".openai.azure.com"))
    }

    pub(super) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{path}", self.0.path().trim_end_matches('/')));
        url
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The key to a model's server. Shows itself to nobody.
#[derive(Clone)]
pub struct ModelKey {
    plain: HeaderValue,
    bearer: HeaderValue,
}

/// The text is no key. It is not shown: it may be most of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be visible ASCII characters in one line")]
pub struct InvalidModelKey;

impl ModelKey {
    /// A key of visible ASCII characters.
    pub fn new(text: &str) -> Result<Self, InvalidModelKey> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidModelKey);
        }
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| InvalidModelKey)?;
            value.set_sensitive(true);
            Ok::<_, InvalidModelKey>(value)
        };
        Ok(Self { plain: secret(text)?, bearer: secret(&format!("Bearer {text}"))? })
    }

    pub(super) fn header_value(&self, bearer: bool) -> HeaderValue {
        if bearer { self.bearer.clone() } else { self.plain.clone() }
    }
}

impl fmt::Debug for ModelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModelKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(base_url: &str, form: ApiFormSetting) -> ModelSettings {
        ModelSettings {
            base_url: BaseUrl::parse(base_url).unwrap(),
            key: Some(ModelKey::new("sk-secret").unwrap()),
            model: "m".to_owned(),
            form,
            timeouts: ModelTimeouts::default(),
            extra_body: Map::new(),
        }
    }

    #[test]
    fn auto_picks_the_form_by_the_server() {
        for (url, form) in [
            (BaseUrl::OPENAI, ApiForm::Responses),
            ("https://desk.openai.azure.com/openai/v1/", ApiForm::Responses),
            ("https://api.anthropic.com/v1", ApiForm::Messages),
            ("http://127.0.0.1:11434/v1", ApiForm::ChatCompletions),
            ("https://api.openai.com.evil.example/v1", ApiForm::ChatCompletions),
        ] {
            assert_eq!(settings(url, ApiFormSetting::Auto).form(), form, "{url}");
        }
        let fixed = ApiFormSetting::Fixed(ApiForm::ChatCompletions);
        assert_eq!(settings(BaseUrl::OPENAI, fixed).form(), ApiForm::ChatCompletions);
    }

    #[test]
    fn paths_are_added_behind_the_base() {
        for base in ["http://h:1/v1", "http://h:1/v1/", "http://h:1/v1///"] {
            assert_eq!(BaseUrl::parse(base).unwrap().join("responses").as_str(), "http://h:1/v1/responses");
        }
        assert_eq!(BaseUrl::parse("http://h").unwrap().join("x").as_str(), "http://h/x");
    }

    #[test]
    fn only_plain_web_addresses_are_bases() {
        for bad in ["", "h:1/v1", "ftp://h", "http://", "http://u:p@h/v1", "http://h/v1?x=1", "http://h/#x"] {
            assert_eq!(BaseUrl::parse(bad), Err(InvalidBaseUrl), "{bad}");
        }
    }

    #[test]
    fn the_key_is_not_in_debug_output() {
        assert!(!format!("{:?}", settings(BaseUrl::OPENAI, ApiFormSetting::Auto)).contains("secret"));
        assert!(["two\nlines", "two words", "schlüssel"].map(ModelKey::new).iter().all(Result::is_err));
    }
}
