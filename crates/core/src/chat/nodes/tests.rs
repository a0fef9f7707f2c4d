use std::sync::Arc;

use tokio::time::{advance, pause};

use super::*;
use crate::chat::{FeedCursor, FeedEvent, FollowError, SiteNews};
use crate::testing::suite::{SITE, session};
use crate::testing::{ManualClock, MemoryRelay, MemoryStore, ModelCalls, ScriptedModel, SeededRandom};
use crate::{
    ChatPorts, ChatSettings, ConversationName, ConversationStore as _, IdempotencyKey, Message, MessageId,
    MessageStatus, MessageText, NodeStore as _, SendMessage, ThreadPage, Timestamp, Turn, TurnEnd,
    TurnFailure, Visit,
};

/// One of several nodes, in one process.
struct Node {
    chat: Chat,
    calls: ModelCalls,
    store: Arc<MemoryStore>,
}

/// Two nodes on one store, with a relay between them or without.
fn two_nodes(relay: Option<&Arc<MemoryRelay>>) -> [Node; 2] {
    let store = Arc::new(MemoryStore::default());
    [1, 2].map(|seed| {
        let (model, calls) = ScriptedModel::new();
        let ports = ChatPorts {
            store: Arc::clone(&store) as Arc<_>,
            model: Arc::new(model),
            clock: Arc::new(ManualClock::default()),
            random: Arc::new(SeededRandom::new(seed)),
        };
        let relay = relay.map(|relay| Arc::clone(relay) as Arc<dyn Relay>);
        Node {
            chat: Chat::among_nodes(ports, ChatSettings::default(), relay),
            calls,
            store: Arc::clone(&store),
        }
    })
}

impl Node {
    async fn send(&self, text: &str) -> Turn {
        let message = SendMessage {
            session: session("a"),
            text: MessageText::parse(text.to_owned()).unwrap(),
            idempotency_key: Some(IdempotencyKey::parse(text).unwrap()),
            identity: None,
            visit: Visit::default(),
        };
        self.chat.send(message).await.unwrap().turn().unwrap()
    }

    async fn follow(&self, answer: MessageId, cursor: usize) -> Result<Option<Turn>, FollowError> {
        self.chat.follow(SITE, session("a").secret.unwrap(), answer, cursor).await
    }

    async fn stored(&self) -> Message {
        let page = ThreadPage { before: None, limit: 100 };
        self.store.session_thread(&session("a"), page).await.unwrap().unwrap().messages.pop().unwrap()
    }
}

async fn rest(mut turn: Turn) -> (String, TurnEnd) {
    let mut text = String::new();
    loop {
        match turn.reader.next().await {
            TurnUpdate::Text { text: more, .. } => text.push_str(&more),
            TurnUpdate::End(end) => return (text, end),
        }
    }
}

async fn some(turn: &mut Turn) -> String {
    match turn.reader.next().await {
        TurnUpdate::Text { text, .. } => text,
        TurnUpdate::End(end) => unreachable!("the answer goes on: {end:?}"),
    }
}

/// As long as a node that lives keeps looking, dead ones are found out by then.
const FOUND_OUT: Duration = Duration::from_secs(14);

#[test]
fn a_node_is_dead_when_its_number_stands_still_for_enough_looks_in_a_row() {
    let [a, b] = [1, 2].map(|n| NodeId::from_bytes([n; 16]));
    let at = |node, beats| NodeBeats { node, beats };
    let mut watch = Watch::default();
    for n in 0..20 {
        assert_eq!(watch.look(&[at(a, n), at(b, n / 3)], 3), [], "both live, one of them slowly");
    }
    assert_eq!(watch.look(&[at(a, 50), at(b, 6)], 3), []);
    assert_eq!(watch.look(&[at(a, 51), at(b, 6)], 3), [at(b, 6)]);
    watch.forget();
    assert_eq!(watch.look(&[at(a, 51), at(b, 6)], 3), [], "nobody could give a sign of life");
}

#[tokio::test]
async fn what_a_dead_node_was_writing_is_interrupted_and_written_anew_elsewhere() {
    pause();
    let [first, second] = two_nodes(None);
    let (leaving, tasks) = (CancellationToken::new(), tokio_util::task::TaskTracker::new());
    let (living, until) = (second.chat.clone(), leaving.clone());
    tasks.spawn(async move { living.live_among_nodes(until).await });
    first.store.beat(first.chat.node(), Timestamp::default()).await.unwrap();
    let turn = first.send("hello").await;
    let mut call = first.calls.next().await;
    call.say("Hel");
    sleep(Duration::from_secs(2)).await;
    let follower = second.follow(turn.answer, 0).await.unwrap().unwrap();

    // It gives no further sign of life.
    sleep(FOUND_OUT).await;
    let answer = second.stored().await;
    assert_eq!((answer.status, answer.text.as_str()), (MessageStatus::Interrupted, "Hel"));
    let (text, end) = rest(follower).await;
    assert_eq!((text.as_str(), end.failure), ("Hel", Some(TurnFailure::Restarted)));
    let again = second.send("hello").await;
    let mut call_again = second.calls.next().await;
    call_again.say("Hello");
    call_again.end();
    assert_eq!(rest(again).await.1.status, MessageStatus::Complete);

    // It lived after all: its own readers are told what is stored, and nothing is overwritten.
    call.say("lo");
    call.end();
    let (text, end) = rest(turn).await;
    assert_eq!((text.as_str(), end.status), ("Hello", MessageStatus::Interrupted));
    assert_eq!(second.stored().await.status, MessageStatus::Complete);

    leaving.cancel();
    tasks.close();
    tasks.wait().await;
    assert_eq!(second.store.nodes().await.unwrap(), [], "who leaves says so");
}

