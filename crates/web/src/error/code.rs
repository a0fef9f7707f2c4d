//! The table of error codes: the one place where they become statuses and words.

use frontdesk_core::TurnFailure;
use http::StatusCode;

/// What a client is told when something is refused or fails. [`Code::facts`] has one row for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    AdminNotConfigured,
    AnswerNotEnded,
    BadRequest,
    ConversationBusy,
    ConversationNotFound,
    ConversationTaken,
    DuplicateField,
    DuplicateHeader,
    ExpiredIdentityToken,
    Forbidden,
    HandoffOff,
    IdempotencyMismatch,
    InsecureLogin,
    Internal,
    InvalidCharacter,
    InvalidConversationId,
    InvalidCursor,
    InvalidIdempotencyKey,
    InvalidIdentityToken,
    InvalidJson,
    InvalidPassword,
    InvalidQuery,
    InvalidRequest,
    InvalidSessionId,
    InvalidSessionSecret,
    InvalidUtf8,
    MessageBlank,
    MessageTooLong,
    MethodNotAllowed,
    NotFound,
    OriginDenied,
    Overloaded,
    PasswordRequired,
    PayloadTooLarge,
    RateLimited,
    RequestTimeout,
    SessionSecretRequired,
    ShuttingDown,
    StorageFull,
    StorageUnavailable,
    TooManyDrafts,
    TooManyLogins,
    TooManyTags,
    Turn(TurnFailure),
    Unauthorized,
    UnsupportedEncoding,
    UnsupportedMediaType,
}

/// How a [`Code`] is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// The status of the response.
    pub(crate) status: StatusCode,
    /// The stable name that programs go by.
    pub(crate) code: &'static str,
    /// The sentence of the `error` member; the origin's own where it had one.
    pub(crate) error: &'static str,
    /// What it means and what to do, for the documentation.
    pub(crate) meaning: &'static str,
}

const INVALID_PAYLOAD: &str = "Invalid request payload";
const INVALID_QUERY: &str = "Invalid query parameters";
const UNSUPPORTED: &str = "Unsupported media type";
const UNAVAILABLE: &str = "Service unavailable";
const NO_ANSWER: &str = "The assistant could not answer";

impl Code {
    /// Whether a server error means that a limit or a setting does its work, so that nobody has to look for a fault.
    pub(crate) const fn is_meant(self) -> bool {
        matches!(self, Self::AdminNotConfigured | Self::Overloaded | Self::ShuttingDown)
    }

    /// Every code, for the documentation.
    pub(crate) const ALL: [Self; 57] = {
        use TurnFailure as T;
        [
            Self::AdminNotConfigured,
            Self::AnswerNotEnded,
            Self::Turn(T::AnswerTooLarge),
            Self::BadRequest,
            Self::Turn(T::ContentFiltered),
            Self::ConversationBusy,
            Self::ConversationNotFound,
            Self::ConversationTaken,
            Self::DuplicateField,
            Self::DuplicateHeader,
            Self::Turn(T::EmptyAnswer),
            Self::ExpiredIdentityToken,
            Self::Forbidden,
            Self::HandoffOff,
            Self::IdempotencyMismatch,
            Self::InsecureLogin,
            Self::Internal,
            Self::InvalidCharacter,
            Self::InvalidConversationId,
            Self::InvalidCursor,
            Self::InvalidIdempotencyKey,
            Self::InvalidIdentityToken,
            Self::InvalidJson,
            Self::InvalidPassword,
            Self::InvalidQuery,
            Self::InvalidRequest,
            Self::InvalidSessionId,
            Self::InvalidSessionSecret,
            Self::InvalidUtf8,
            Self::MessageBlank,
            Self::MessageTooLong,
            Self::MethodNotAllowed,
            Self::NotFound,
            Self::OriginDenied,
            Self::Overloaded,
            Self::PasswordRequired,
            Self::PayloadTooLarge,
            Self::RateLimited,
            Self::RequestTimeout,
            Self::Turn(T::Restarted),
            Self::SessionSecretRequired,
            Self::ShuttingDown,
            Self::Turn(T::ShuttingDown),
            Self::StorageFull,
            Self::StorageUnavailable,
            Self::TooManyDrafts,
            Self::TooManyLogins,
            Self::TooManyTags,
            Self::Unauthorized,
            Self::UnsupportedEncoding,
            Self::UnsupportedMediaType,
            Self::Turn(T::UpstreamBusy),
            Self::Turn(T::Upstream),
            Self::Turn(T::UpstreamInterrupted),
            Self::Turn(T::UpstreamMisconfigured),
            Self::Turn(T::UpstreamTimeout),
            Self::Turn(T::Storage),
        ]
    };

