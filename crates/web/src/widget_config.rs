//! What a site's owner sets for the widget.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::extract::FromJson;
use crate::{ApiError, Code};

/// How many suggestions, and how many hosts, there may be.
const SUGGESTIONS: usize = 4;
const IMAGE_HOSTS: usize = 20;

/// What is set for the widget. Members that are not set are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WidgetConfig {
    /// The name in the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 60)]
    title: Option<String>,
    /// The greeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500)]
    welcome: Option<String>,
    /// The text in the empty field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    placeholder: Option<String>,
    /// `right` or `left`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(right|left)$")]
    position: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^#[0-9A-Fa-f]{6}$")]
    accent_color: Option<String>,
    /// `auto`, `light` or `dark`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(auto|light|dark)$")]
    theme: Option<String>,
    /// Questions to begin with, each 1 to 120 UTF-16 units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 4)]
    suggestions: Option<Vec<String>>,
    /// A language tag (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length = 35)]
    locale: Option<String>,
    /// The hosts from which images in answers are shown; `*.` before a name stands for all hosts below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 20)]
    image_hosts: Option<Vec<String>>,
    /// The line below the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    fine_print: Option<String>,
    /// What a visitor is told, or asked to agree to, before the first message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500)]
    privacy_text: Option<String>,
    /// The address of the privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    privacy_url: Option<String>,
    /// Whether visitors are offered to talk to a person; they are if it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    handoff: Option<bool>,
}

impl WidgetConfig {
    /// Whether visitors may ask for a person.
    pub(crate) fn offers_people(&self) -> bool {
        self.handoff != Some(false)
    }

    /// What a widget is given: what it has to know is there, whether it was set or not.
    pub(crate) fn for_widgets(self) -> Self {
        let handoff = Some(self.offers_people());
        Self { handoff, ..self }
    }
}

/// The same, as it comes in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WidgetConfigBody {
    title: Option<Value>,
    welcome: Option<Value>,
    placeholder: Option<Value>,
    position: Option<Value>,
    accent_color: Option<Value>,
    theme: Option<Value>,
    suggestions: Option<Value>,
    locale: Option<Value>,
    image_hosts: Option<Value>,
    fine_print: Option<Value>,
    privacy_text: Option<Value>,
    privacy_url: Option<Value>,
    handoff: Option<Value>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl FromJson for WidgetConfigBody {}

impl WidgetConfigBody {
    /// The settings, if all of them are in order. What is misspelt is refused, so that nobody believes it to be set.
    pub(crate) fn check(self) -> Result<WidgetConfig, ApiError> {
        if !self.unknown.is_empty() {
            return Err(invalid("body", "has a member that is not known"));
        }
        Ok(WidgetConfig {
            title: line("title", self.title, 60)?,
            welcome: lines("welcome", self.welcome, 500)?,
            placeholder: line("placeholder", self.placeholder, 100)?,
            position: one_of("position", self.position, &["right", "left"], "must be right or left")?,
            accent_color: that(
                "accentColor",
                self.accent_color,
                is_colour,
                "must be # and six hexadecimal digits",
            )?,
            theme: one_of("theme", self.theme, &["auto", "light", "dark"], "must be auto, light or dark")?,
            suggestions: suggestions(self.suggestions)?,
            locale: that(
                "locale",
                self.locale,
                is_language_tag,
                "must be a language tag such as de or pt-BR",
            )?,
            image_hosts: image_hosts(self.image_hosts)?,
            fine_print: line("finePrint", self.fine_print, 200)?,
            privacy_text: lines("privacyText", self.privacy_text, 500)?,
            privacy_url: that(
                "privacyUrl",
                self.privacy_url,
                is_address,
                "must be an https or http address of at most 500 characters",
            )?,
            handoff: flag("handoff", self.handoff.as_ref())?,
        })
    }
}

fn invalid(field: &'static str, rule: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(Code::InvalidRequest).detail(field, rule)
}

fn text(field: &'static str, value: Option<Value>) -> Result<Option<String>, ApiError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(field, "must be a string")),
    }
}

fn flag(field: &'static str, value: Option<&Value>) -> Result<Option<bool>, ApiError> {
    match value {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(invalid(field, "must be true or false")),
    }
}

fn that(
    field: &'static str,
    value: Option<Value>,
    is_in_order: impl Fn(&str) -> bool,
    rule: &'static str,
) -> Result<Option<String>, ApiError> {
    let text = text(field, value)?;
    if text.as_deref().is_none_or(is_in_order) { Ok(text) } else { Err(invalid(field, rule)) }
}

fn one_of(
    field: &'static str,
    value: Option<Value>,
    words: &[&str],
    rule: &'static str,
) -> Result<Option<String>, ApiError> {
    that(field, value, |text| words.contains(&text), rule)
}

fn line(field: &'static str, value: Option<Value>, most: usize) -> Result<Option<String>, ApiError> {
    checked(field, text(field, value)?, most, char::is_control)
}

fn lines(field: &'static str, value: Option<Value>, most: usize) -> Result<Option<String>, ApiError> {
    checked(field, text(field, value)?, most, |c| c.is_control() && c != '\n')
}

