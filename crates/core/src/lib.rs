//! What a conversation is.
//!
//! This crate holds the words of the product (site, session, conversation, turn, message), the ports through which it
//! reaches the world ([`Store`], [`Model`], [`Notifier`], [`Clock`], [`Random`]), and [`Chat`], the service that runs a
//! turn. It knows nothing of HTTP, SQL or any vendor: those live in the crates that depend on it.

mod canned_replies;
mod chat;
mod clock;
mod conversation;
mod draft;
mod email;
mod feedback;
mod host;
mod id;
mod idempotency;
mod identity;
mod limits;
mod log;
mod message;
mod model;
mod notifier;
mod office_hours;
mod operator;
mod prices;
mod prompt;
mod random;
mod relay;
mod search;
mod session;
mod site;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod throttle;
mod visitor_name;

pub use canned_replies::{CannedReplies, CannedReply, InvalidCannedReplies};
pub use chat::{
    AskForPerson, Asked, Chat, ChatPorts, ChatSettings, ConversationEdit, DraftPlace, Edited, Feed,
    FeedCursor, FeedEvent, Feeds, FollowError, HandBack, Inbox, InvalidFeedCursor, Noted, Reply, SendError,
    SendMessage, Sent, SiteFeed, SiteNews, TYPING_LASTS, TakeOver, Turn, Typing, Typist,
};
pub use clock::{Clock, SystemClock, Timestamp};
pub use conversation::{
    Answering, ConversationState, ConversationStatus, EventKind, InvalidTag, MAX_TAGS, Tag, Visit,
};
pub use draft::{Draft, DraftKind, Drafts, MAX_DRAFTS};
pub use email::{EmailAddress, InvalidEmailAddress};
pub use feedback::{Feedback, FeedbackReason, InvalidComment, MAX_COMMENT_UNITS, Rating, check_comment};
pub use host::is_near;
pub use id::{ConversationId, KeyId, MessageId, NodeId, NoticeId, SiteId};
pub use idempotency::{IdempotencyKey, InvalidIdempotencyKey};
pub use identity::{InvalidIdentity, VisitorIdentity};
pub use limits::{RateLimit, SharedLimits};
pub use log::{CursorOutOfRange, TurnEnd, TurnLog, TurnReader, TurnUpdate};
pub use message::{AnswerFacts, FinishReason, Message, MessageStatus, Role, TurnFailure, Usage};
pub use model::{AnswerStream, Model, ModelEnd, ModelError, ModelErrorKind, ModelEvent};
pub use notifier::{Notifier, PersonRequest};
pub use office_hours::{InvalidOfficeHours, MinuteOfDay, OfficeHours, OpenHours, WEEKDAYS};
pub use operator::{InvalidOperatorName, OperatorName, OperatorSession, TokenHash};
pub use prices::{Cost, Currency, InvalidPrices, Prices};
pub use prompt::{Prompt, PromptLimits, PromptMessage, Speaker, build_prompt};
pub use random::{Random, SystemRandom, fraction, secret_text};
pub use relay::{AnswerNews, NodeNews, Relay};
pub use search::{Excerpt, SearchQuery, SearchWord, index_words};
pub use session::{InvalidSecret, InvalidSessionId, SecretHash, SessionId, SessionKey};
pub use site::{KeyKind, SiteDocument, StoredKey};
pub use store::{
    Assigned, BeginConversation, Changes, CloseTurn, ConversationFilter, ConversationList, ConversationName,
    ConversationQuery, ConversationSearch, ConversationStore, ConversationSummary, ConversationUpdate,
    DeletedConversation, DeliveredMessage, HistoryEntry, InboxStore, ListCursor, LoginTry, ModelUsage,
    NewMessage, NodeBeats, NodeStore, OpenTurn, OpenedTurn, OperatorStore, RateAnswer, RatedAnswer,
    RepeatedTurn, SaveDraft, SavePartial, SavedDraft, SearchHit, SearchPage, SiteStore, Store, StoreError,
    StoreErrorKind, Thread, ThreadPage, TurnIds, TurnOpening, USAGE_MESSAGES, UpdatedConversation,
};
pub use text::{InvalidText, MAX_MESSAGE_UNITS, MessageText, PREVIEW_UNITS, preview};
pub use throttle::{ThrottleDecision, ThrottleRule, ThrottleState};
pub use visitor_name::visitor_name;
