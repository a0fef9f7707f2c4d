use std::sync::Arc;

use tokio::time::{pause, timeout};

use super::*;
use crate::testing::suite::{SITE, session};
use crate::testing::{ManualClock, MemoryStore, ModelCalls, ScriptedModel, SeededRandom};
use crate::{
    Chat, ChatPorts, ChatSettings, Clock, ConversationId, ConversationState, ConversationStore as _,
    IdempotencyKey, MessageText, ModelError, ModelErrorKind, SendMessage, StoreErrorKind, ThreadPage, Turn,
    Visit,
};

struct Desk {
    chat: Chat,
    store: Arc<MemoryStore>,
    calls: ModelCalls,
}

impl Desk {
    fn open() -> Self {
        let (model, calls) = ScriptedModel::new();
        let store = Arc::new(MemoryStore::default());
        let ports = ChatPorts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            model: Arc::new(model),
            clock: Arc::new(ManualClock::default()) as Arc<dyn Clock>,
            random: Arc::new(SeededRandom::new(3)),
        };
        Self { chat: Chat::new(ports, ChatSettings::default()), store, calls }
    }

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

    /// A message and its whole answer.
    async fn say(&self, text: &str, answer: &str) -> Turn {
        let mut turn = self.send(text).await;
        let mut call = self.calls.next().await;
        call.say(answer);
        call.end();
        while !matches!(turn.reader.next().await, TurnUpdate::End(_)) {}
        turn
    }

    async fn feed(&self, cursor: Option<FeedCursor>) -> Feed {
        self.chat.feeds().open(name(), cursor).await.unwrap().unwrap()
    }
}

fn name() -> ConversationName {
    ConversationName::Session(session("a"))
}

/// A reader that does what it is told, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Copy {
    /// By their places: id, status and text.
    messages: std::collections::BTreeMap<u32, (MessageId, MessageStatus, String)>,
    answering: Option<MessageId>,
    cursor: Option<FeedCursor>,
}

impl Copy {
    fn apply(&mut self, event: FeedEvent) {
        match event {
            FeedEvent::Reset => *self = Self::default(),
            FeedEvent::Message { message, cursor } => {
                self.messages.insert(message.seq, (message.id, message.status, message.text));
                self.cursor = Some(cursor);
            }
            FeedEvent::Text { answer, text, cursor } => {
                let mut all = self.messages.values_mut();
                let (_, status, known) = all.find(|(id, _, _)| *id == answer).unwrap();
                assert_eq!(*status, MessageStatus::Streaming);
                known.push_str(&text);
                self.cursor = Some(cursor);
            }
            FeedEvent::State { answering, cursor, .. } => {
                self.answering = answering;
                self.cursor = cursor;
            }
            FeedEvent::Seen { .. } | FeedEvent::Typing(_) => {}
        }
    }

    /// Reads until there is nothing more for now.
    async fn catch_up(&mut self, feed: &mut Feed) -> usize {
        let mut count = 0;
        while let Ok(event) = timeout(Duration::from_millis(1), feed.next()).await {
            let Some(event) = event.unwrap() else { break };
            self.apply(event);
            count += 1;
        }
        count
    }

    async fn assert_like(&self, store: &MemoryStore) {
        let page = ThreadPage { before: None, limit: 1000 };
        let thread = store.session_thread(&session("a"), page).await.unwrap().unwrap();
        let stored = thread.messages.into_iter().map(|it| (it.seq, (it.id, it.status, it.text)));
        assert_eq!(self.messages, stored.collect());
    }
}

#[tokio::test]
async fn a_session_is_followed_from_before_its_first_word() {
    pause();
    let desk = Desk::open();
    let (mut feed, mut copy) = (desk.feed(None).await, Copy::default());
    assert_eq!(
        feed.next().await.unwrap(),
        Some(FeedEvent::State {
            conversation: None,
            answering: None,
            state: ConversationState::default(),
            cursor: None
        })
    );
    let turn = desk.send("hello").await;
    let mut call = desk.calls.next().await;
    copy.catch_up(&mut feed).await;
    assert_eq!((copy.messages.len(), copy.answering), (2, Some(turn.answer)));
    call.say("Hel");
    copy.catch_up(&mut feed).await;
    assert_eq!(copy.messages[&2].2, "Hel");
    call.say("lo");
    call.end();
    copy.catch_up(&mut feed).await;
    assert_eq!(copy.messages[&2], (turn.answer, MessageStatus::Complete, "Hello".to_owned()));
    assert_eq!(copy.answering, None);
    copy.assert_like(&desk.store).await;
}

