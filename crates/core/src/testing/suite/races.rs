//! Many calls at once.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::inbox::{answered_by, change, said, summary};
use super::{Fixture, SITE, bare_session, session};
use crate::{
    ConversationFilter, ConversationQuery, ConversationState, MessageStatus, Role, TurnOpening,
    UpdatedConversation,
};

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

pub async fn of_several_changes_at_once_one_is_stored(f: &mut Fixture) {
    f.say(&session("a"), "hello", "Hello").await;
    for round in 1..4 {
        let seen = summary(f, &session("a")).await;
        let names: Vec<_> = (0..12).map(|n| format!("operator {n}")).collect();
        let changes = names.iter().map(|name| {
            let message = (round > 1).then(|| said(f, Role::Event, name, "joined"));
            f.store.update_conversation(change(f, &seen, answered_by(f, name), message))
        });
        let outcomes: Vec<_> =
            join_all(changes).await.into_iter().map(|outcome| outcome.unwrap().unwrap()).collect();
        let won: Vec<_> =
            names.iter().zip(&outcomes).filter(|(_, it)| **it == UpdatedConversation::Done).collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|it| **it == UpdatedConversation::Outdated).count(), 11);
        let now = summary(f, &session("a")).await;
        assert_eq!((now.revision, now.state), (seen.revision + 1, answered_by(f, won[0].0)));
    }
}

pub async fn operators_and_visitors_at_once_lose_nothing(f: &mut Fixture) {
    let visitor = session("a");
    f.say(&visitor, "hello", "Hello").await;
    let operator = async |name: &'static str| {
        for n in 0..6 {
            let message = said(f, Role::Note, name, &format!("note {n}"));
            loop {
                let seen = summary(f, &visitor).await;
                let state = ConversationState { assignee: message.author.clone(), ..seen.state.clone() };
                let update = change(f, &seen, state, Some(message.clone()));
                if f.store.update_conversation(update).await.unwrap() == Some(UpdatedConversation::Done) {
                    break;
                }
            }
        }
    };
    let visiting = async {
        for n in 0..6 {
            f.say(&visitor, &format!("q{n}"), &format!("a{n}")).await;
        }
    };
    futures_util::join!(operator("Maya"), operator("Ben"), visiting);
    let thread = f.thread(&visitor).await;
    assert_eq!((thread.messages.len(), thread.conversation.message_count), (26, 26));
    assert!(thread.messages.iter().zip(1..).all(|(message, seq)| message.seq == seq));
    let mut revisions: Vec<_> = thread.messages.iter().map(|message| message.revision).collect();
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!((revisions.len(), thread.conversation.revision), (26, 33));
    let notes = thread.messages.iter().filter(|message| message.role == Role::Note);
    let written: HashSet<_> = notes.map(|note| (note.author.clone(), note.text.clone())).collect();
    assert_eq!(written.len(), 12);
}
