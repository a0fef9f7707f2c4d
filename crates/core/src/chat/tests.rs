mod shutdown;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::*;
use crate::testing::suite::{SITE, bare_session, session};
use crate::testing::{ManualClock, MemoryStore, ModelCall, ModelCalls, ScriptedModel, SeededRandom};
use crate::{
    AnswerStream, ConversationFilter, ConversationStore as _, FinishReason, ModelError, ModelErrorKind,
    Prompt, SavePartial, StoreErrorKind, ThreadPage, TurnFailure, TurnUpdate, Visit,
};

struct Desk {
    chat: Chat,
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    calls: ModelCalls,
}

impl Desk {
    fn open() -> Self {
        Self::with(ChatSettings::default())
    }

    fn with(settings: ChatSettings) -> Self {
        let (model, calls) = ScriptedModel::new();
        Self::over(Arc::new(model), calls, settings)
    }

    fn over(model: Arc<dyn Model>, calls: ModelCalls, settings: ChatSettings) -> Self {
        Self::on(Arc::default(), model, calls, settings)
    }

    fn on(store: Arc<MemoryStore>, model: Arc<dyn Model>, calls: ModelCalls, settings: ChatSettings) -> Self {
        let clock = Arc::new(ManualClock::default());
        let ports = ChatPorts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            model,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::new(SeededRandom::new(3)),
        };
        Self { chat: Chat::new(ports, settings), store, clock, calls }
    }

    async fn send(&self, text: &str) -> Result<Turn, SendError> {
        self.send_as(&session("a"), text, None).await
    }

    async fn send_keyed(&self, text: &str, key: &str) -> Result<Turn, SendError> {
        self.send_as(&session("a"), text, Some(key)).await
    }

    async fn send_as(&self, session: &SessionKey, text: &str, key: Option<&str>) -> Result<Turn, SendError> {
        let message = SendMessage {
            session: session.clone(),
            text: MessageText::parse(text.to_owned()).unwrap(),
            idempotency_key: key.map(|key| IdempotencyKey::parse(key).unwrap()),
            identity: None,
            visit: Visit::default(),
        };
        self.chat.send(message).await.map(|sent| sent.turn().unwrap())
    }

    /// A message on its way to being answered.
    async fn ask(&self, text: &str) -> (Turn, ModelCall) {
        (self.send(text).await.unwrap(), self.calls.next().await)
    }

    async fn follow(&self, who: &str, answer: MessageId, cursor: usize) -> Result<Option<Turn>, FollowError> {
        self.chat.follow(SITE, session(who).secret.unwrap(), answer, cursor).await
    }

    async fn messages(&self) -> Vec<Message> {
        let page = ThreadPage { before: None, limit: 100 };
        self.store
            .session_thread(&session("a"), page)
            .await
            .unwrap()
            .map_or_else(Vec::new, |thread| thread.messages)
    }

    async fn answer(&self) -> Message {
        self.messages().await.pop().unwrap()
    }
}

async fn read(turn: Turn) -> (String, TurnEnd) {
    let mut reader = turn.reader;
    let mut text = String::new();
    loop {
        match reader.next().await {
            TurnUpdate::Text { text: more, .. } => text.push_str(&more),
            TurnUpdate::End(end) => return (text, end),
        }
    }
}

async fn read_some(turn: &mut Turn) -> String {
    match turn.reader.next().await {
        TurnUpdate::Text { text, .. } => text,
        TurnUpdate::End(end) => unreachable!("the answer should go on: {end:?}"),
    }
}

#[tokio::test]
async fn an_answer_streams_and_is_stored_before_its_end_is_told() {
    let desk = Desk::open();
    let (mut turn, mut call) = desk.ask("hello").await;
    assert_eq!(desk.messages().await.len(), 2, "stored before the model says anything");
    call.say("Hel");
    assert_eq!(read_some(&mut turn).await, "Hel");
    call.say("lo");
    call.end();
    let (rest, end) = read(turn).await;
    assert_eq!((rest.as_str(), end.status), ("lo", MessageStatus::Complete));
    let answer = desk.answer().await;
    assert_eq!((answer.status, answer.text.as_str()), (MessageStatus::Complete, "Hello"));
    assert_eq!(desk.chat.running(), 0);
}

#[tokio::test]
async fn the_model_reads_the_conversation_and_nothing_else() {
    let desk = Desk::open();
    let (turn, mut call) = desk.ask("one").await;
    call.say("1");
    call.end();
    read(turn).await;
    let (_turn, call) = desk.ask("two").await;
    let texts: Vec<_> = call.prompt.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["one", "1", "two"]);
    assert_eq!(call.prompt.max_output_tokens, 1024);
}

