//! Language models behind the port [`frontdesk_core::Model`].
//!
//! [`HttpModel`] speaks to every server that offers OpenAI's API, in either of its two forms, Chat Completions and Responses, or
//! Anthropic's Messages. [`ResilientModel`] asks again, and asks others, when a server fails. [`UnconfiguredModel`] stands in where no server is set, and says so.

mod breaker;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod http;
mod resilient;
mod sse;
mod unconfigured;

pub use http::{
    ApiForm, ApiFormSetting, BaseUrl, HttpModel, InvalidBaseUrl, InvalidModelKey, ModelKey, ModelSettings,
    ModelTimeouts,
};
pub use resilient::ResilientModel;
pub use sse::{SseError, SseReader};
pub use unconfigured::UnconfiguredModel;
