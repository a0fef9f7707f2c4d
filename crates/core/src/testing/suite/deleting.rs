//! Deleting conversations.

use super::{Fixture, OTHER_SITE, PAGE, SITE, bare_session, session};
use crate::{
    ConversationFilter, ConversationName, ConversationQuery, DeletedConversation, MessageStatus, SavePartial,
    SessionKey, StoreErrorKind,
};

fn of(visitor: SessionKey) -> ConversationName {
    ConversationName::Session(visitor)
}

pub async fn a_deleted_conversation_is_gone_with_everything_in_it(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "Hello").await;
    f.say(&session("b"), "stays", "here").await;
    let by_id = ConversationName::Id(SITE, opened.conversation);
    let deleted = f.store.delete_conversation(&by_id).await.unwrap();
    let expected = DeletedConversation { conversation: opened.conversation, session: session("a") };
    assert_eq!(deleted, Some(expected));
    assert_eq!(f.store.session_thread(&session("a"), PAGE).await.unwrap(), None);
    assert_eq!(f.store.thread(SITE, opened.conversation, PAGE).await.unwrap(), None);
    assert_eq!(f.store.session_answer(SITE, session("a").secret, opened.answer).await.unwrap(), None);
    for name in [by_id, of(session("a"))] {
        assert_eq!(f.store.changes(&name, 0, 9).await.unwrap(), None);
    }
    let list = ConversationQuery { site: SITE, filter: ConversationFilter::default(), after: None, limit: 9 };
    let list = f.store.conversations(list).await.unwrap();
    assert_eq!((list.total, list.conversations.len()), (1, 1));
    assert_eq!(f.thread(&session("b")).await.messages.len(), 2);
}

pub async fn deleting_is_counted_and_may_be_repeated(f: &mut Fixture) {
    for n in 0..20 {
        f.say(&session(&format!("s{n}")), "hello", "Hello").await;
    }
    for n in 0..10 {
        let name = of(session(&format!("s{n}")));
        assert!(f.store.delete_conversation(&name).await.unwrap().is_some());
        assert_eq!(f.store.delete_conversation(&name).await.unwrap(), None);
    }
    assert_eq!(f.total().await, 10);
}

pub async fn the_session_begins_another_conversation_afterwards(f: &mut Fixture) {
    let first = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    f.close(first.answer, MessageStatus::Complete, "Hello").await;
    f.store.delete_conversation(&of(session("a"))).await.unwrap();
    let second = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    assert_ne!(first.conversation, second.conversation);
    assert_eq!(second.history.len(), 1);
    let thread = f.thread(&session("a")).await;
    assert_eq!((thread.conversation.revision, thread.messages.len()), (2, 2));
    assert_eq!(f.total().await, 1);
}

pub async fn only_ones_own_conversation_is_deleted(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "Hello").await;
    for name in [
        of(bare_session("a")),
        of(SessionKey { secret: session("b").secret, ..session("a") }),
        of(SessionKey { site: OTHER_SITE, ..session("a") }),
        ConversationName::Id(OTHER_SITE, opened.conversation),
    ] {
        assert_eq!(f.store.delete_conversation(&name).await.unwrap(), None);
    }
    assert_eq!(f.thread(&session("a")).await.messages.len(), 2);
    f.say(&bare_session("a"), "hello", "Hello").await;
    let deleted = f.store.delete_conversation(&of(bare_session("a"))).await.unwrap().unwrap();
    assert_eq!(deleted.session, bare_session("a"));
    assert_eq!(f.total().await, 1);
}

pub async fn a_long_conversation_is_deleted_whole(f: &mut Fixture) {
    for n in 0..40 {
        f.say(&session("a"), &format!("q{n}"), &format!("a{n}")).await;
    }
    assert!(f.store.delete_conversation(&of(session("a"))).await.unwrap().is_some());
    assert_eq!(f.total().await, 0);
    f.say(&session("a"), "again", "Hello").await;
    assert_eq!(f.thread(&session("a")).await.messages.len(), 2);
}

pub async fn an_answer_that_was_being_written_ends_in_a_conflict(f: &mut Fixture) {
    let opened = f.open(&session("a"), "hello").await;
    f.store.delete_conversation(&of(session("a"))).await.unwrap();
    let partial = SavePartial { site: SITE, answer: opened.answer, text: "He".to_owned() };
    f.store.save_partial(partial).await.unwrap();
    let ending = f.ending(opened.answer, MessageStatus::Complete, "Hello");
    assert_eq!(f.store.close_turn(ending).await.unwrap_err().kind, StoreErrorKind::Conflict);
    assert_eq!(f.store.interrupt_unfinished(f.turn(&session("a"), "x").now).await.unwrap(), 0);
    assert_eq!(f.store.session_thread(&session("a"), PAGE).await.unwrap(), None);
}
