//! What operators have begun to write.

use super::inbox::operator;
use super::{Fixture, OTHER_SITE, SITE, session};
use crate::{
    ConversationId, ConversationName, DraftKind, Drafts, MAX_DRAFTS, MessageText, SaveDraft, SavedDraft,
};

fn save(conversation: ConversationId, name: &str, kind: DraftKind, text: &str) -> SaveDraft {
    let text = MessageText::parse(text.to_owned()).ok();
    SaveDraft { site: SITE, conversation, operator: operator(name), kind, text }
}

async fn keep(f: &Fixture, save: SaveDraft) {
    assert_eq!(f.store.save_draft(save).await.unwrap(), Some(SavedDraft::Done));
}

async fn drafts(f: &Fixture, conversation: ConversationId, name: &str) -> (String, String) {
    let Drafts { reply, note } = f.store.drafts(SITE, conversation, &operator(name)).await.unwrap().unwrap();
    (reply.unwrap_or_default(), note.unwrap_or_default())
}

fn pair(reply: &str, note: &str) -> (String, String) {
    (reply.to_owned(), note.to_owned())
}

pub async fn each_operator_has_a_draft_of_a_reply_and_one_of_a_note(f: &mut Fixture) {
    let first = f.say(&session("a"), "hello", "Hello").await.conversation;
    let second = f.say(&session("b"), "hello", "Hello").await.conversation;
    let before = f.thread(&session("a")).await;
    assert_eq!(drafts(f, first, "Maya").await, pair("", ""));
    let longest = "\u{1F600}".repeat(2000);
    keep(f, save(first, "Maya", DraftKind::Reply, "Good mor")).await;
    keep(f, save(first, "Maya", DraftKind::Reply, &longest)).await;
    keep(f, save(first, "Maya", DraftKind::Note, " 'a\r\n\"secret\\ ")).await;
    keep(f, save(first, "maya", DraftKind::Note, "another Maya")).await;
    keep(f, save(second, "Maya", DraftKind::Reply, "elsewhere")).await;
    assert_eq!(drafts(f, first, "Maya").await, pair(&longest, " 'a\r\n\"secret\\ "));
    assert_eq!(drafts(f, first, "maya").await, pair("", "another Maya"));
    assert_eq!(drafts(f, second, "Maya").await, pair("elsewhere", ""));

    keep(f, save(first, "Maya", DraftKind::Note, "")).await;
    keep(f, save(first, "Ben", DraftKind::Note, "")).await;
    assert_eq!(drafts(f, first, "Maya").await, pair(&longest, ""));
    // It is no change of the conversation.
    assert_eq!(f.thread(&session("a")).await, before);
}

pub async fn a_draft_goes_with_its_conversation(f: &mut Fixture) {
    let conversation = f.say(&session("a"), "hello", "Hello").await.conversation;
    keep(f, save(conversation, "Maya", DraftKind::Reply, "Good mor")).await;
    let elsewhere = SaveDraft { site: OTHER_SITE, ..save(conversation, "Maya", DraftKind::Reply, "x") };
    assert_eq!(f.store.save_draft(elsewhere).await.unwrap(), None);
    assert_eq!(f.store.drafts(OTHER_SITE, conversation, &operator("Maya")).await.unwrap(), None);
    let name = ConversationName::Id(SITE, conversation);
    f.store.delete_conversation(&name).await.unwrap().unwrap();
    assert_eq!(f.store.drafts(SITE, conversation, &operator("Maya")).await.unwrap(), None);
    let late = save(conversation, "Maya", DraftKind::Reply, "Good morning");
    assert_eq!(f.store.save_draft(late).await.unwrap(), None);
}

pub async fn a_conversation_has_so_many_drafts_and_no_more(f: &mut Fixture) {
    let conversation = f.say(&session("a"), "hello", "Hello").await.conversation;
    let nth = |n: u32, text: &str| save(conversation, &format!("Operator {n}"), DraftKind::Reply, text);
    for n in 0..MAX_DRAFTS {
        keep(f, nth(n, "begun")).await;
    }
    let late = nth(MAX_DRAFTS, "begun");
    assert_eq!(f.store.save_draft(late.clone()).await.unwrap(), Some(SavedDraft::TooMany));
    assert_eq!(drafts(f, conversation, &format!("Operator {MAX_DRAFTS}")).await, pair("", ""));
    keep(f, nth(3, "gone on")).await;
    assert_eq!(drafts(f, conversation, "Operator 3").await, pair("gone on", ""));
    keep(f, nth(3, "")).await;
    keep(f, late).await;
    assert_eq!(drafts(f, conversation, &format!("Operator {MAX_DRAFTS}")).await, pair("begun", ""));
}