#[tokio::test]
async fn an_answer_goes_on_when_its_reader_leaves() {
    let desk = Desk::open();
    let (mut turn, mut call) = desk.ask("hello").await;
    let (answer, cursor) = (turn.answer, 3);
    call.say("Hello");
    read_some(&mut turn).await;
    drop(turn);
    call.say(", world");
    let again = desk.follow("a", answer, cursor).await.unwrap().unwrap();
    call.end();
    assert_eq!(read(again).await.0, "lo, world");
    let late = desk.follow("a", answer, cursor).await.unwrap().unwrap();
    assert_eq!(read(late).await.0, "lo, world");
}

#[tokio::test]
async fn stop_ends_the_call_and_keeps_the_text() {
    let desk = Desk::open();
    let (mut turn, mut call) = desk.ask("hello").await;
    call.say("Hel");
    read_some(&mut turn).await;
    assert!(desk.chat.stop(&session("a"), Some(turn.answer)).await.unwrap());
    timeout(Duration::from_millis(500), call.abandoned()).await.unwrap();
    assert_eq!(read(turn).await.1.status, MessageStatus::Stopped);
    let answer = desk.answer().await;
    assert_eq!((answer.status, answer.text.as_str()), (MessageStatus::Stopped, "Hel"));
    assert!(!desk.chat.stop(&session("a"), None).await.unwrap(), "there is nothing left to stop");
}

#[tokio::test]
async fn only_the_visitor_can_stop_or_follow_an_answer() {
    let desk = Desk::open();
    let (turn, call) = desk.ask("hello").await;
    for stranger in [bare_session("a"), session("b")] {
        assert!(!desk.chat.stop(&stranger, Some(turn.answer)).await.unwrap());
        assert!(!desk.chat.stop(&stranger, None).await.unwrap());
    }
    assert!(desk.follow("b", turn.answer, 0).await.unwrap().is_none());
    call.end();
    read(turn).await;
}

#[tokio::test]
async fn a_cursor_that_is_not_a_place_is_refused() {
    let desk = Desk::open();
    let (turn, mut call) = desk.ask("hello").await;
    call.say("é");
    let answer = turn.answer;
    call.end();
    read(turn).await;
    for cursor in [1, 3, usize::MAX] {
        let followed = desk.follow("a", answer, cursor).await;
        assert!(matches!(followed, Err(FollowError::Cursor(_))), "{cursor}");
    }
}

#[tokio::test]
async fn what_a_crash_took_is_taken_back_from_its_reader() {
    for (kept, shown, begins) in [("", 5, 0), ("Hé", 9, 3), ("Hé", 3, 3), ("Hé", 1, 1), ("Hé", usize::MAX, 3)]
    {
        let desk = Desk::open();
        let (turn, _call) = desk.ask("hello").await;
        let partial = SavePartial { site: SITE, answer: turn.answer, text: kept.to_owned() };
        desk.store.save_partial(partial).await.unwrap();
        desk.store.interrupt_unfinished(desk.clock.now()).await.unwrap();
        let (model, calls) = ScriptedModel::new();
        let started_again = Desk::on(desk.store, Arc::new(model), calls, ChatSettings::default());
        let again = started_again.follow("a", turn.answer, shown).await.unwrap().unwrap();
        assert_eq!(again.reader.cursor(), begins, "{kept:?}, {shown}");
        let (rest, end) = read(again).await;
        assert_eq!((rest.as_str(), end.failure), (&kept[begins..], Some(TurnFailure::Restarted)));
        let within_a_character = started_again.follow("a", turn.answer, 2).await;
        assert_eq!(within_a_character.is_err(), !kept.is_empty());
    }
}

#[tokio::test]
async fn a_failure_before_the_first_word_fails_the_answer() {
    let desk = Desk::open();
    let (turn, call) = desk.ask("hello").await;
    call.fail(ModelError::new(ModelErrorKind::Timeout, "test"));
    let (text, end) = read(turn).await;
    assert_eq!((text.as_str(), end.status), ("", MessageStatus::Failed));
    assert_eq!(end.failure, Some(TurnFailure::UpstreamTimeout));
    assert_eq!(desk.answer().await.status, MessageStatus::Failed);
}

#[tokio::test]
async fn a_failure_in_the_middle_keeps_the_text() {
    let desk = Desk::open();
    let (turn, mut call) = desk.ask("hello").await;
    call.say("Hel");
    call.fail(ModelError::new(ModelErrorKind::Unavailable, "test"));
    let (text, end) = read(turn).await;
    assert_eq!((text.as_str(), end.status), ("Hel", MessageStatus::Interrupted));
    assert_eq!(desk.answer().await.text, "Hel");
}

#[tokio::test]
async fn a_stream_that_just_ends_is_not_a_whole_answer() {
    let desk = Desk::open();
    let (turn, mut call) = desk.ask("hello").await;
    call.say("All there is");
    drop(call);
    let (_, end) = read(turn).await;
    assert_eq!(end.status, MessageStatus::Interrupted);
    assert_eq!(end.failure, Some(TurnFailure::UpstreamInterrupted));
}

