//! Random sequences of calls, compared with the memory store.

mod inbox;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::{Fixture, SITE, bare_session, session};
use crate::testing::MemoryStore;
use crate::{
    CloseTurn, ConversationFilter, ConversationName, ConversationQuery, Feedback, ListCursor, MessageId,
    MessageStatus, OpenTurn, RateAnswer, Rating, SavePartial, SessionKey, SiteStore as _, Store, ThreadPage,
    TurnOpening,
};

/// How many sequences are tried, and how many calls each has.
const SEQUENCES: u32 = 24;
const CALLS: usize = 60;

#[derive(Clone, Debug)]
enum Call {
    Open { who: u8, text: u8, key: Option<u8>, history: u32, page: Option<u8> },
    Inbox(inbox::Call),
    Save { answer: u8, text: u8 },
    Close { answer: u8, status: MessageStatus, text: u8 },
    Interrupt,
    List { limit: u32, after_first: bool },
    Thread { who: u8, before: Option<u32>, limit: u32 },
    Changes { who: u8, after: u32, limit: u32 },
    Rate { who: u8, answer: u8, rating: Option<bool> },
    Delete { who: u8 },
    Pass { seconds: u8 },
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let status = prop_oneof![
        4 => Just(MessageStatus::Complete),
        1 => Just(MessageStatus::Stopped),
        1 => Just(MessageStatus::Interrupted),
        1 => Just(MessageStatus::Failed),
    ];
    let call = prop_oneof![
        8 => (0..6_u8, 0..4_u8, proptest::option::of(0..3_u8), 1..8_u32, proptest::option::of(0..3_u8))
            .prop_map(|(who, text, key, history, page)| Call::Open { who, text, key, history, page }),
        8 => inbox::calls().prop_map(Call::Inbox),
        2 => (any::<u8>(), 0..4_u8).prop_map(|(answer, text)| Call::Save { answer, text }),
        8 => (any::<u8>(), status, 0..4_u8).prop_map(|(answer, status, text)| Call::Close { answer, status, text }),
        1 => Just(Call::Interrupt),
        2 => (1..5_u32, any::<bool>()).prop_map(|(limit, after_first)| Call::List { limit, after_first }),
        2 => (0..6_u8, proptest::option::of(1..9_u32), 1..9_u32)
            .prop_map(|(who, before, limit)| Call::Thread { who, before, limit }),
        2 => (0..6_u8, 0..30_u32, 1..9_u32).prop_map(|(who, after, limit)| Call::Changes { who, after, limit }),
        3 => (0..6_u8, any::<u8>(), proptest::option::of(any::<bool>()))
            .prop_map(|(who, answer, rating)| Call::Rate { who, answer, rating }),
        1 => (0..6_u8).prop_map(|who| Call::Delete { who }),
        2 => (0..3_u8).prop_map(|seconds| Call::Pass { seconds }),
    ];
    proptest::collection::vec(call, CALLS)
}

/// Each sequence has visitors of its own, so that one store serves all of them.
fn visitor(sequence: u32, who: u8) -> SessionKey {
    let name = format!("v{sequence}-{}", who / 2);
    if who.is_multiple_of(2) { session(&name) } else { bare_session(&name) }
}

pub async fn it_behaves_like_the_memory_store(f: &mut Fixture) {
    behave_like_the_memory_store(f, SEQUENCES).await;
}