#[tokio::test]
async fn everybody_sees_the_same_words_as_they_are_written() {
    pause();
    let desk = Desk::open();
    let turn = desk.send("hello").await;
    let mut call = desk.calls.next().await;
    let by_id = ConversationName::Id(SITE, turn.conversation);
    let mut operator = desk.chat.feeds().open(by_id, None).await.unwrap().unwrap();
    let mut visitor = desk.feed(None).await;
    for word in ["One, ", "two, ", "three."] {
        call.say(word);
        for feed in [&mut operator, &mut visitor] {
            loop {
                if let Some(FeedEvent::Text { text, .. }) = feed.next().await.unwrap() {
                    assert_eq!(text, word);
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_reader_back_from_sleep_gets_exactly_what_it_missed() {
    pause();
    let desk = Desk::open();
    desk.say("one", "1").await;
    let mut copy = Copy::default();
    copy.catch_up(&mut desk.feed(None).await).await;
    let before = copy.cursor;
    desk.say("two", "2").await;
    desk.say("three", "3").await;
    let told = copy.catch_up(&mut desk.feed(before).await).await;
    assert_eq!(told, 5, "four messages, and that this is all");
    copy.assert_like(&desk.store).await;
    let told = copy.catch_up(&mut desk.feed(copy.cursor).await).await;
    assert_eq!(told, 1, "nothing was missed");
}

#[tokio::test]
async fn a_reader_that_comes_back_in_the_middle_of_an_answer_gets_the_rest_of_it() {
    pause();
    let desk = Desk::open();
    let turn = desk.send("hello").await;
    let mut call = desk.calls.next().await;
    call.say("Hé");
    tokio::task::yield_now().await;
    let mut copy = Copy::default();
    copy.catch_up(&mut desk.feed(None).await).await;
    assert_eq!(copy.messages[&2].2, "Hé");
    call.say("llo");
    tokio::task::yield_now().await;
    let mut feed = desk.feed(copy.cursor).await;
    let first = feed.next().await.unwrap().unwrap();
    assert!(
        matches!(&first, FeedEvent::Text { answer, text, .. } if *answer == turn.answer && text == "llo")
    );
    copy.apply(first);
    call.end();
    copy.catch_up(&mut feed).await;
    copy.assert_like(&desk.store).await;
}

#[tokio::test]
async fn from_every_cursor_a_reader_comes_to_hold_what_is_stored() {
    pause();
    let desk = Desk::open();
    let (mut feed, mut copy) = (desk.feed(None).await, Copy::default());
    let mut readers = vec![copy.clone()];
    let mut steps = async |copy: &mut Copy| {
        while let Ok(Ok(Some(event))) = timeout(Duration::from_millis(1), feed.next()).await {
            copy.apply(event);
            readers.push(copy.clone());
        }
    };
    desk.say("one", "1").await;
    steps(&mut copy).await;
    let _failed = desk.send("two").await;
    desk.calls.next().await.fail(ModelError::new(ModelErrorKind::Timeout, "late"));
    steps(&mut copy).await;
    let _again = desk.send("two").await;
    let mut call = desk.calls.next().await;
    steps(&mut copy).await;
    for word in ["t", "w", "ö"] {
        call.say(word);
        steps(&mut copy).await;
    }
    call.end();
    steps(&mut copy).await;
    copy.assert_like(&desk.store).await;
    assert!(readers.len() > 12, "{readers:?}");

    for mut reader in readers {
        reader.catch_up(&mut desk.feed(reader.cursor).await).await;
        assert_eq!(reader, copy);
    }
}

#[tokio::test]
async fn a_long_conversation_comes_whole_and_in_order() {
    pause();
    let desk = Desk::open();
    for n in 0..35 {
        desk.say(&format!("q{n}"), &format!("a{n}")).await;
    }
    let mut copy = Copy::default();
    assert_eq!(copy.catch_up(&mut desk.feed(None).await).await, 71);
    copy.assert_like(&desk.store).await;
}

#[tokio::test]
async fn a_cursor_of_elsewhere_begins_anew() {
    pause();
    let desk = Desk::open();
    desk.say("hello", "Hello").await;
    let mut copy = Copy::default();
    copy.catch_up(&mut desk.feed(None).await).await;
    let own = copy.cursor.unwrap();
    let ahead = FeedCursor { revision: 1000, ..own };
    let foreign = FeedCursor::begin(ConversationId::from_bytes([1; 16]));
    for cursor in [ahead, foreign] {
        let mut feed = desk.feed(Some(cursor)).await;
        assert_eq!(feed.next().await.unwrap(), Some(FeedEvent::Reset));
        let mut anew = Copy::default();
        anew.catch_up(&mut feed).await;
        assert_eq!(anew, copy);
    }
}

#[tokio::test]
async fn a_place_that_is_none_of_the_answer_has_it_told_anew() {
    pause();
    let desk = Desk::open();
    let turn = desk.send("hello").await;
    let mut call = desk.calls.next().await;
    call.say("é");
    tokio::task::yield_now().await;
    let mut copy = Copy::default();
    copy.catch_up(&mut desk.feed(None).await).await;
    for length in [1, 100] {
        let cursor = FeedCursor { length, ..copy.cursor.unwrap() };
        let mut feed = desk.feed(Some(cursor)).await;
        let Some(FeedEvent::Message { message, cursor }) = feed.next().await.unwrap() else {
            unreachable!("the answer as it is")
        };
        assert_eq!((message.id, message.text.as_str(), Some(cursor)), (turn.answer, "é", copy.cursor));
    }
}

#[tokio::test]
async fn what_is_stored_later_than_it_is_shown_takes_nothing_back() {
    pause();
    let desk = Desk::open();
    let _turn = desk.send("hello").await;
    let mut call = desk.calls.next().await;
    call.say("One, two, ");
    tokio::task::yield_now().await;
    let mut copy = Copy::default();
    copy.catch_up(&mut desk.feed(None).await).await;

    // The same reader comes back to a process that only sees what is stored, and that is nothing yet.
    let feeds = Feeds::of_store(Arc::clone(&desk.store) as Arc<dyn Store>, None);
    let mut feed = feeds.open(name(), copy.cursor).await.unwrap().unwrap();
    assert_eq!(copy.catch_up(&mut feed).await, 1, "only who is answering");
    assert_eq!(copy.messages[&2].2, "One, two, ");
    // The text is stored once a second.
    call.say("three");
    copy.apply(feed.next().await.unwrap().unwrap());
    assert_eq!(copy.messages[&2].2, "One, two, three");
}

#[tokio::test]
async fn a_page_of_messages_says_where_the_feed_goes_on() {
    pause();
    let desk = Desk::open();
    desk.say("one", "1").await;
    let turn = desk.send("two").await;
    let mut call = desk.calls.next().await;
    let partial = crate::SavePartial { site: SITE, answer: turn.answer, text: "par".to_owned() };
    desk.store.save_partial(partial).await.unwrap();
    let page = ThreadPage { before: None, limit: 2 };
    let page = desk.store.session_thread(&session("a"), page).await.unwrap().unwrap();
    call.say("partial");
    tokio::task::yield_now().await;
    let mut feed = desk.feed(Some(FeedCursor::after(&page))).await;
    assert!(matches!(feed.next().await.unwrap(), Some(FeedEvent::Text { text, .. }) if text == "tial"));
}

#[tokio::test]
async fn an_answer_that_is_not_stored_yet_is_not_told_as_ended() {
    pause();
    let desk = Desk::open();
    let _turn = desk.send("hello").await;
    let mut call = desk.calls.next().await;
    let (mut feed, mut copy) = (desk.feed(None).await, Copy::default());
    call.say("Hello");
    copy.catch_up(&mut feed).await;
    desk.store.fail_with(Some(StoreErrorKind::Unavailable));
    call.end();
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(feed.next().await.is_err(), "the store fails");
    desk.store.fail_with(None);
    copy.catch_up(&mut feed).await;
    assert_eq!(copy.messages[&2].1, MessageStatus::Streaming);
    tokio::time::sleep(Duration::from_secs(10)).await;
    copy.catch_up(&mut feed).await;
    assert_eq!(copy.messages[&2].1, MessageStatus::Complete);
    copy.assert_like(&desk.store).await;
}

#[tokio::test]
async fn feeds_end_with_the_service_and_running_answers_are_told_to_their_end() {
    pause();
    let desk = Desk::open();
    let (mut feed, mut copy) = (desk.feed(None).await, Copy::default());
    let _turn = desk.send("hello").await;
    let mut call = desk.calls.next().await;
    copy.catch_up(&mut feed).await;
    desk.chat.drain();
    call.say("Hello");
    call.end();
    while let Some(event) = feed.next().await.unwrap() {
        copy.apply(event);
    }
    copy.assert_like(&desk.store).await;
    assert_eq!(desk.feed(copy.cursor).await.next().await.unwrap().map(drop), Some(()), "what there is");
}

#[tokio::test]
async fn another_process_sees_what_is_stored() {
    pause();
    let desk = Desk::open();
    let turn = desk.say("one", "1").await;
    let store = Arc::clone(&desk.store) as Arc<dyn Store>;
    let feeds = Feeds::of_store(store, None);
    let by_id = ConversationName::Id(SITE, turn.conversation);
    let unknown = ConversationName::Id(SITE, ConversationId::from_bytes([1; 16]));
    assert!(feeds.open(unknown, None).await.unwrap().is_none());
    let (mut feed, mut copy) = (feeds.open(by_id, None).await.unwrap().unwrap(), Copy::default());
    copy.catch_up(&mut feed).await;
    let _turn = desk.send("two").await;
    let mut call = desk.calls.next().await;
    call.say("long");
    let mut read = async |copy: &mut Copy| copy.apply(feed.next().await.unwrap().unwrap());
    for _ in 0..3 {
        read(&mut copy).await;
    }
    // The text is stored once a second.
    read(&mut copy).await;
    assert_eq!(copy.messages[&4].2, "long");
    call.end();
    for _ in 0..2 {
        read(&mut copy).await;
    }
    copy.assert_like(&desk.store).await;
}
