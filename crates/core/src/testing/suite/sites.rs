//! Sites and keys.

use super::{Fixture, OTHER_SITE, SITE};
use crate::{Clock as _, KeyId, KeyKind, SiteDocument, SiteId, StoreErrorKind, StoredKey};

fn key(f: &Fixture, name: u8, site: SiteId) -> StoredKey {
    StoredKey {
        id: KeyId::from_bytes([name; 16]),
        site,
        kind: KeyKind::Public,
        sha256: [name; 32],
        text: Some(format!("pk_{name}")),
        created_at: f.clock.now(),
    }
}

pub async fn making_a_site_twice_keeps_the_first(f: &mut Fixture) {
    f.store.ensure_site(SITE, "another name", f.clock.now()).await.unwrap();
    f.store.add_key(key(f, 1, SITE)).await.unwrap();
    f.store.ensure_site(SITE, "another name", f.clock.now()).await.unwrap();
    assert_eq!(f.store.keys(SITE).await.unwrap().len(), 1);
}

pub async fn keys_are_listed_oldest_first(f: &mut Fixture) {
    let second = key(f, 2, SITE);
    let first = key(f, 1, SITE);
    f.pass(1);
    let admin = StoredKey { kind: KeyKind::Admin, text: None, ..key(f, 0, SITE) };
    for new in [&admin, &second, &first, &key(f, 9, OTHER_SITE)] {
        f.store.add_key(new.clone()).await.unwrap();
    }
    assert_eq!(f.store.keys(SITE).await.unwrap(), [first, second, admin]);
}

pub async fn a_key_exists_once(f: &mut Fixture) {
    f.store.add_key(key(f, 1, SITE)).await.unwrap();
    let same_text = StoredKey { id: KeyId::from_bytes([2; 16]), ..key(f, 1, OTHER_SITE) };
    assert_eq!(f.store.add_key(same_text).await.unwrap_err().kind, StoreErrorKind::Conflict);
    assert_eq!(f.store.keys(OTHER_SITE).await.unwrap(), []);
}

pub async fn a_document_is_kept_as_it_was_set_last(f: &mut Fixture) {
    for document in SiteDocument::ALL {
        assert_eq!(f.store.site_document(SITE, document).await.unwrap(), None);
        for text in ["{}", &format!(r#"{{"title":"Grüße 👋 {}"}}"#, document.as_str())] {
            f.store.set_site_document(SITE, document, text.to_owned()).await.unwrap();
            assert_eq!(f.store.site_document(SITE, document).await.unwrap().as_deref(), Some(text));
        }
        assert_eq!(f.store.site_document(OTHER_SITE, document).await.unwrap(), None);
    }
    for document in SiteDocument::ALL {
        let kept = f.store.site_document(SITE, document).await.unwrap().unwrap();
        assert!(kept.contains(document.as_str()), "{kept}");
    }
}