#[tokio::test]
async fn an_answer_cut_at_the_limit_is_not_complete() {
    for reason in [FinishReason::Length, FinishReason::ContentFilter] {
        let desk = Desk::open();
        let (turn, mut call) = desk.ask("hello").await;
        call.say("Once upon a");
        call.end_with(reason);
        let (_, end) = read(turn).await;
        assert_eq!((end.status, end.finish, end.failure), (MessageStatus::Interrupted, Some(reason), None));
    }
}

#[tokio::test]
async fn an_answer_without_a_word_fails() {
    for (reason, failure) in [
        (FinishReason::Stop, TurnFailure::EmptyAnswer),
        (FinishReason::Length, TurnFailure::EmptyAnswer),
        (FinishReason::ContentFilter, TurnFailure::ContentFiltered),
    ] {
        let desk = Desk::open();
        let (turn, mut call) = desk.ask("hello").await;
        call.say(" \n");
        call.end_with(reason);
        let (_, end) = read(turn).await;
        assert_eq!((end.status, end.failure), (MessageStatus::Failed, Some(failure)));
    }
}

#[tokio::test]
async fn what_no_store_has_to_have_a_place_for_is_shown_and_stored_as_something_else() {
    let desk = Desk::open();
    let (turn, mut call) = desk.ask("hello").await;
    call.say("a\0b");
    call.end();
    let (shown, end) = read(turn).await;
    assert_eq!((shown.as_str(), end.status), ("a\u{FFFD}b", MessageStatus::Complete));
    assert_eq!(desk.answer().await.text, shown);
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let desk = Desk::with(ChatSettings { max_answer_bytes: 100, ..ChatSettings::default() });
    let (turn, mut call) = desk.ask("hello").await;
    call.say(&"x".repeat(90));
    call.say(&"x".repeat(11));
    let (text, end) = read(turn).await;
    assert_eq!((text.len(), end.status), (90, MessageStatus::Interrupted));
    assert_eq!(end.failure, Some(TurnFailure::AnswerTooLarge));
    call.abandoned().await;
}

#[tokio::test(start_paused = true)]
async fn partial_text_is_kept_every_second() {
    let desk = Desk::open();
    let (mut turn, mut call) = desk.ask("hello").await;
    call.say("Hel");
    read_some(&mut turn).await;
    assert_eq!(desk.answer().await.text, "");
    sleep(Duration::from_millis(1100)).await;
    assert_eq!(desk.answer().await.text, "Hel");
    drop(call);
}

#[tokio::test]
async fn partial_text_is_kept_every_kilobyte() {
    let desk = Desk::open();
    let (mut turn, mut call) = desk.ask("hello").await;
    call.say(&"x".repeat(1024));
    read_some(&mut turn).await;
    let kept = async {
        while desk.answer().await.text.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_millis(500), kept).await.unwrap();
    assert_eq!(desk.answer().await.status, MessageStatus::Streaming);
    drop(call);
}