    /// How the code is told: the one place where codes become statuses and words.
    #[expect(clippy::too_many_lines, reason = "it is a table")]
    pub(crate) const fn facts(self) -> Facts {
        use StatusCode as S;
        let (status, code, error, meaning) = match self {
            Self::AdminNotConfigured => (
                S::SERVICE_UNAVAILABLE,
                "admin_not_configured",
                "ADMIN_API_KEY is not configured on this deployment",
                "The admin API is off until ADMIN_API_KEY is set.",
            ),
            Self::AnswerNotEnded => (
                S::CONFLICT,
                "answer_not_ended",
                "The answer is still being written",
                "An answer can be rated when it has ended.",
            ),
            Self::BadRequest => (
                S::BAD_REQUEST,
                "bad_request",
                "Bad request",
                "The request itself is malformed: its Host header, its target or its framing.",
            ),
            Self::ConversationBusy => (
                S::CONFLICT,
                "conversation_busy",
                "Another answer is still being written",
                "A conversation writes one answer at a time. Wait as long as Retry-After says, or stop the answer.",
            ),
            Self::ConversationNotFound => (
                S::NOT_FOUND,
                "conversation_not_found",
                "Conversation not found",
                "There is no conversation with this id.",
            ),
            Self::ConversationTaken => (
                S::CONFLICT,
                "conversation_taken",
                "Another operator has the conversation",
                "Only the operator who has a conversation speaks in it and hands it back; `answering` says who that is, and since when.",
            ),
            Self::DuplicateField => (
                S::BAD_REQUEST,
                "duplicate_field",
                INVALID_PAYLOAD,
                "A member of the JSON object is there twice, which readers understand differently.",
            ),
            Self::DuplicateHeader => (
                S::BAD_REQUEST,
                "duplicate_header",
                INVALID_PAYLOAD,
                "A header that may be there once is there twice.",
            ),
            Self::ExpiredIdentityToken => (
                S::UNAUTHORIZED,
                "expired_identity_token",
                "Unauthorized",
                "The identity token is over. Ask the site for a new one.",
            ),
            Self::Forbidden => (
                S::FORBIDDEN,
                "forbidden",
                "Forbidden",
                "The request comes from another site, or not from a browser's own page.",
            ),
            Self::HandoffOff => (
                S::FORBIDDEN,
                "handoff_off",
                "Nobody can be asked for",
                "The site's owner has turned off that visitors ask for a person.",
            ),
            Self::IdempotencyMismatch => (
                S::UNPROCESSABLE_ENTITY,
                "idempotency_mismatch",
                "This idempotency key was used for another message",
                "An idempotency key stands for one message. Use a new key for a new message.",
            ),
            Self::InsecureLogin => (
                S::FORBIDDEN,
                "insecure_login",
                "Sign in over HTTPS",
                "A password is not taken over plain HTTP, except from the machine itself.",
            ),
            Self::Internal => (
                S::INTERNAL_SERVER_ERROR,
                "internal_error",
                "Internal server error",
                "A defect of the server. Its log has the details under the request's id.",
            ),
            Self::InvalidCharacter => {
                (S::BAD_REQUEST, "invalid_character", INVALID_PAYLOAD, "The message has a NUL character.")
            }
            Self::InvalidConversationId => (
                S::BAD_REQUEST,
                "invalid_conversation_id",
                "Invalid conversationId",
                "The id is longer than 128 characters.",
            ),
            Self::InvalidCursor => (
                S::BAD_REQUEST,
                "invalid_cursor",
                INVALID_QUERY,
                "The cursor is not one that this server gave, or not a place in the answer.",
            ),
            Self::InvalidIdempotencyKey => (
                S::BAD_REQUEST,
                "invalid_idempotency_key",
                INVALID_PAYLOAD,
                "An idempotency key has 1 to 255 visible ASCII characters.",
            ),
            Self::InvalidIdentityToken => (
                S::UNAUTHORIZED,
                "invalid_identity_token",
                "Unauthorized",
                "The identity token is not one that the site has signed.",
            ),
            Self::InvalidJson => (S::BAD_REQUEST, "invalid_json", INVALID_PAYLOAD, "The body is not JSON."),
            Self::InvalidPassword => (
                S::UNAUTHORIZED,
                "invalid_password",
                "Invalid password",
                "The dashboard's password is another one.",
            ),
            Self::InvalidQuery => (
                S::BAD_REQUEST,
                "invalid_query",
                INVALID_QUERY,
                "A query parameter is out of bounds or repeated.",
            ),
            Self::InvalidRequest => (
                S::BAD_REQUEST,
                "invalid_request",
                INVALID_PAYLOAD,
                "A member is missing or of the wrong type; `details` names it.",
            ),
            Self::InvalidSessionId => (
                S::BAD_REQUEST,
                "invalid_session_id",
                INVALID_PAYLOAD,
                "A session id has 1 to 128 of the characters A-Z a-z 0-9 . _ : and -.",
            ),
            Self::InvalidSessionSecret => (
                S::BAD_REQUEST,
                "invalid_session_secret",
                INVALID_PAYLOAD,
                "A session secret has 43 base64url characters.",
            ),
            Self::InvalidUtf8 => (S::BAD_REQUEST, "invalid_utf8", INVALID_PAYLOAD, "The body is not UTF-8."),
            Self::MessageBlank => {
                (S::BAD_REQUEST, "message_blank", INVALID_PAYLOAD, "The message has nothing to read in it.")
            }
            Self::MessageTooLong => (
                S::BAD_REQUEST,
                "message_too_long",
                INVALID_PAYLOAD,
                "A message has at most 4000 UTF-16 code units.",
            ),
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
                "The address exists, but not for this method; the Allow header has those it is for.",
            ),
            Self::NotFound => (S::NOT_FOUND, "not_found", "Not found", "There is nothing at this address."),
            Self::OriginDenied => (
                S::FORBIDDEN,
                "origin_denied",
                "Origin not allowed",
                "The page's origin is not in CORS_ORIGIN.",
            ),
            Self::Overloaded => (
                S::SERVICE_UNAVAILABLE,
                "overloaded",
                UNAVAILABLE,
                "The server writes as many answers as it takes on at once. Come back as Retry-After says.",
            ),
            Self::PasswordRequired => {
                (S::BAD_REQUEST, "password_required", "Password is required", "The password is missing.")
            }
            Self::PayloadTooLarge => {
                (S::PAYLOAD_TOO_LARGE, "payload_too_large", "Payload too large", "A body has at most 64 KiB.")
            }
            Self::RateLimited => (
                S::TOO_MANY_REQUESTS,
                "rate_limited",
                "Too many requests",
                "This client has sent too many requests. Come back as Retry-After says.",
            ),
            Self::RequestTimeout => (
                S::REQUEST_TIMEOUT,
                "request_timeout",
                "Request timeout",
                "The body took longer than 30 seconds.",
            ),
            Self::SessionSecretRequired => (
                S::UNAUTHORIZED,
                "session_secret_required",
                "Unauthorized",
                "What a visitor wrote is shown only with the session's secret (x-session-secret).",
            ),
            Self::ShuttingDown => (
                S::SERVICE_UNAVAILABLE,
                "shutting_down",
                UNAVAILABLE,
                "The server is being shut down. Another one, or the next start, will take the request.",
            ),
            Self::StorageFull => (
                S::SERVICE_UNAVAILABLE,
                "storage_full",
                UNAVAILABLE,
                "The disk is full, so nothing can be accepted. Nothing was lost.",
            ),
            Self::StorageUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "storage_unavailable",
                UNAVAILABLE,
                "The database cannot be reached, so nothing can be accepted. Nothing was lost.",
            ),
            Self::TooManyDrafts => (
                S::CONFLICT,
                "too_many_drafts",
                "Too many drafts",
                "A conversation has at most 20 drafts, of all operators together. Send some, or take them away.",
            ),
            Self::TooManyLogins => (
                S::TOO_MANY_REQUESTS,
                "too_many_logins",
                "Too many login attempts",
                "Too many passwords were tried. Come back as Retry-After says.",
            ),
            Self::TooManyTags => (
                S::CONFLICT,
                "too_many_tags",
                "Too many tags",
                "A conversation has at most 20 tags. Take some off first.",
            ),
            Self::Turn(failure) => return turn_facts(failure),
            Self::Unauthorized => (
                S::UNAUTHORIZED,
                "unauthorized",
                "Unauthorized",
                "The key is missing, wrong, or for something else.",
            ),
            Self::UnsupportedEncoding => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_encoding",
                UNSUPPORTED,
                "Bodies are taken uncompressed only.",
            ),
            Self::UnsupportedMediaType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                UNSUPPORTED,
                "The body must be application/json in UTF-8.",
            ),
        };
        Facts { status, code, error, meaning }
    }
}

