use frontdesk_core::{ConversationId, MessageId, Timestamp};
use sha2::{Digest as _, Sha256};
use uuid::Builder;

/// The id of a conversation here.
pub(super) fn conversation(origin: &str, created_at: Timestamp) -> ConversationId {
    ConversationId::from_bytes(id("conversation", origin, created_at))
}

/// The id of a message here.
pub(super) fn message(origin: &str, created_at: Timestamp) -> MessageId {
    MessageId::from_bytes(id("message", origin, created_at))
}

/// A UUIDv7 of that moment, so that it sorts by age as all do, with a hash in the place of its random bits.
fn id(kind: &str, origin: &str, created_at: Timestamp) -> [u8; 16] {
    let digest = Sha256::digest(format!("{kind} {origin}"));
    let mut bits = [0; 10];
    bits.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(created_at.millis()).unwrap_or(0);
    *Builder::from_unix_timestamp_millis(millis, &bits).as_uuid().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_row_has_the_same_id_and_another_has_another() {
        let at = Timestamp::from_millis(1_763_826_000_000);
        assert_eq!(message("j57a", at).to_string(), "019aac38-e080-7b62-86c9-93801eafdf02");
        assert_eq!(message("j57a", at), message("j57a", at));
        assert_ne!(message("j57a", at), message("j57b", at));
        assert_ne!(message("j57a", at).as_bytes(), conversation("j57a", at).as_bytes());
        assert!(message("a", at) < message("a", Timestamp::from_millis(at.millis() + 1)));
    }
}