#[tokio::test]
async fn nothing_is_asked_of_the_model_when_the_message_cannot_be_stored() {
    let desk = Desk::open();
    for kind in [StoreErrorKind::Unavailable, StoreErrorKind::Full] {
        desk.store.fail_with(Some(kind));
        let Err(SendError::Store(error)) = desk.send("hello").await else {
            unreachable!("it cannot be stored")
        };
        assert_eq!(error.kind, kind);
    }
    assert!(desk.calls.is_empty().await);
    desk.store.fail_with(None);
    assert!(desk.send("hello").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_stored_as_soon_as_the_store_works_again() {
    let desk = Desk::open();
    let (turn, mut call) = desk.ask("hello").await;
    call.say("Hello");
    desk.store.fail_with(Some(StoreErrorKind::Full));
    call.end();
    let (_, end) = read(turn).await;
    assert_eq!((end.status, end.failure), (MessageStatus::Interrupted, Some(TurnFailure::Storage)));
    desk.store.fail_with(None);
    sleep(Duration::from_secs(6)).await;
    let answer = desk.answer().await;
    assert_eq!((answer.status, answer.text.as_str()), (MessageStatus::Complete, "Hello"));
    assert_eq!(desk.chat.running(), 0);
}

#[tokio::test]
async fn one_conversation_writes_one_answer_at_a_time() {
    let desk = Desk::open();
    let (turn, call) = desk.ask("one").await;
    assert!(matches!(desk.send("two").await, Err(SendError::Busy)));
    assert_eq!(desk.messages().await.len(), 2);
    drop(call);
    read(turn).await;
    assert!(desk.send("two").await.is_ok());
}

#[tokio::test]
async fn a_message_sent_twice_is_stored_and_answered_once() {
    let desk = Desk::open();
    let first = desk.send_keyed("hello", "k").await.unwrap();
    let mut call = desk.calls.next().await;
    call.say("Hel");
    let second = desk.send_keyed("hello", "k").await.unwrap();
    assert!(second.repeated && !first.repeated);
    call.say("lo");
    call.end();
    assert_eq!(read(first).await, read(second).await);
    let third = desk.send_keyed("hello", "k").await.unwrap();
    assert_eq!(read(third).await.0, "Hello");
    assert_eq!(desk.messages().await.len(), 2);
    assert!(desk.calls.is_empty().await);
    assert!(matches!(desk.send_keyed("other", "k").await, Err(SendError::Mismatch)));
}

#[tokio::test]
async fn a_message_whose_answer_failed_is_answered_again() {
    let desk = Desk::open();
    let first = desk.send_keyed("hello", "k").await.unwrap();
    desk.calls.next().await.fail(ModelError::new(ModelErrorKind::Unavailable, "test"));
    read(first).await;
    let second = desk.send_keyed("hello", "k").await.unwrap();
    assert!(!second.repeated);
    let mut call = desk.calls.next().await;
    call.say("Hello");
    call.end();
    assert_eq!(read(second).await.0, "Hello");
    assert_eq!(desk.messages().await.len(), 2);
}

#[tokio::test]
async fn a_caller_that_hangs_up_early_does_not_lose_the_turn() {
    let desk = Desk::open();
    {
        let sending = desk.send_keyed("hello", "k");
        futures_util::pin_mut!(sending);
        assert!(futures_util::poll!(sending.as_mut()).is_pending());
    }
    let mut call = desk.calls.next().await;
    call.say("Hello");
    call.end();
    let again = desk.send_keyed("hello", "k").await.unwrap();
    assert_eq!(read(again).await.0, "Hello");
}

#[tokio::test]
async fn more_answers_than_the_limit_are_refused_before_anything_is_stored() {
    let desk = Desk::with(ChatSettings { max_running: 1, ..ChatSettings::default() });
    let (turn, call) = desk.ask("hello").await;
    let refused = desk.send_as(&session("b"), "hello", None).await;
    assert!(matches!(refused, Err(SendError::Overloaded)));
    assert_eq!(desk.store.message_count(), 2);
    drop(call);
    read(turn).await;
    // The place is given back when the task has ended, a moment after its reader was told.
    while desk.chat.running() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(desk.send_as(&session("b"), "hello", None).await.is_ok());
}

#[tokio::test]
async fn what_was_said_long_ago_without_a_secret_is_not_repeated() {
    let desk = Desk::open();
    let bare = bare_session("my-session-id");
    let turn = desk.send_as(&bare, "my number is 42", None).await.unwrap();
    let mut call = desk.calls.next().await;
    call.say("Noted");
    call.end();
    read(turn).await;
    desk.clock.advance(Duration::from_hours(25));
    let _turn = desk.send_as(&bare, "what is my number?", None).await.unwrap();
    assert_eq!(desk.calls.next().await.prompt.messages.len(), 1);
}

#[tokio::test]
async fn timings_are_kept_with_the_answer() {
    let desk = Desk::open();
    let (mut turn, mut call) = desk.ask("hello").await;
    desk.clock.advance(Duration::from_millis(340));
    call.say("Hel");
    read_some(&mut turn).await;
    desk.clock.advance(Duration::from_millis(660));
    call.end();
    read(turn).await;
    let facts = desk.answer().await.facts;
    assert_eq!((facts.first_token_millis, facts.total_millis), (Some(340), Some(1000)));
    assert_eq!(facts.model.as_deref(), Some("scripted"));
}

#[derive(Debug)]
struct PanickingModel;

#[async_trait::async_trait]
impl Model for PanickingModel {
    async fn stream(&self, _prompt: Prompt) -> Result<AnswerStream, ModelError> {
        panic!("a defect")
    }

    fn name(&self) -> &'static str {
        "panicking"
    }
}

#[tokio::test]
async fn a_defect_in_the_model_fails_one_answer_and_no_more() {
    let (_, calls) = ScriptedModel::new();
    let desk = Desk::over(Arc::new(PanickingModel), calls, ChatSettings::default());
    for text in ["one", "two"] {
        let (_, end) = read(desk.send(text).await.unwrap()).await;
        assert_eq!((end.status, end.failure), (MessageStatus::Failed, Some(TurnFailure::Internal)));
    }
    assert_eq!(desk.messages().await.len(), 4);
    assert_eq!(desk.messages().await[0].text, "one");
    let query = crate::ConversationQuery {
        site: SITE,
        filter: ConversationFilter::default(),
        after: None,
        limit: 10,
    };
    assert_eq!(desk.store.conversations(query).await.unwrap().total, 1);
}
