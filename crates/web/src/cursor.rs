//! Places in lists, as clients carry them from page to page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk_core::{ConversationId, ListCursor, SiteId, Timestamp};
use sha2::{Digest as _, Sha256};

/// A place in a site's list of conversations, as text.
///
/// It ends in a checksum that covers the site, so that one that was cut off, altered or taken from another site is seen
/// to be wrong. It is no secret and opens nothing.
pub(crate) fn encode(site: SiteId, cursor: ListCursor) -> String {
    let mut bytes = [0; 28];
    bytes[..8].copy_from_slice(&cursor.updated_at.millis().to_be_bytes());
    bytes[8..24].copy_from_slice(cursor.id.as_bytes());
    let sum = checksum(site, &bytes[..24]);
    bytes[24..].copy_from_slice(&sum);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place that a text stands for; `None` if it is not one that [`encode`] made for this site.
pub(crate) fn decode(site: SiteId, text: &str) -> Option<ListCursor> {
    let bytes: [u8; 28] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (place, sum) = bytes.split_at(24);
    let (time, id) = place.split_at(8);
    (checksum(site, place) == *sum).then_some(())?;
    Some(ListCursor {
        updated_at: Timestamp::from_millis(i64::from_be_bytes(time.try_into().ok()?)),
        id: ConversationId::from_bytes(id.try_into().ok()?),
    })
}

fn checksum(site: SiteId, place: &[u8]) -> [u8; 4] {
    let digest = Sha256::new().chain_update(site.as_bytes()).chain_update(place).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: ListCursor = ListCursor {
        updated_at: Timestamp::from_millis(1_767_225_600_000),
        id: ConversationId::from_bytes([7; 16]),
    };

    #[test]
    fn a_place_survives_its_text_form() {
        assert_eq!(decode(SiteId::DEFAULT, &encode(SiteId::DEFAULT, CURSOR)), Some(CURSOR));
    }

    #[test]
    fn altered_and_foreign_places_are_refused() {
        let text = encode(SiteId::DEFAULT, CURSOR);
        for at in 0..text.len() {
            let altered: String = text
                .char_indices()
                .map(|(place, c)| if place == at { if c == 'A' { 'B' } else { 'A' } } else { c })
                .collect();
            assert_eq!(decode(SiteId::DEFAULT, &altered), None, "{altered}");
        }
        for bad in ["", "x", &text[1..], &format!("{text}A"), "ü"] {
            assert_eq!(decode(SiteId::DEFAULT, bad), None, "{bad}");
        }
        assert_eq!(decode(SiteId::from_bytes([9; 16]), &text), None);
    }
}
