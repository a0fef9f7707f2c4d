//! Nodes that share a store.

use super::{Fixture, NODE, SITE, session};
use crate::{
    Clock as _, MessageId, MessageStatus, NodeBeats, NodeId, OpenTurn, SavePartial, TurnFailure, TurnOpening,
};

const OTHER: NodeId = NodeId::from_bytes([8; 16]);

async fn beat(f: &Fixture, node: NodeId, times: u64) -> NodeBeats {
    let mut beats = 0;
    for _ in 0..times {
        beats = f.store.beat(node, f.clock.now()).await.unwrap();
    }
    NodeBeats { node, beats }
}

async fn open_on(f: &Fixture, node: NodeId, who: &str) -> MessageId {
    f.accept(OpenTurn { node, ..f.turn(&session(who), "hello") }).await.answer
}

async fn save(f: &Fixture, answer: MessageId, text: &str) -> bool {
    f.store.save_partial(SavePartial { site: SITE, answer, text: text.to_owned() }).await.unwrap()
}

async fn state(f: &Fixture, who: &str) -> (MessageStatus, Option<TurnFailure>, String) {
    let answer = f.thread(&session(who)).await.messages.remove(1);
    (answer.status, answer.facts.failure, answer.text)
}

pub async fn signs_of_life_are_counted_for_each_node(f: &mut Fixture) {
    assert_eq!(f.store.nodes().await.unwrap(), []);
    let (second, first) = (beat(f, OTHER, 2).await, beat(f, NODE, 3).await);
    assert_eq!((first.beats, second.beats), (3, 2));
    assert_eq!(f.store.nodes().await.unwrap(), [first, second]);
}

pub async fn an_answer_names_a_node_that_gives_no_sign(f: &mut Fixture) {
    let silent = open_on(f, OTHER, "a").await;
    open_on(f, OTHER, "b").await;
    let known = beat(f, NODE, 1).await;
    assert_eq!(f.store.nodes().await.unwrap(), [known, NodeBeats { node: OTHER, beats: 0 }]);
    f.close(silent, MessageStatus::Complete, "Hello").await;
    assert_eq!(f.store.nodes().await.unwrap().len(), 2);
    assert_eq!(f.store.end_node(NodeBeats { node: OTHER, beats: 0 }).await.unwrap(), Some(1));
    assert_eq!(f.store.nodes().await.unwrap(), [known]);
}

pub async fn a_dead_nodes_answers_end_and_those_of_others_go_on(f: &mut Fixture) {
    let (dead, living) = (beat(f, NODE, 2).await, beat(f, OTHER, 1).await);
    let begun = open_on(f, NODE, "begun").await;
    assert!(save(f, begun, "Hel").await);
    let blank = open_on(f, NODE, "blank").await;
    assert!(save(f, blank, " \n\u{2003}").await);
    open_on(f, NODE, "empty").await;
    let other = open_on(f, OTHER, "other").await;
    f.say(&session("done"), "hello", "Hello").await;
    let before = f.thread(&session("begun")).await.conversation.revision;

    assert_eq!(f.store.end_node(dead).await.unwrap(), Some(3));
    assert_eq!(f.store.nodes().await.unwrap(), [living]);
    let why = Some(TurnFailure::Restarted);
    assert_eq!(state(f, "begun").await, (MessageStatus::Interrupted, why, "Hel".to_owned()));
    assert_eq!(state(f, "blank").await, (MessageStatus::Failed, why, " \n\u{2003}".to_owned()));
    assert_eq!(state(f, "empty").await, (MessageStatus::Failed, why, String::new()));
    assert_eq!(state(f, "done").await.0, MessageStatus::Complete);
    assert_eq!(state(f, "other").await.0, MessageStatus::Streaming);
    assert_eq!(f.thread(&session("begun")).await.conversation.revision, before + 1);
    assert!(save(f, other, "goes on").await);
    // The conversation is free for the next message.
    f.say(&session("begun"), "again", "Hello again").await;
}

pub async fn a_node_that_still_lives_is_not_ended(f: &mut Fixture) {
    let seen = beat(f, NODE, 1).await;
    open_on(f, NODE, "a").await;
    let now = beat(f, NODE, 1).await;
    assert_eq!(f.store.end_node(seen).await.unwrap(), None);
    assert_eq!(f.store.end_node(NodeBeats { beats: 0, ..seen }).await.unwrap(), None);
    assert_eq!(f.store.nodes().await.unwrap(), [now]);
    assert_eq!(state(f, "a").await.0, MessageStatus::Streaming);
}

pub async fn a_node_that_is_ended_twice_has_nothing_left_to_end(f: &mut Fixture) {
    let seen = beat(f, NODE, 4).await;
    open_on(f, NODE, "a").await;
    assert_eq!(f.store.end_node(seen).await.unwrap(), Some(1));
    assert_eq!(f.store.end_node(seen).await.unwrap(), Some(0));
    assert_eq!(beat(f, NODE, 1).await.beats, 1, "it begins anew");
}

pub async fn what_a_dead_node_still_writes_changes_nothing(f: &mut Fixture) {
    let seen = beat(f, NODE, 1).await;
    let answer = open_on(f, NODE, "a").await;
    assert!(save(f, answer, "Hel").await);
    f.store.end_node(seen).await.unwrap();
    assert!(!save(f, answer, "Hello").await);
    assert!(!f.store.close_turn(f.ending(answer, MessageStatus::Complete, "Hello")).await.unwrap());
    let interrupted = (MessageStatus::Interrupted, Some(TurnFailure::Restarted), "Hel".to_owned());
    assert_eq!(state(f, "a").await, interrupted);

    let other = open_on(f, NODE, "b").await;
    let ending = f.ending(other, MessageStatus::Complete, "Hello");
    assert!(f.store.close_turn(ending.clone()).await.unwrap());
    assert!(f.store.close_turn(ending).await.unwrap(), "its own end, told twice");
}

pub async fn an_answer_that_is_begun_anew_belongs_to_who_begins_it(f: &mut Fixture) {
    let dead = beat(f, NODE, 1).await;
    f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    f.store.end_node(dead).await.unwrap();
    let again = OpenTurn { node: OTHER, ..f.keyed_turn(&session("a"), "hello", "k1") };
    let TurnOpening::Opened(_) = f.store.open_turn(again).await.unwrap() else {
        unreachable!("the answer failed, so it is written anew")
    };
    let other = NodeBeats { node: OTHER, beats: 0 };
    assert_eq!(f.store.nodes().await.unwrap(), [other]);
    assert_eq!(f.store.end_node(NodeBeats { beats: 0, ..dead }).await.unwrap(), Some(0));
    assert_eq!(f.store.end_node(other).await.unwrap(), Some(1));
}
