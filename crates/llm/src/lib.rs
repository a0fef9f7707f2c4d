//! Language models behind the port [`frontdesk_core::Model`].
//!
//! [`OpenAiModel`] speaks to every server that offers OpenAI's API, in either of its two forms: Chat Completions and
//! Responses. [`UnconfiguredModel`] stands in where no server is set, and says so.

mod openai;
mod sse;
mod unconfigured;

pub use openai::{
    ApiForm, ApiFormSetting, BaseUrl, InvalidBaseUrl, ModelKey, ModelSettings, ModelTimeouts, OpenAiModel,
};
pub use sse::{SseError, SseReader};
pub use unconfigured::UnconfiguredModel;
