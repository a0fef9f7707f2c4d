//! What operators say under idempotency keys.

use super::inbox::{answered_by, change, make, said, summary};
use super::{Fixture, OTHER_SITE, SITE, session};
use crate::{
    ConversationId, ConversationState, ConversationUpdate, IdempotencyKey, MessageStatus, NewMessage, Role,
    TurnOpening, UpdatedConversation,
};

pub async fn a_message_repeated_by_its_key_is_known(f: &mut Fixture) {
    let visitor = session("a");
    f.accept(f.keyed_turn(&visitor, "hello", "k0")).await;
    let key = |key: &str| Some(IdempotencyKey::parse(key).unwrap());
    let reply =
        |id: &str| NewMessage { idempotency_key: key(id), ..said(f, Role::Operator, "Maya", "I am here") };
    make(f, &visitor, answered_by(f, "Maya"), Some(reply("k1"))).await;
    let stored = f.thread(&visitor).await.messages.pop().unwrap();
    assert_eq!(stored.idempotency_key, key("k1"));
    let now = summary(f, &visitor).await;
    for expected_revision in [now.revision, 0] {
        let again = change(f, &now, ConversationState::default(), Some(reply("k1")));
        let again = ConversationUpdate { expected_revision, ..again };
        let known = f.store.update_conversation(again).await.unwrap();
        assert_eq!(known, Some(UpdatedConversation::Repeated(stored.clone())));
    }
    assert_eq!(summary(f, &visitor).await, now);
}

pub async fn what_was_said_under_a_key_is_found_by_it(f: &mut Fixture) {
    let visitor = session("a");
    let conversation = f.say(&visitor, "hello", "Hello").await.conversation;
    let key = |key: &str| IdempotencyKey::parse(key).unwrap();
    for (role, name) in [(Role::Operator, "k1"), (Role::Note, "k2")] {
        let message = NewMessage { idempotency_key: Some(key(name)), ..said(f, role, "Maya", name) };
        make(f, &visitor, answered_by(f, "Maya"), Some(message)).await;
        let stored = f.thread(&visitor).await.messages.pop().unwrap();
        let found = f.store.message_of_key(SITE, conversation, &key(name)).await.unwrap();
        assert_eq!(found, Some(stored));
    }
    let elsewhere = [
        (SITE, conversation, "k3"),
        (OTHER_SITE, conversation, "k1"),
        (SITE, ConversationId::from_bytes([1; 16]), "k1"),
    ];
    for (site, conversation, name) in elsewhere {
        assert_eq!(f.store.message_of_key(site, conversation, &key(name)).await.unwrap(), None, "{name}");
    }
}

pub async fn keys_of_visitors_and_of_operators_are_apart(f: &mut Fixture) {
    let visitor = session("a");
    let key = IdempotencyKey::parse("k1").unwrap();
    let asked = f.accept(f.keyed_turn(&visitor, "hello", "k1")).await;
    f.close(asked.answer, MessageStatus::Complete, "Hello").await;
    let find = async || f.store.message_of_key(SITE, asked.conversation, &key).await.unwrap();
    assert_eq!(find().await, None);
    for role in [Role::Operator, Role::Note] {
        let message = NewMessage { idempotency_key: Some(key.clone()), ..said(f, role, "Maya", "hello") };
        let update = change(f, &summary(f, &visitor).await, answered_by(f, "Maya"), Some(message));
        let updated = f.store.update_conversation(update).await.unwrap().unwrap();
        // What operators say and what they note have their keys together.
        assert_eq!(updated == UpdatedConversation::Done, role == Role::Operator, "{updated:?}");
    }
    assert_eq!(find().await.map(|message| message.role), Some(Role::Operator));

    // The visitor's message is found as before, and one under another key is a new one.
    make(f, &visitor, ConversationState::default(), None).await;
    let again = f.store.open_turn(f.keyed_turn(&visitor, "hello", "k1")).await.unwrap();
    assert!(matches!(again, TurnOpening::Repeated(turn) if turn.visitor_message == asked.visitor_message));
    let key = IdempotencyKey::parse("k2").unwrap();
    let note = NewMessage { idempotency_key: Some(key), ..said(f, Role::Note, "Maya", "a secret") };
    make(f, &visitor, ConversationState::default(), Some(note)).await;
    let opened = f.accept(f.keyed_turn(&visitor, "a secret", "k2")).await;
    assert_eq!(f.thread(&visitor).await.messages.last().map(|answer| answer.id), Some(opened.answer));
}
