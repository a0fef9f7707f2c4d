//! What tests of this and other crates need: ports that do as they are told, and the suite that every store must pass.

mod clock;
mod memory;
mod model;
mod notifier;
mod random;
mod relay;
pub mod suite;

pub use clock::ManualClock;
pub use memory::MemoryStore;
pub use model::{ModelCall, ModelCalls, ScriptedModel};
pub use notifier::RecordingNotifier;
pub use random::SeededRandom;
pub use relay::MemoryRelay;