#[tokio::test]
async fn a_node_that_was_taken_for_dead_stops_writing_soon() {
    pause();
    let [first, second] = two_nodes(None);
    let turn = first.send("hello").await;
    let mut call = first.calls.next().await;
    call.say("Hel");
    sleep(Duration::from_secs(2)).await;
    let orphan = NodeBeats { node: first.chat.node(), beats: 0 };
    assert_eq!(second.store.end_node(orphan).await.unwrap(), Some(1));
    call.say("lo");
    call.abandoned().await;
    assert_eq!(rest(turn).await.1.failure, Some(TurnFailure::Restarted));
}

#[tokio::test]
async fn nodes_that_live_leave_each_other_alone_also_after_an_outage_of_the_store() {
    pause();
    let [first, second] = two_nodes(None);
    let (leaving, tasks) = (CancellationToken::new(), tokio_util::task::TaskTracker::new());
    for node in [&first, &second] {
        let (living, until) = (node.chat.clone(), leaving.clone());
        tasks.spawn(async move { living.live_among_nodes(until).await });
    }
    let turn = first.send("hello").await;
    let mut call = first.calls.next().await;
    call.say("Hel");
    for _ in 0..3 {
        sleep(FOUND_OUT).await;
        first.store.fail_with(Some(crate::StoreErrorKind::Unavailable));
        sleep(FOUND_OUT * 3).await;
        first.store.fail_with(None);
    }
    call.say("lo");
    call.end();
    assert_eq!(rest(turn).await.1.status, MessageStatus::Complete);
    leaving.cancel();
    tasks.close();
    tasks.wait().await;
}

#[tokio::test]
async fn an_answer_is_followed_on_another_node_as_it_is_stored() {
    pause();
    let [first, second] = two_nodes(None);
    let turn = first.send("hello").await;
    let mut call = first.calls.next().await;
    call.say("One, ");
    let mut follower = second.follow(turn.answer, 0).await.unwrap().unwrap();
    assert_eq!(some(&mut follower).await, "One, ");
    call.say("two, ");
    // This reader was shown more than is stored yet.
    let ahead = second.follow(turn.answer, 10).await.unwrap().unwrap();
    assert_eq!(some(&mut follower).await, "two, ");
    let again = second.send("hello").await;
    assert!(again.repeated);
    call.say("three");
    call.end();
    assert_eq!(rest(follower).await.0, "three");
    assert_eq!(rest(ahead).await.0, "three");
    let (text, end) = rest(again).await;
    assert_eq!((text.as_str(), end.status), ("One, two, three", MessageStatus::Complete));
    assert!(matches!(second.follow(turn.answer, 99).await, Err(FollowError::Cursor(_))));
}

#[tokio::test]
async fn an_answer_is_followed_on_another_node_word_by_word_where_a_relay_tells() {
    pause();
    let relay = Arc::default();
    let [first, second] = two_nodes(Some(&relay));
    let turn = first.send("hello").await;
    let mut call = first.calls.next().await;
    call.say("One ");
    sleep(Duration::from_millis(50)).await;
    let mut follower = second.follow(turn.answer, 0).await.unwrap().unwrap();
    assert_eq!(some(&mut follower).await, "One ");
    for word in ["two ", "three ", "fou\u{e9}r "] {
        call.say(word);
        let told = tokio::time::timeout(Duration::from_millis(100), some(&mut follower)).await;
        assert_eq!(told.unwrap(), word);
    }
    call.end();
    let end = tokio::time::timeout(Duration::from_millis(100), rest(follower)).await.unwrap();
    assert_eq!((end.0.as_str(), end.1.status), ("", MessageStatus::Complete));
}

/// Whatever the relay loses, every reader gets every byte once and in order.
#[tokio::test]
async fn a_relay_that_loses_news_costs_time_and_no_words() {
    pause();
    for loses in [1, 2, 3, 5] {
        let relay = Arc::new(MemoryRelay::default());
        relay.lose_every(loses);
        let [first, second] = two_nodes(Some(&relay));
        let turn = first.send("hello").await;
        let mut call = first.calls.next().await;
        let mut followers = Vec::new();
        let mut whole = String::new();
        for n in 0..60 {
            let word = format!("w\u{f6}rd {n}, ");
            whole.push_str(&word);
            call.say(&word);
            advance(Duration::from_millis(35)).await;
            if n % 7 == 0 {
                let cursor = whole.len() / 2;
                let cursor = whole.floor_char_boundary(cursor);
                followers.push((cursor, second.follow(turn.answer, cursor).await.unwrap().unwrap()));
            }
            if n == 30 {
                relay.forget();
            }
        }
        call.end();
        for (cursor, follower) in followers {
            let (text, end) = rest(follower).await;
            assert_eq!((text.as_str(), end.status), (&whole[cursor..], MessageStatus::Complete), "{loses}");
        }
    }
}

