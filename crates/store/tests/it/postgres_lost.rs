//! Connections to the database that break, and commits that nobody answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use frontdesk_core::testing::suite::{PAGE, session};
use frontdesk_core::{
    Answering, Clock as _, CloseTurn, ConversationState, ConversationUpdate, DeliveredMessage, MessageId,
    MessageStatus, NewMessage, OperatorName, Role, StoreErrorKind, TurnFailure, TurnOpening,
    UpdatedConversation,
};
use frontdesk_testkit::{Cut, Dice, Effort, Fault, PostgresServer, Proxy, Way};
use tokio::time::{sleep, timeout};

use crate::postgres::{database, fixture_over, open_url, server};

/// A proxy whose connections are sound until `is_faulty`.
fn proxy(
    server: &PostgresServer,
    fault: impl Fn(usize) -> Fault + Send + Sync + 'static,
) -> (Proxy, Arc<AtomicBool>) {
    let is_faulty = Arc::<AtomicBool>::default();
    let told = Arc::clone(&is_faulty);
    let choose = move |number| if told.load(Ordering::SeqCst) { fault(number) } else { Fault::None };
    (Proxy::start(server.address(), choose), is_faulty)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_reply_is_lost_is_done_once_and_known_to_be_done() {
    let Some(server) = server() else { return };
    let name = database(server, "migrated");
    let mut f = fixture_over(&server.url(&name)).await;
    for (n, how) in [Cut::Close, Cut::Reset].repeat(5).into_iter().enumerate() {
        let left = AtomicUsize::new(1);
        let (proxy, is_faulty) = proxy(server, move |_| {
            if left.swap(0, Ordering::SeqCst) == 1 {
                Fault::CutReplyTo { words: b"COMMIT", after: 0, how }
            } else {
                Fault::None
            }
        });
        f.store = open_url(&server.url_over(proxy.address(), &name));
        is_faulty.store(true, Ordering::SeqCst);
        let visitor = session(&format!("s{n}"));
        let turn = f.turn(&visitor, "hello");
        let ids = turn.ids;
        let opened = f.accept(turn).await;
        assert_eq!((opened.answer, opened.visitor_message), (ids.answer, ids.visitor_message));
        assert_eq!(opened.history.len(), 1);
        f.close(opened.answer, MessageStatus::Complete, "Hello").await;
        let thread = f.thread(&visitor).await;
        assert_eq!((thread.messages.len(), thread.conversation.revision), (2, 3));
        assert_eq!((f.total().await, proxy.cuts()), (n as u64 + 1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_operators_do_and_what_is_said_to_them_is_done_once_though_its_reply_is_lost() {
    let Some(server) = server() else { return };
    let name = database(server, "migrated");
    let mut f = fixture_over(&server.url(&name)).await;
    let visitor = session("a");
    f.say(&visitor, "hello", "Hello").await;
    let maya = OperatorName::parse("Maya").unwrap();
    let answering = Some(Answering { operator: maya.clone(), since: f.clock.now() });
    let state = ConversationState { answering, ..ConversationState::default() };
    let note = NewMessage {
        id: MessageId::from_bytes([9; 16]),
        role: Role::Note,
        text: "hm".to_owned(),
        author: Some(maya.clone()),
        idempotency_key: None,
    };
    for (step, (state, message)) in
        [(state.clone(), None), (state, Some(note)), (ConversationState::default(), None)]
            .into_iter()
            .enumerate()
    {
        let left = AtomicUsize::new(1);
        let (proxy, is_faulty) = proxy(server, move |_| match left.swap(0, Ordering::SeqCst) {
            1 => Fault::CutReplyTo { words: b"COMMIT", after: 0, how: Cut::Reset },
            _ => Fault::None,
        });
        f.store = open_url(&server.url_over(proxy.address(), &name));
        let before = f.thread(&visitor).await.conversation;
        is_faulty.store(true, Ordering::SeqCst);
        if step == 2 {
            let turn = f.turn(&visitor, "are you there?");
            let expected = DeliveredMessage {
                conversation: before.id,
                visitor_message: turn.ids.visitor_message,
                operator: Some(maya.clone()),
                repeated: false,
            };
            assert_eq!(f.store.open_turn(turn).await.unwrap(), TurnOpening::Delivered(expected));
        } else {
            let change = ConversationUpdate {
                site: visitor.site,
                conversation: before.id,
                expected_revision: before.revision,
                state,
                message,
                is_activity: false,
                now: f.clock.now(),
            };
            let updated = f.store.update_conversation(change).await.unwrap();
            assert_eq!(updated, Some(UpdatedConversation::Done));
        }
        let after = f.thread(&visitor).await.conversation;
        assert_eq!((after.revision, proxy.cuts()), (before.revision + 1, 1), "step {step}");
        assert_eq!(after.message_count, [2, 3, 4][step]);
    }
}

/// Not for whoever asks again, and not if nobody does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_was_given_up_but_stored_does_not_block_its_conversation() {
    let Some(server) = server() else { return };
    let name = database(server, "migrated");
    let mut f = fixture_over(&server.url(&name)).await;
    for (visitor, asks_again) in [(session("again"), true), (session("never"), false)] {
        let (proxy, is_faulty) =
            proxy(server, |_| Fault::CutReplyTo { words: b"COMMIT", after: 0, how: Cut::Close });
        f.store = open_url(&server.url_over(proxy.address(), &name));
        let turn = f.keyed_turn(&visitor, "hello", "k1");
        is_faulty.store(true, Ordering::SeqCst);
        // The first try was stored, and the later ones find it, but none of them hears of a commit.
        let error = f.store.open_turn(turn.clone()).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Unavailable);
        assert!(proxy.cuts() >= 2, "{}", proxy.cuts());
        is_faulty.store(false, Ordering::SeqCst);
        sleep(Duration::from_millis(150)).await;
        if asks_again {
            let again = f.accept(f.keyed_turn(&visitor, "hello", "k1")).await;
            assert_eq!(again.visitor_message, turn.ids.visitor_message);
            assert_ne!(again.answer, turn.ids.answer);
            f.close(again.answer, MessageStatus::Complete, "Hello").await;
        } else {
            let failed = async {
                while f.thread(&visitor).await.messages[1].status == MessageStatus::Streaming {
                    sleep(Duration::from_millis(50)).await;
                }
            };
            timeout(Duration::from_secs(20), failed).await.unwrap();
            assert_eq!(f.thread(&visitor).await.messages[1].facts.failure, Some(TurnFailure::Storage));
        }
        assert_eq!(f.thread(&visitor).await.messages.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_given_up_in_time_and_used_again_when_it_speaks() {
    let Some(server) = server() else { return };
    let name = database(server, "migrated");
    let proxy = Proxy::start(server.address(), |_| Fault::None);
    let f = fixture_over(&server.url_over(proxy.address(), &name)).await;
    let first = f.say(&session("a"), "one", "1").await;
    proxy.silence(true);
    let limit = Duration::from_secs(2);
    let opening = timeout(limit, f.store.open_turn(f.turn(&session("a"), "two"))).await.unwrap();
    assert_eq!(opening.unwrap_err().kind, StoreErrorKind::Unavailable);
    let reading = timeout(limit, f.store.session_thread(&session("a"), PAGE)).await.unwrap();
    assert_eq!(reading.unwrap_err().kind, StoreErrorKind::Unavailable);
    let ready = timeout(limit, f.store.ready()).await.unwrap();
    assert_eq!(ready.unwrap_err().kind, StoreErrorKind::Unavailable);
    proxy.silence(false);
    let again = async {
        while f.store.ready().await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
        let answered = loop {
            match f.store.open_turn(f.turn(&session("a"), "three")).await {
                Ok(TurnOpening::Opened(opened)) => break opened,
                // What was given up may have got through after all, and is being ended.
                _ => sleep(Duration::from_millis(50)).await,
            }
        };
        assert_eq!(answered.conversation, first.conversation);
    };
    timeout(Duration::from_secs(5), again).await.unwrap();
}

/// Wherever a connection is cut, a message that is sent until it is accepted is stored once, and an answer that is ended
/// until that is acknowledged is ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_over_connections_that_are_cut_anywhere() {
    const SEED: u64 = 0x5EED_0015;
    let Some(server) = server() else { return };
    let name = database(server, "migrated");
    let (proxy, is_faulty) = proxy(server, |number| {
        let mut dice = Dice::new(SEED + number as u64);
        let how = if dice.percent(50) { Cut::Close } else { Cut::Reset };
        // Signing in takes some hundreds of bytes; the first turn, which prepares its statements, some thousands.
        match dice.below(3) {
            0 => Fault::Cut { way: Way::ToServer, after: 400 + dice.below(8000), how },
            1 => Fault::Cut { way: Way::ToClient, after: 700 + dice.below(4000), how },
            _ => Fault::CutReplyTo { words: b"COMMIT", after: 0, how },
        }
    });
    let mut f = fixture_over(&server.url(&name)).await;
    f.store = open_url(&server.url_over(proxy.address(), &name));
    is_faulty.store(true, Ordering::SeqCst);
    let messages = Effort::asked().pick(10, 80);
    for n in 0..messages {
        let visitor = session(&format!("s{}", n % 5));
        let opened = loop {
            match f.store.open_turn(f.keyed_turn(&visitor, &format!("message {n}"), &format!("k{n}"))).await {
                Ok(TurnOpening::Opened(opened)) => break opened,
                Ok(other) => unreachable!("seed {SEED:#x}, message {n}: {other:?}"),
                Err(error) => assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error:?}"),
            }
        };
        let ending: CloseTurn = f.ending(opened.answer, MessageStatus::Complete, &format!("answer {n}"));
        while let Err(error) = f.store.close_turn(ending.clone()).await {
            assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error:?}");
        }
    }
    let store = open_url(&server.url(&name));
    for n in 0..5 {
        let thread = store.session_thread(&session(&format!("s{n}")), PAGE).await.unwrap().unwrap();
        let stored: Vec<_> = thread.messages.iter().map(|message| message.text.clone()).collect();
        let sent = (n..messages).step_by(5);
        let expected: Vec<_> = sent.flat_map(|n| [format!("message {n}"), format!("answer {n}")]).collect();
        assert_eq!(stored, expected, "seed {SEED:#x}");
    }
    println!("{messages} messages over connections of which {} were cut: each stored once", proxy.cuts());
    assert!(proxy.cuts() > messages / 4, "the proxy hardly cut anything: {}", proxy.cuts());
}
