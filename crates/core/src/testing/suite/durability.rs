//! Closing and opening again.

use std::sync::Arc;

use super::inbox::{answered_by, make};
use super::{Fixture, PAGE, SITE, session};
use crate::testing::MemoryStore;
use crate::{Clock as _, ConversationFilter, ConversationState, Store, Tag};

/// Engines that forget have nothing to show here.
pub async fn everything_is_there_after_reopening(f: &mut Fixture) {
    let Some(reopen) = f.reopen.take() else { return };
    let opened = f.say(&session("a"), "hello", "Hello").await;
    f.open(&session("b"), "unfinished").await;
    let tags = vec![Tag::parse("vip").unwrap()];
    make(f, &session("a"), ConversationState { tags, ..answered_by(f, "Maya") }, None).await;
    f.store.mark_read(SITE, opened.conversation, 1).await.unwrap();
    f.store.set_operator_password("$argon2id$x".to_owned(), f.clock.now()).await.unwrap();
    let before = (f.thread(&session("a")).await, f.thread(&session("b")).await);

    // The old store must be gone before its data is opened again.
    let placeholder: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let old = std::mem::replace(&mut f.store, placeholder);
    f.store = reopen(old).await;

    assert_eq!((f.thread(&session("a")).await, f.thread(&session("b")).await), before);
    assert_eq!(f.store.operator_password().await.unwrap().as_deref(), Some("$argon2id$x"));
    assert_eq!(f.total().await, 2);
    assert!(f.store.thread(SITE, opened.conversation, PAGE).await.unwrap().is_some());
    let filter = ConversationFilter { tag: Tag::parse("vip").ok(), ..ConversationFilter::default() };
    assert_eq!(f.store.count_conversations(SITE, &filter, 9).await.unwrap(), 1);
    make(f, &session("a"), ConversationState::default(), None).await;
    f.say(&session("a"), "again", "Hello again").await;
    assert_eq!(f.thread(&session("a")).await.messages.len(), 4);
}