#[tokio::test]
async fn an_answer_is_stopped_on_another_node() {
    pause();
    let relay = Arc::new(MemoryRelay::default());
    let deaf = Arc::new(MemoryRelay::default());
    deaf.lose_every(1);
    for relay in [None, Some(&relay), Some(&deaf)] {
        let [first, second] = two_nodes(relay);
        let turn = first.send("hello").await;
        let mut call = first.calls.next().await;
        call.say("Hel");
        sleep(Duration::from_secs(2)).await;
        assert!(!second.chat.stop(&session("b"), Some(turn.answer)).await.unwrap(), "somebody else's");
        assert!(second.chat.stop(&session("a"), Some(turn.answer)).await.unwrap());
        assert!(!second.chat.stop(&session("a"), None).await.unwrap(), "there is nothing left to stop");
        let answer = second.stored().await;
        assert_eq!((answer.status, answer.text.as_str()), (MessageStatus::Stopped, "Hel"));
        call.say("lo");
        call.abandoned().await;
        assert_eq!(rest(turn).await.1.status, MessageStatus::Stopped);
    }
}

#[tokio::test]
async fn a_conversations_feed_tells_what_another_node_writes() {
    pause();
    let relay = Arc::new(MemoryRelay::default());
    for relay in [None, Some(&relay)] {
        let [first, second] = two_nodes(relay);
        let name = ConversationName::Session(session("a"));
        let mut feed = second.chat.feeds().open(name.clone(), None).await.unwrap().unwrap();
        let mut seen = String::new();
        let mut cursor: Option<FeedCursor> = None;
        let mut read = async |feed: &mut crate::Feed, until: &dyn Fn(&str, &FeedEvent) -> bool| {
            loop {
                let event = feed.next().await.unwrap().unwrap();
                match &event {
                    FeedEvent::Message { message, cursor: at } => {
                        if message.seq == 2 {
                            assert!(message.text.starts_with(&seen), "{seen:?} {message:?}");
                            seen.clone_from(&message.text);
                        }
                        cursor = Some(*at);
                    }
                    FeedEvent::Text { text, cursor: at, .. } => {
                        seen.push_str(text);
                        cursor = Some(*at);
                    }
                    FeedEvent::Reset
                    | FeedEvent::State { .. }
                    | FeedEvent::Seen { .. }
                    | FeedEvent::Typing(_) => {}
                }
                if until(&seen, &event) {
                    return cursor;
                }
            }
        };
        let turn = first.send("hello").await;
        let mut call = first.calls.next().await;
        call.say("One, ");
        read(&mut feed, &|seen, _| seen == "One, ").await;
        call.say("two, ");
        let shown = read(&mut feed, &|seen, _| seen == "One, two, ").await;
        // The reader comes back to where less is known than it was shown.
        drop(feed);
        let mut feed = second.chat.feeds().open(name, shown).await.unwrap().unwrap();
        call.say("three");
        read(&mut feed, &|seen, _| seen == "One, two, three").await;
        call.end();
        let is_done = |_: &str, event: &FeedEvent| matches!(event, FeedEvent::Message { message, .. } if message.status == MessageStatus::Complete);
        read(&mut feed, &is_done).await;
        assert_eq!(rest(turn).await.1.status, MessageStatus::Complete);
    }
}

#[tokio::test]
async fn a_visitor_is_there_whichever_node_their_chat_follows_the_conversation_over() {
    pause();
    let relay = Arc::new(MemoryRelay::default());
    let [first, second] = two_nodes(Some(&relay));
    let turn = first.send("hello").await;
    let is_there = || [&first, &second].map(|node| node.chat.feeds().is_present(turn.conversation));
    let mut site = second.chat.feeds().open_site(SITE).await.unwrap();
    let follow = async |node: &Node| {
        node.chat.feeds().open(ConversationName::Session(session("a")), None).await.unwrap()
    };
    let (one, other) = (follow(&first).await, follow(&second).await);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(is_there(), [true, true]);
    drop(other);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(is_there(), [true, true], "the other chat is still there");
    sleep(Duration::from_secs(90)).await;
    assert_eq!(is_there(), [true, true], "and says so again and again");
    while timeout(Duration::from_millis(1), site.next()).await.is_ok() {}
    drop(one);
    assert_eq!(site.next().await, Some(SiteNews::Changed(turn.conversation)));
    assert_eq!(is_there(), [false, false]);
}
