//! Many calls at once.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::{Fixture, SITE, bare_session, session};
use crate::{ConversationFilter, ConversationQuery, MessageStatus, TurnOpening};

pub async fn many_first_messages_make_one_conversation(f: &mut Fixture) {
    let turns = (0..32).map(|n| f.store.open_turn(f.turn(&bare_session("same"), &format!("message {n}"))));
    let openings = join_all(turns).await;
    let mut opened = 0;
    for opening in openings {
        match opening.unwrap() {
            TurnOpening::Opened(_) => opened += 1,
            TurnOpening::Busy { .. } => {}
            other => unreachable!("neither opened nor busy: {other:?}"),
        }
    }
    assert_eq!(opened, 1, "one running answer a conversation");
    assert_eq!(f.total().await, 1);
    assert_eq!(f.thread(&bare_session("same")).await.messages.len(), 2);
}

pub async fn one_key_sent_at_once_is_stored_once(f: &mut Fixture) {
    let turns = (0..32).map(|_| f.store.open_turn(f.keyed_turn(&session("a"), "hello", "k1")));
    let mut answers = HashSet::new();
    let mut opened = 0;
    for opening in join_all(turns).await {
        match opening.unwrap() {
            TurnOpening::Opened(turn) => {
                opened += 1;
                answers.insert(turn.answer);
            }
            TurnOpening::Repeated(turn) => {
                answers.insert(turn.answer.id);
            }
            other => unreachable!("neither opened nor repeated: {other:?}"),
        }
    }
    assert_eq!((opened, answers.len()), (1, 1));
    assert_eq!(f.thread(&session("a")).await.messages.len(), 2);
}

pub async fn many_sessions_at_once_lose_nothing(f: &mut Fixture) {
    let one = async |n: u32| {
        let visitor = session(&format!("s{n}"));
        for turn in 0..3 {
            let opened = f.open(&visitor, &format!("q{turn}")).await;
            f.close(opened.answer, MessageStatus::Complete, &format!("a{turn}")).await;
        }
    };
    join_all((0..64).map(one)).await;
    assert_eq!(f.total().await, 64);
    for n in 0..64 {
        assert_eq!(f.thread(&session(&format!("s{n}"))).await.messages.len(), 6);
    }
}

pub async fn closing_while_listing_is_never_half_done(f: &mut Fixture) {
    let write = async {
        for n in 0..50 {
            f.say(&session("a"), &format!("q{n}"), &format!("a{n}")).await;
        }
    };
    let read = async {
        for _ in 0..200 {
            let query = ConversationQuery {
                site: SITE,
                filter: ConversationFilter::default(),
                after: None,
                limit: 10,
            };
            for conversation in f.store.conversations(query).await.unwrap().conversations {
                let thread = f.store.thread(SITE, conversation.id, super::PAGE).await.unwrap().unwrap();
                let counted = u32::try_from(thread.messages.len()).unwrap();
                assert_eq!(thread.conversation.message_count, counted);
                assert_eq!(counted % 2, 0, "a message and its answer are stored together");
            }
        }
    };
    futures_util::join!(write, read);
}
