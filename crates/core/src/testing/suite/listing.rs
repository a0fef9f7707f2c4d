//! The list of conversations.

use super::{Fixture, OTHER_SITE, SITE, session};
use crate::{
    ConversationFilter, ConversationId, ConversationList, ConversationQuery, ListCursor, MessageStatus,
    OpenTurn, Role, SessionKey,
};

async fn list(f: &Fixture, limit: u32, after: Option<ListCursor>) -> ConversationList {
    f.store
        .conversations(ConversationQuery { site: SITE, filter: ConversationFilter::default(), after, limit })
        .await
        .unwrap()
}

fn ids(list: &ConversationList) -> Vec<ConversationId> {
    list.conversations.iter().map(|conversation| conversation.id).collect()
}

pub async fn a_new_store_lists_nothing(f: &mut Fixture) {
    let list = list(f, 10, None).await;
    assert_eq!((list.conversations.len(), list.total, list.next), (0, 0, None));
}

pub async fn latest_activity_comes_first(f: &mut Fixture) {
    let a = f.say(&session("a"), "one", "1").await.conversation;
    let b = f.say(&session("b"), "one", "1").await.conversation;
    assert_eq!(ids(&list(f, 10, None).await), [b, a]);
    f.pass(1);
    f.open(&session("a"), "again").await;
    assert_eq!(ids(&list(f, 10, None).await), [a, b]);
}

pub async fn equal_times_are_ordered_by_id(f: &mut Fixture) {
    let mut expected = Vec::new();
    for n in 0..5 {
        expected.push(f.open(&session(&format!("s{n}")), "now").await.conversation);
    }
    expected.sort();
    expected.reverse();
    assert_eq!(ids(&list(f, 10, None).await), expected);
}

pub async fn paging_visits_every_conversation_once(f: &mut Fixture) {
    for n in 0..23 {
        f.open(&session(&format!("s{n}")), "hello").await;
        f.pass(u64::from(n % 3 == 0));
    }
    let whole = ids(&list(f, 100, None).await);
    assert_eq!(whole.len(), 23);
    for limit in [1, 4, 22, 23] {
        let (mut visited, mut cursor) = (Vec::new(), None);
        loop {
            let page = list(f, limit, cursor).await;
            assert_eq!(page.total, 23);
            visited.extend(ids(&page));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(visited, whole, "limit {limit}");
    }
}

pub async fn the_total_counts_the_site_only(f: &mut Fixture) {
    f.say(&session("a"), "here", "ok").await;
    f.open(&SessionKey { site: OTHER_SITE, ..session("b") }, "there").await;
    assert_eq!(f.total().await, 1);
    let there =
        ConversationQuery { site: OTHER_SITE, filter: ConversationFilter::default(), after: None, limit: 10 };
    let there = f.store.conversations(there).await.unwrap();
    assert_eq!((there.total, there.conversations.len()), (1, 1));
}

pub async fn the_preview_is_what_was_last_said(f: &mut Fixture) {
    let opened = f.open(&session("a"), "question").await;
    let summary = &list(f, 1, None).await.conversations[0];
    assert_eq!((summary.last_message.as_str(), summary.last_role), ("question", Role::Visitor));
    f.pass(2);
    f.close(opened.answer, MessageStatus::Complete, "answer").await;
    let summary = &list(f, 1, None).await.conversations[0];
    assert_eq!((summary.last_message.as_str(), summary.last_role), ("answer", Role::Assistant));
    assert_eq!(summary.updated_at.millis() - summary.created_at.millis(), 2000);
}

pub async fn the_preview_is_cut_between_characters(f: &mut Fixture) {
    let text = format!("a{}", "😀".repeat(400));
    f.open(&session("a"), &text).await;
    let preview = list(f, 1, None).await.conversations[0].last_message.clone();
    assert_eq!(preview.encode_utf16().count(), 499);
    assert!(text.starts_with(&preview));
}

pub async fn a_failed_answer_leaves_the_preview(f: &mut Fixture) {
    let opened = f.open(&session("a"), "question").await;
    f.close(opened.answer, MessageStatus::Failed, "").await;
    let summary = &list(f, 1, None).await.conversations[0];
    assert_eq!((summary.last_message.as_str(), summary.last_role), ("question", Role::Visitor));
}

pub async fn a_retried_old_answer_leaves_the_preview(f: &mut Fixture) {
    let failed = f.accept(f.keyed_turn(&session("a"), "one", "k1")).await;
    f.close(failed.answer, MessageStatus::Failed, "").await;
    f.say(&session("a"), "two", "2").await;
    let again: OpenTurn = f.keyed_turn(&session("a"), "one", "k1");
    let again = f.accept(again).await;
    f.close(again.answer, MessageStatus::Complete, "1").await;
    let summary = &list(f, 1, None).await.conversations[0];
    assert_eq!((summary.last_message.as_str(), summary.message_count), ("2", 4));
}