/// How the failure of an answer is told: as a response to `POST /v1/chat`, or as the last event of a stream.
const fn turn_facts(failure: TurnFailure) -> Facts {
    use StatusCode as S;
    let (status, error, meaning) = match failure {
        TurnFailure::Upstream => {
            (S::BAD_GATEWAY, NO_ANSWER, "The model's server refused, or could not be reached. Try again.")
        }
        TurnFailure::UpstreamTimeout => (
            S::GATEWAY_TIMEOUT,
            "The assistant took too long to answer",
            "The model's server did not answer in time.",
        ),
        TurnFailure::UpstreamBusy => (
            S::SERVICE_UNAVAILABLE,
            "The assistant is busy",
            "The model's server is over its limit. Come back as Retry-After says.",
        ),
        TurnFailure::UpstreamMisconfigured => (
            S::BAD_GATEWAY,
            NO_ANSWER,
            "The model's server does not accept the key, the model or the request. The server's log says more.",
        ),
        TurnFailure::UpstreamInterrupted => (
            S::BAD_GATEWAY,
            "The answer ended before its end",
            "The model's stream broke off. The text that had arrived is kept.",
        ),
        TurnFailure::EmptyAnswer => (
            S::BAD_GATEWAY,
            "I could not generate a response right now.",
            "The model finished without a word.",
        ),
        TurnFailure::ContentFiltered => {
            (S::BAD_GATEWAY, NO_ANSWER, "A content filter left nothing of the answer.")
        }
        TurnFailure::AnswerTooLarge => (
            S::BAD_GATEWAY,
            "The answer was too long",
            "The answer grew past the limit of size. The text up to there is kept.",
        ),
        TurnFailure::ShuttingDown => (
            S::SERVICE_UNAVAILABLE,
            "The answer was interrupted",
            "The server was shut down while the answer was written. The text up to there is kept.",
        ),
        TurnFailure::Restarted => (
            S::BAD_GATEWAY,
            "The answer was interrupted",
            "The server ended while the answer was written. The text up to there is kept.",
        ),
        TurnFailure::Storage => (
            S::SERVICE_UNAVAILABLE,
            "The answer could not be stored",
            "The database cannot be written to. The server goes on trying to store the answer.",
        ),
        TurnFailure::Internal => return Code::Internal.facts(),
    };
    Facts { status, code: failure.code(), error, meaning }
}
