//! What has changed in a conversation.

use super::{Fixture, OTHER_SITE, SITE, bare_session, session};
use crate::{Changes, ConversationName, MessageStatus, SavePartial, SessionKey};

async fn changes(f: &Fixture, after: u32, limit: u32) -> Changes {
    let name = ConversationName::Session(session("a"));
    f.store.changes(&name, after, limit).await.unwrap().unwrap()
}

/// The places and numbers of the messages that changed.
fn numbers(changes: &Changes) -> Vec<(u32, u32)> {
    changes.messages.iter().map(|message| (message.seq, message.revision)).collect()
}

pub async fn every_change_has_the_next_number(f: &mut Fixture) {
    let failed = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    assert_eq!(numbers(&changes(f, 0, 9).await), [(1, 1), (2, 2)]);
    f.close(failed.answer, MessageStatus::Failed, "").await;
    assert_eq!(numbers(&changes(f, 2, 9).await), [(2, 3)]);
    let again = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    let begun = changes(f, 3, 9).await;
    assert_eq!((numbers(&begun), begun.messages[0].id), (vec![(2, 4)], again.answer));
    f.close(again.answer, MessageStatus::Complete, "Hello").await;
    f.close(again.answer, MessageStatus::Complete, "Hello").await;
    assert_eq!(numbers(&changes(f, 4, 9).await), [(2, 5)]);
    f.open(&session("a"), "how are you?").await;
    assert_eq!(numbers(&changes(f, 5, 9).await), [(3, 6), (4, 7)]);
    let now = f.turn(&session("a"), "x").now;
    f.store.interrupt_unfinished(now).await.unwrap();
    let last = changes(f, 7, 9).await;
    assert_eq!((numbers(&last), last.revision), (vec![(4, 8)], 8));
    assert_eq!(f.thread(&session("a")).await.conversation.revision, 8);
}

pub async fn what_changed_several_times_comes_once_as_it_is_now(f: &mut Fixture) {
    for n in 0..3 {
        f.say(&session("a"), &format!("q{n}"), &format!("a{n}")).await;
    }
    let all = changes(f, 0, 9).await;
    assert_eq!(numbers(&all), [(1, 1), (2, 3), (3, 4), (4, 6), (5, 7), (6, 9)]);
    assert!(all.messages.iter().all(|message| message.status != MessageStatus::Streaming));
    assert_eq!((all.revision, all.has_more, all.writing), (9, false, None));
    let none = changes(f, 9, 9).await;
    assert_eq!((none.revision, none.messages.len(), none.has_more), (9, 0, false));
    assert_eq!(changes(f, 40, 9).await, none);
}

pub async fn pages_of_changes_lose_nothing(f: &mut Fixture) {
    for n in 0..3 {
        f.say(&session("a"), &format!("q{n}"), &format!("a{n}")).await;
    }
    let (mut pages, mut after) = (Vec::new(), 0);
    loop {
        let page = changes(f, after, 4).await;
        after = page.messages.last().unwrap().revision;
        pages.push(page.messages.iter().map(|message| message.seq).collect::<Vec<_>>());
        if !page.has_more {
            break;
        }
    }
    assert_eq!(pages, [vec![1, 2, 3, 4], vec![5, 6]]);
}

pub async fn the_answer_that_is_being_written_is_told_with_its_text(f: &mut Fixture) {
    let opened = f.open(&session("a"), "hello").await;
    let partial = SavePartial { site: SITE, answer: opened.answer, text: "Hel".to_owned() };
    f.store.save_partial(partial).await.unwrap();
    let seen = changes(f, 2, 9).await;
    assert_eq!((seen.revision, seen.messages.len()), (2, 0), "more text is not a change");
    let writing = seen.writing.unwrap();
    assert_eq!((writing.id, writing.revision, writing.text.as_str()), (opened.answer, 2, "Hel"));
}

pub async fn changes_are_told_of_ones_own_conversation_only(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "Hello").await;
    let other = f.say(&session("b"), "hi", "Hi").await;
    let told = async |name| f.store.changes(&name, 0, 9).await.unwrap().map(|found| found.conversation);
    let by_id = |site, id| ConversationName::Id(site, id);
    assert_eq!(told(ConversationName::Session(session("a"))).await, Some(opened.conversation));
    assert_eq!(told(by_id(SITE, other.conversation)).await, Some(other.conversation));
    assert_eq!(told(by_id(OTHER_SITE, opened.conversation)).await, None);
    assert_eq!(told(ConversationName::Session(bare_session("a"))).await, None);
    let elsewhere = SessionKey { site: OTHER_SITE, ..session("a") };
    assert_eq!(told(ConversationName::Session(elsewhere)).await, None);
}
