use std::fmt;

use uuid::{Builder, Uuid};

use crate::{Clock, Random};

/// Mints a UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then random bits, so that ids sort by age.
fn mint(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(clock.now().millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// A UUIDv7, minted by us and equal in every engine. Its text form is the hyphenated one.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id.
            pub fn mint(clock: &dyn Clock, random: &dyn Random) -> Self {
                Self(mint(clock, random))
            }

            /// The id written as `text`; `None` if it is not the hyphenated form of a UUID.
            pub fn parse(text: &str) -> Option<Self> {
                let id = Uuid::try_parse(text).ok()?;
                (text.len() == 36).then_some(Self(id))
            }

            /// The id of these sixteen bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes of this id.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }
    };
}

id! {
    /// Names a site: one website with its own settings and keys.
    SiteId
}
id! {
    /// Names a conversation.
    ConversationId
}
id! {
    /// Names a node: one process that runs turns, from its start to its end.
    NodeId
}
id! {
    /// Names a message of a conversation.
    MessageId
}
id! {
    /// Names a notice to the team, the same however often it is sent.
    NoticeId
}
id! {
    /// Names an API key, without being one.
    KeyId
}

impl SiteId {
    /// The site every deployment begins with. Fixed, so that several nodes starting at once agree on it.
    pub const DEFAULT: Self = Self::from_bytes([0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ManualClock, SeededRandom};

    #[test]
    fn ids_sort_by_age_and_survive_their_text_form() {
        let (clock, random) = (ManualClock::default(), SeededRandom::new(1));
        let first = MessageId::mint(&clock, &random);
        clock.advance(std::time::Duration::from_millis(1));
        let second = MessageId::mint(&clock, &random);
        assert!(first < second);
        assert_eq!(MessageId::parse(&first.to_string()), Some(first));
        assert_eq!(MessageId::from_bytes(*first.as_bytes()), first);
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        for text in ["", "x", "018f3b1c9c6a7e2f8a4b1c2d3e4f5a6b", "{018f3b1c-9c6a-7e2f-8a4b-1c2d3e4f5a6b}"] {
            assert_eq!(ConversationId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_default_site_is_written_like_any_other() {
        assert_eq!(SiteId::DEFAULT.to_string(), "00000000-0000-7000-8000-000000000001");
    }
}