/// The same with so many sequences, which leave random conversations behind.
pub async fn behave_like_the_memory_store(f: &Fixture, sequences: u32) {
    let config = Config { rng_seed: RngSeed::Fixed(2026), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let oracle = MemoryStore::default();
    oracle.ensure_site(SITE, "default", f.turn(&session("x"), "x").now).await.unwrap();
    for sequence in 0..sequences {
        let calls = calls().new_tree(&mut runner).unwrap().current();
        let mut answers: Vec<MessageId> = Vec::new();
        for (at, call) in calls.iter().enumerate() {
            let seen = apply(f, &*f.store, sequence, call, &mut answers.clone()).await;
            let expected = apply(f, &oracle, sequence, call, &mut answers).await;
            assert_eq!(seen.0, expected.0, "sequence {sequence}, call {at} of {calls:#?}");
            if let Some(opened) = expected.1 {
                let store_too = f.store.open_turn(opened.clone()).await.unwrap();
                let oracle_too = crate::ConversationStore::open_turn(&oracle, opened).await.unwrap();
                assert_eq!(store_too, oracle_too, "sequence {sequence}, call {at} of {calls:#?}");
                if let TurnOpening::Opened(turn) = oracle_too {
                    answers.push(turn.answer);
                }
            }
        }
    }
}

/// Applies a call and describes what came of it. A turn to open is given back, so that both stores get the same ids.
async fn apply(
    f: &Fixture,
    store: &dyn Store,
    sequence: u32,
    call: &Call,
    answers: &mut [MessageId],
) -> (String, Option<OpenTurn>) {
    let pick = |at: u8| answers.get(usize::from(at) % answers.len().max(1)).copied();
    let result = match *call {
        Call::Open { who, text, key, history, page } => {
            let visitor = visitor(sequence, who);
            let text = format!("text {text}");
            let turn = match key {
                Some(key) => f.keyed_turn(&visitor, &text, &format!("key{key}")),
                None => f.turn(&visitor, &text),
            };
            return (
                String::new(),
                Some(OpenTurn { history_limit: history, visit: inbox::visit(page), ..turn }),
            );
        }
        Call::Inbox(ref call) => inbox::apply(f, store, &visitor(sequence, call.who()), call).await,
        Call::Save { answer, text } => {
            let Some(answer) = pick(answer) else { return (String::new(), None) };
            let partial = SavePartial { site: SITE, answer, text: format!("partial {text}") };
            format!("{:?}", store.save_partial(partial).await.map_err(|error| error.kind))
        }
        Call::Close { answer, status, text } => {
            let Some(answer) = pick(answer) else { return (String::new(), None) };
            let text = if status == MessageStatus::Failed { String::new() } else { format!("answer {text}") };
            let ending: CloseTurn = f.ending(answer, status, &text);
            format!("{:?}", store.close_turn(ending).await.map_err(|error| error.kind))
        }
        Call::Interrupt => {
            let now = f.turn(&session("x"), "x").now;
            format!("{:?}", store.interrupt_unfinished(now).await.map_err(|error| error.kind))
        }
        Call::List { limit, after_first } => {
            let query =
                ConversationQuery { site: SITE, filter: ConversationFilter::default(), after: None, limit };
            let first = store.conversations(query.clone()).await.unwrap();
            let last = first.conversations.last().filter(|_| after_first);
            let after = last.map(|last| ListCursor { updated_at: last.updated_at, id: last.id });
            let rest = store.conversations(ConversationQuery { after, ..query }).await.unwrap();
            format!("{first:?} {rest:?}")
        }
        Call::Thread { who, before, limit } => {
            let page = ThreadPage { before, limit };
            let own = store.session_thread(&visitor(sequence, who), page).await.unwrap();
            let by_id = match &own {
                Some(thread) => store.thread(SITE, thread.conversation.id, page).await.unwrap(),
                None => None,
            };
            assert_eq!(own, by_id);
            format!("{own:?}")
        }
        Call::Changes { who, after, limit } => {
            let name = ConversationName::Session(visitor(sequence, who));
            format!("{:?}", store.changes(&name, after, limit).await.unwrap())
        }
        Call::Rate { who, answer, rating } => {
            let visitor = visitor(sequence, who);
            let (Some(answer), Some(secret)) = (pick(answer), visitor.secret) else {
                return (String::new(), None);
            };
            let rating = rating.map(|is_up| if is_up { Rating::Up } else { Rating::Down });
            let feedback = rating.map(|rating| Feedback { rating, reason: None, comment: None });
            let rating = RateAnswer { site: SITE, secret, answer, feedback };
            format!("{:?}", store.rate_answer(rating).await.map_err(|error| error.kind))
        }
        Call::Delete { who } => {
            let name = ConversationName::Session(visitor(sequence, who));
            format!("{:?}", store.delete_conversation(&name).await.map_err(|error| error.kind))
        }
        Call::Pass { seconds } => {
            // Both stores share the clock: it moves once, with the oracle's turn being the second.
            f.clock.advance(std::time::Duration::from_millis(u64::from(seconds) * 500));
            String::new()
        }
    };
    (result, None)
}
