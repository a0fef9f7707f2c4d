//! Random sequences of calls, compared with the memory store.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::{Fixture, SITE, bare_session, session};
use crate::testing::MemoryStore;
use crate::{
    Answering, Assigned, BeginConversation, Clock as _, CloseTurn, ConversationFilter, ConversationId,
    ConversationName, ConversationQuery, ConversationState, ConversationStatus, ConversationUpdate, Feedback,
    IdempotencyKey, ListCursor, MessageId, MessageStatus, NewMessage, OpenTurn, OperatorName, RateAnswer,
    Rating, Role, SavePartial, SessionKey, SiteStore as _, Store, Tag, ThreadPage, Timestamp, TurnOpening,
    Visit,
};

/// How many sequences are tried, and how many calls each has.
const SEQUENCES: u32 = 24;
const CALLS: usize = 60;

#[derive(Clone, Debug)]
enum Call {
    Open {
        who: u8,
        text: u8,
        key: Option<u8>,
        history: u32,
        page: Option<u8>,
    },
    Begin {
        who: u8,
        id: [u8; 16],
        page: Option<u8>,
    },
    Update {
        who: u8,
        stale: bool,
        state: u8,
        role: Option<u8>,
        id: [u8; 16],
        key: Option<u8>,
        is_activity: bool,
    },
    MarkRead {
        who: u8,
        count: u32,
    },
    Filter {
        filter: u16,
        limit: u32,
    },
    Save {
        answer: u8,
        text: u8,
    },
    Close {
        answer: u8,
        status: MessageStatus,
        text: u8,
    },
    Interrupt,
    List {
        limit: u32,
        after_first: bool,
    },
    Thread {
        who: u8,
        before: Option<u32>,
        limit: u32,
    },
    Changes {
        who: u8,
        after: u32,
        limit: u32,
    },
    Rate {
        who: u8,
        answer: u8,
        rating: Option<bool>,
    },
    Delete {
        who: u8,
    },
    Pass {
        seconds: u8,
    },
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
        1 => (0..6_u8, any::<[u8; 16]>(), proptest::option::of(0..3_u8))
            .prop_map(|(who, id, page)| Call::Begin { who, id, page }),
        4 => (0..6_u8, proptest::bool::weighted(0.2), any::<u8>(), proptest::option::of(0..3_u8), any::<[u8; 16]>(),
              proptest::option::of(0..5_u8), any::<bool>())
            .prop_map(|(who, stale, state, role, id, key, is_activity)| {
                Call::Update { who, stale, state, role, id, key, is_activity }
            }),
        1 => (0..6_u8, 0..6_u32).prop_map(|(who, count)| Call::MarkRead { who, count }),
        2 => (any::<u16>(), 1..6_u32).prop_map(|(filter, limit)| Call::Filter { filter, limit }),
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

fn visit(page: Option<u8>) -> Visit {
    let page = page.map(|page| format!("/page/{page}"));
    Visit { language: page.as_ref().map(|_| "en".to_owned()), page, ..Visit::default() }
}

/// One of the states that there can be.
fn state(n: u8) -> ConversationState {
    let name = |n: u8| ["Ben", "Maya"].get(usize::from(n)).map(|name| OperatorName::parse(name).unwrap());
    let tags = ["refund", "vip"].iter().enumerate().filter(|(bit, _)| (n >> bit) & 1 == 1);
    ConversationState {
        status: ConversationStatus::ALL[usize::from(n / 4 % 3)],
        answering: name(n / 12 % 4).map(|operator| Answering { operator, since: Timestamp::from_millis(7) }),
        assignee: name(n / 48 % 3),
        tags: tags.map(|(_, tag)| Tag::parse(tag).unwrap()).collect(),
        contact: None,
    }
}

/// One of the filters that there can be: of half of them each condition.
fn filter(n: u16) -> ConversationFilter {
    let like = state(n.to_le_bytes()[1]);
    let is = |bit: u8| (n >> bit) & 1 == 1;
    ConversationFilter {
        statuses: if is(0) { vec![like.status] } else { Vec::new() },
        assignee: is(1).then(|| like.assignee.map_or(Assigned::ToNobody, Assigned::To)),
        tag: like.tags.into_iter().next().filter(|_| is(2)),
        page: is(3).then(|| "/page/1".to_owned()),
        rating: is(4).then_some(Rating::Up),
        ..ConversationFilter::default()
    }
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
            return (String::new(), Some(OpenTurn { history_limit: history, visit: visit(page), ..turn }));
        }
        Call::Begin { who, id, page } => {
            let (id, now) = (ConversationId::from_bytes(id), f.clock.now());
            let begin = BeginConversation { session: visitor(sequence, who), id, visit: visit(page), now };
            format!("{:?}", store.begin_conversation(begin).await.unwrap())
        }
        Call::Update { who, stale, state: to, role, id, key, is_activity } => {
            let name = ConversationName::Session(visitor(sequence, who));
            let Some((_, before)) = store.conversation(&name).await.unwrap() else {
                return (String::new(), None);
            };
            let message = role.map(|role| NewMessage {
                id: MessageId::from_bytes(id),
                role: [Role::Operator, Role::Event, Role::Note][usize::from(role)],
                text: format!("said {to}"),
                author: state(to).assignee,
                idempotency_key: key.map(|key| IdempotencyKey::parse(&format!("key{key}")).unwrap()),
            });
            let update = ConversationUpdate {
                site: SITE,
                conversation: before.id,
                expected_revision: before.revision - u32::from(stale && before.revision > 0),
                state: state(to),
                message,
                is_activity,
                now: f.clock.now(),
            };
            let updated = store.update_conversation(update).await.unwrap();
            format!("{before:?} {:?} {updated:?}", before.visit.page)
        }
        Call::MarkRead { who, count } => {
            let name = ConversationName::Session(visitor(sequence, who));
            if let Some((_, found)) = store.conversation(&name).await.unwrap() {
                store.mark_read(SITE, found.id, count).await.unwrap();
            }
            String::new()
        }
        Call::Filter { filter: n, limit } => {
            let filter = filter(n);
            let count = store.count_conversations(SITE, &filter, limit).await.unwrap();
            let mut found = Vec::new();
            let mut after = None;
            loop {
                let query = ConversationQuery { site: SITE, filter: filter.clone(), after, limit };
                let page = store.conversations(query).await.unwrap();
                found.extend(page.conversations);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            format!("{count} {found:?}")
        }
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