fn checked(
    field: &'static str,
    text: Option<String>,
    most: usize,
    is_forbidden: impl Fn(char) -> bool,
) -> Result<Option<String>, ApiError> {
    let fits = |text: &str| {
        text.encode_utf16().count() <= most && !text.trim().is_empty() && !text.chars().any(is_forbidden)
    };
    if text.as_deref().is_none_or(fits) {
        return Ok(text);
    }
    let rule =
        format!("must have 1 to {most} UTF-16 code units, something to read and no control characters");
    Err(invalid(field, rule))
}

fn list(field: &'static str, value: Option<Value>, most: usize) -> Result<Option<Vec<Value>>, ApiError> {
    match value {
        None => Ok(None),
        Some(Value::Array(items)) if items.len() <= most => Ok(Some(items)),
        Some(_) => Err(invalid(field, format!("must be a list of at most {most} strings"))),
    }
}

fn suggestions(value: Option<Value>) -> Result<Option<Vec<String>>, ApiError> {
    let field = "suggestions";
    let Some(items) = list(field, value, SUGGESTIONS)? else { return Ok(None) };
    let read = |item| line(field, Some(item), 120)?.ok_or_else(|| invalid(field, "must be strings"));
    items.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn image_hosts(value: Option<Value>) -> Result<Option<Vec<String>>, ApiError> {
    let field = "imageHosts";
    let Some(items) = list(field, value, IMAGE_HOSTS)? else { return Ok(None) };
    let rule =
        "must be host names such as images.example.com or *.example.com, without scheme, port and path";
    let read = |item| match item {
        Value::String(host) if is_host(host.strip_prefix("*.").unwrap_or(&host)) => {
            Ok(host.to_ascii_lowercase())
        }
        _ => Err(invalid(field, rule)),
    };
    items.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// As much of BCP 47 as keeps what is none of it out.
pub(crate) fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_language =
        |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
    let is_subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= 35 && parts.next().is_some_and(is_language) && parts.all(is_subtag)
}

/// A name of the web: letters, digits and hyphens, with at least one dot (RFC 1123, section 2.1).
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let is_named = host == "localhost" || is_host(host);
    text.len() <= 500 && is_named && text.chars().all(|c| c.is_ascii_graphic() && !"\"'<>\\`{}|^".contains(c))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: Value) -> Result<WidgetConfig, String> {
        let body: WidgetConfigBody = serde_json::from_value(body).unwrap();
        body.check().map_err(|error| error.details[0].field.clone().into_owned())
    }

    #[test]
    fn what_is_in_order_is_kept_as_it_is() {
        let all = json!({
            "title": "Wren 🐦", "welcome": "Hello.\nAsk away.", "placeholder": "Ask", "position": "left",
            "accentColor": "#0f766E", "theme": "auto", "suggestions": ["Where is it?", "<b>"], "locale": "pt-BR",
            "imageHosts": ["images.example.com", "*.example.net"], "finePrint": "From AI", "privacyText": "a\nb",
            "privacyUrl": "https://example.com/privacy?x=1#y", "handoff": false,
        });
        assert_eq!(serde_json::to_value(check(all.clone()).unwrap()).unwrap(), all);
        assert_eq!(serde_json::to_value(check(json!({ "title": null })).unwrap()).unwrap(), json!({}));
        assert_eq!(
            check(json!({ "suggestions": [], "imageHosts": [] })).unwrap().suggestions,
            Some(Vec::new())
        );
    }

    #[test]
    fn what_is_not_in_order_is_named() {
        for (field, value) in [
            ("title", json!("")),
            ("title", json!(" \u{a0}")),
            ("title", json!("x".repeat(61))),
            ("title", json!("a\nb")),
            ("title", json!("a\u{0}b")),
            ("title", json!(1)),
            ("welcome", json!("😀".repeat(251))),
            ("placeholder", json!(["a"])),
            ("position", json!("top")),
            ("accentColor", json!("#12345")),
            ("accentColor", json!("red;}*{display:none")),
            ("theme", json!("Dark")),
            ("suggestions", json!(["a", "b", "c", "d", "e"])),
            ("suggestions", json!([null])),
            ("suggestions", json!("a")),
            ("suggestions", json!(["x".repeat(121)])),
            ("locale", json!("x")),
            ("locale", json!("en_US")),
            ("imageHosts", json!(["https://example.com"])),
            ("imageHosts", json!(["example.com/x"])),
            ("imageHosts", json!(["*"])),
            ("imageHosts", json!(["*.*.com"])),
            ("imageHosts", json!(["localhost"])),
            ("imageHosts", json!(["a.example", 1])),
            ("imageHosts", json!(vec!["a.example"; 21])),
            ("privacyUrl", json!("javascript:alert(1)")),
            ("privacyUrl", json!("https://")),
            ("privacyUrl", json!("https://exa mple.com")),
            ("privacyUrl", json!("//example.com")),
            ("handoff", json!("false")),
            ("handoff", json!(0)),
        ] {
            let body = json!({ field: value });
            assert_eq!(check(body.clone()).unwrap_err(), field, "{body}");
        }
        assert_eq!(check(json!({ "colour": "#000000" })).unwrap_err(), "body");
    }
}
