//! Where everything is kept: the port that every engine implements.
//!
//! # The contract
//!
//! - **A method is one atomic unit of work.** None may be observed half done, and there is no transaction to hold open:
//!   a Convex mutation could not be.
//! - **An `Ok` means stored**: it survives a crash of the process, and of the machine where the engine can promise that.
//! - **Time and ids come in**, never from the database. Two engines given the same calls hold the same data.
//! - **Absence is `Ok(None)`.** Errors are for failures, and say which of four kinds they are ([`StoreErrorKind`]).
//! - **Order is part of the contract**, tie-breaks included.
//! - **Everything belongs to a site**, and no method crosses from one to another.
//!
//! The conformance suite in `testing::suite` (feature `testing`) holds every engine to this, case by case.

mod conversations;
mod error;
mod inbox;
mod nodes;
mod operators;
mod sites;

pub use conversations::{
    Changes, CloseTurn, ConversationList, ConversationName, ConversationQuery, ConversationSearch,
    ConversationStore, ConversationSummary, DeletedConversation, DeliveredMessage, HistoryEntry, ListCursor,
    OpenTurn, OpenedTurn, RateAnswer, RatedAnswer, RepeatedTurn, SavePartial, SearchHit, SearchPage, Thread,
    ThreadPage, TurnIds, TurnOpening,
};
pub use error::{StoreError, StoreErrorKind};
pub use inbox::{
    Assigned, BeginConversation, ConversationFilter, ConversationUpdate, InboxStore, ModelUsage, NewMessage,
    SaveDraft, SavedDraft, USAGE_MESSAGES, UpdatedConversation,
};
pub use nodes::{NodeBeats, NodeStore};
pub use operators::{LoginTry, OperatorStore};
pub use sites::SiteStore;

/// Everything an engine offers.
pub trait Store: ConversationStore + InboxStore + NodeStore + OperatorStore + SiteStore {}

impl<S: ConversationStore + InboxStore + NodeStore + OperatorStore + SiteStore> Store for S {}
