//! What operators wait for, over many conversations: pages of the list, also by filters, counts, threads and searches.
//!
//! `cargo xtask bench` runs it over a million conversations; `cargo bench -p frontdesk-store --bench inbox -- sqlite 10000`
//! over fewer, in one engine. SQLite's file is made once and kept in `target/bench`; PostgreSQL's data are made anew, unless the
//! address of an empty database takes the place of the engine's name: what is made there stays.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking and tells what it measured"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use frontdesk_core::testing::ManualClock;
use frontdesk_core::{
    AnswerFacts, Assigned, Clock as _, CloseTurn, ConversationFilter, ConversationId, ConversationQuery,
    ConversationSearch, ConversationState, ConversationStatus, ConversationUpdate, Feedback, ListCursor,
    MessageId, MessageStatus, MessageText, NodeId, OpenTurn, OperatorName, RateAnswer, Rating, SearchQuery,
    SecretHash, SessionId, SessionKey, SiteId, Store, Tag, ThreadPage, Timestamp, TurnIds, Visit,
    VisitorIdentity,
};
use frontdesk_store::{StoreUrl, open};
use frontdesk_testkit::PostgresServer;
use futures_util::StreamExt as _;
use tokio::time::Instant;

const SITE: SiteId = SiteId::DEFAULT;

/// All visitors have the same.
const SECRET: SecretHash = SecretHash::from_bytes([7; 32]);

/// How many conversations are made at once, as visitors come at once.
const AT_ONCE: usize = 256;

/// How often each thing is measured.
const ROUNDS: u64 = 300;

/// Numbers that look random and are always the same (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        n ^ (n >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn id(kind: u8, n: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[0] = kind;
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    bytes
}

/// A word of a vocabulary of fifty thousand, of which the first are far more common than the last.
fn word(dice: &mut Dice) -> String {
    const SYLLABLES: [&str; 20] = [
        "ba", "co", "di", "fe", "ga", "hu", "ji", "ko", "la", "me", "ni", "po", "ra", "se", "ti", "vo", "wa",
        "xi", "yo", "zu",
    ];
    let rank = 50_000 / (1 + dice.below(50_000));
    let mut n = rank * 7919 % 50_000;
    let mut word = String::new();
    for _ in 0..4 {
        word += SYLLABLES[usize::try_from(n % 20).unwrap()];
        n /= 20;
    }
    word
}

/// What is said in a conversation: ordinary words, and some whose frequency is known.
fn text(dice: &mut Dice, n: u64) -> String {
    let mut words: Vec<String> = (0..8 + dice.below(16)).map(|_| word(dice)).collect();
    if dice.below(5) == 0 {
        words.push("delivery".to_owned());
    }
    if dice.below(5) == 0 {
        words.push("invoice".to_owned());
    }
    if n.is_multiple_of(300) {
        words.push("refund".to_owned());
    }
    if n.is_multiple_of(50_000) {
        words.push("norway".to_owned());
    }
    words.join(" ")
}

/// The sessions of two conversations in a hundred come back later.
fn visitor(n: u64, dice: &mut Dice) -> u64 {
    if n > 1000 && dice.below(50) == 0 { n - 1 - dice.below(n.min(200_000) - 1) } else { n }
}

/// The page that a visitor is on: one of forty, or one that few have seen.
fn page(n: u64) -> String {
    let page = if n.is_multiple_of(5000) { "imprint".to_owned() } else { format!("product/{}", n * 31 % 40) };
    format!("https://shop.example/{page}")
}

/// What operators make of a conversation: most are closed in the end, and few wait.
fn state(n: u64, dice: &mut Dice) -> ConversationState {
    let status = match dice.below(2000) {
        0 => ConversationStatus::NeedsPerson,
        1..1200 => ConversationStatus::Closed,
        _ => ConversationStatus::Open,
    };
    let assignee = match dice.below(1000) {
        0 => Some("Ben"),
        1..100 => Some("Maya"),
        _ => None,
    };
    let tags = [(20, "vip"), (300, "refund"), (20_000, "press")];
    let tags = tags.iter().filter(|(every, _)| n.is_multiple_of(*every));
    ConversationState {
        status,
        assignee: assignee.map(operator),
        tags: tags.map(|(_, tag)| Tag::parse(tag).unwrap()).collect(),
        ..ConversationState::default()
    }
}

fn operator(name: &str) -> OperatorName {
    OperatorName::parse(name).unwrap()
}

/// What becomes of a conversation after its first turn.
async fn operate(store: &dyn Store, n: u64, answer: MessageId, now: Timestamp) {
    let mut dice = Dice(n ^ 0xFFFF);
    if dice.below(50) == 0 {
        let rating = if dice.below(4) == 0 { Rating::Down } else { Rating::Up };
        let feedback = Some(Feedback { rating, reason: None, comment: None });
        let rating = RateAnswer { site: SITE, secret: SECRET, answer, feedback };
        store.rate_answer(rating).await.unwrap();
        return;
    }
    let update = ConversationUpdate {
        site: SITE,
        conversation: ConversationId::from_bytes(id(1, n)),
        expected_revision: 3,
        state: state(n, &mut dice),
        message: None,
        is_activity: false,
        now,
    };
    // Somebody who came back at the same time may have been first.
    store.update_conversation(update).await.unwrap();
}

async fn say(store: &dyn Store, n: u64) {
    let mut dice = Dice(n);
    let now = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(n).unwrap() * 1000);
    let who = visitor(n, &mut dice);
    let session = SessionKey {
        site: SITE,
        session: SessionId::parse(&format!("visitor-{who}")).unwrap(),
        secret: Some(SECRET),
    };
    let answer = MessageId::from_bytes(id(3, n));
    let turn = OpenTurn {
        session,
        text: MessageText::parse(text(&mut dice, n)).unwrap(),
        idempotency_key: None,
        ids: TurnIds {
            conversation: ConversationId::from_bytes(id(1, n)),
            visitor_message: MessageId::from_bytes(id(2, n)),
            answer,
        },
        now,
        history_limit: 1,
        history_since: now,
        node: NodeId::from_bytes(id(4, 0)),
        identity: n
            .is_multiple_of(10)
            .then(|| VisitorIdentity::new(format!("customer-{}", n / 100), None, None).unwrap()),
        visit: Visit { page: Some(page(n)), ..Visit::default() },
    };
    store.open_turn(turn).await.unwrap();
    let text = text(&mut dice, n + 1);
    let (status, facts) = (MessageStatus::Complete, AnswerFacts::default());
    let _ = store.close_turn(CloseTurn { site: SITE, answer, status, text, facts, now }).await;
    if who == n {
        operate(store, n, answer, now).await;
    }
}

/// What operators filter by. Each name says about how many of a million conversations there are.
fn filters() -> Vec<(&'static str, ConversationFilter)> {
    let none = ConversationFilter::default;
    let status =
        |statuses: &[ConversationStatus]| ConversationFilter { statuses: statuses.to_vec(), ..none() };
    let tag = |tag: &str| ConversationFilter { tag: Tag::parse(tag).ok(), ..none() };
    let of = |name: &str| ConversationFilter { assignee: Some(Assigned::To(operator(name))), ..none() };
    let on = |n: u64| ConversationFilter { page: Some(page(n)), ..none() };
    let rated = |rating| ConversationFilter { rating: Some(rating), ..none() };
    let [open, waiting, closed] = ConversationStatus::ALL;
    let nobody = Some(Assigned::ToNobody);
    vec![
        ("closed (600,000)", status(&[closed])),
        ("open or waiting (400,000)", status(&[open, waiting])),
        ("waiting (500)", status(&[waiting])),
        ("a common tag (50,000)", tag("vip")),
        ("a rare tag (50)", tag("press")),
        ("Maya's (100,000)", of("Maya")),
        ("Ben's (1,000)", of("Ben")),
        ("rated down (5,000)", rated(Rating::Down)),
        ("a common page (25,000)", on(1)),
        ("a rare page (200)", on(0)),
        ("a session", ConversationFilter { session: SessionId::parse("visitor-77").ok(), ..none() }),
        ("a visitor (10)", ConversationFilter { visitor: Some("customer-7".to_owned()), ..none() }),
        ("open and nobody's (350,000)", ConversationFilter { assignee: nobody, ..status(&[open]) }),
        ("closed and tagged (2,000)", ConversationFilter { tag: tag("refund").tag, ..status(&[closed]) }),
        (
            "Maya's, tagged, on a page (130)",
            ConversationFilter { tag: tag("vip").tag, page: on(1).page, ..of("Maya") },
        ),
        (
            "Ben's that wait, on a rare page (none)",
            ConversationFilter { page: on(0).page, statuses: vec![waiting], ..of("Ben") },
        ),
        (
            "closed, rated up, of nobody (none)",
            ConversationFilter { assignee: of("Ben").assignee, statuses: vec![closed], ..rated(Rating::Up) },
        ),
    ]
}

/// Makes the conversations that are missing.
async fn fill(store: &Arc<dyn Store>, wanted: u64) {
    store.ensure_site(SITE, "bench", Timestamp::default()).await.unwrap();
    let query =
        ConversationQuery { site: SITE, filter: ConversationFilter::default(), after: None, limit: 1 };
    if store.conversations(query).await.unwrap().total > 0 {
        return;
    }
    let began = Instant::now();
    let numbers = futures_util::stream::iter(0..wanted);
    numbers.for_each_concurrent(AT_ONCE, |n| async move { say(&**store, n).await }).await;
    let seconds = began.elapsed().as_secs_f64();
    println!("made {wanted} turns in {seconds:.0} s");
}

/// Measures something again and again, one after the other, and prints how long it took.
async fn measure<F: Future<Output = String>>(name: &str, mut what: impl FnMut(Dice) -> F) {
    let mut times = Vec::new();
    let mut seen = String::new();
    for round in 0..ROUNDS {
        let began = Instant::now();
        seen = what(Dice(round)).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| millis(times[times.len() * percent / 100]);
    println!(
        "  {name:<44} p50 {} ms  p99 {} ms  most {} ms  ({seen})",
        at(50),
        at(99),
        millis(times[times.len() - 1])
    );
}

fn millis(span: Duration) -> String {
    format!("{:.2}", span.as_secs_f64() * 1000.0)
}

async fn run(store: Arc<dyn Store>, count: u64) {
    fill(&store, count).await;
    let store = &*store;
    let page = async |after| {
        let query = ConversationQuery { site: SITE, filter: ConversationFilter::default(), after, limit: 50 };
        format!("{} rows", store.conversations(query).await.unwrap().conversations.len())
    };
    let somewhere = |mut dice: Dice| {
        let n = dice.below(count);
        let updated_at = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(n).unwrap() * 1000);
        Some(ListCursor { updated_at, id: ConversationId::from_bytes(id(1, n)) })
    };
    measure("newest page of 50", |_| page(None)).await;
    measure("a page from anywhere", |dice| page(somewhere(dice))).await;
    for (name, filter) in filters() {
        let list = async |after| {
            let query = ConversationQuery { site: SITE, filter: filter.clone(), after, limit: 50 };
            let page = store.conversations(query).await.unwrap();
            format!("{} rows{}", page.conversations.len(), if page.next.is_some() { ", more" } else { "" })
        };
        measure(&format!("filter: {name}"), |_| list(None)).await;
        measure("  from anywhere", |dice| list(somewhere(dice))).await;
        let count = async || store.count_conversations(SITE, &filter, 100).await.unwrap().to_string();
        measure("  counted to 100", |_| count()).await;
    }
    measure("a thread", async |mut dice: Dice| {
        let id = ConversationId::from_bytes(id(1, dice.below(count)));
        let page = ThreadPage { before: None, limit: 100 };
        let thread = store.thread(SITE, id, page).await.unwrap();
        format!("{} messages", thread.map_or(0, |thread| thread.messages.len()))
    })
    .await;
    for (name, query, tag) in
        [("delivery of some", "delivery \"\"", "refund"), ("a rare word of many", "norway ", "vip")]
    {
        let search = async |after| {
            let filter = ConversationFilter { tag: Tag::parse(tag).ok(), ..ConversationFilter::default() };
            let query = SearchQuery::parse(query);
            let page = store
                .search(ConversationSearch { site: SITE, query, filter, after, limit: 50 })
                .await
                .unwrap();
            format!("{} hits{}", page.hits.len(), if page.next.is_some() { ", more" } else { "" })
        };
        measure(&format!("search and filter: {name}"), |_| search(None)).await;
        measure("  from anywhere", |dice| search(somewhere(dice))).await;
    }
    for (name, query) in [
        ("a rare word (1 in 50,000)", "norway "),
        ("a word of 1 in 300", "refund \"\""),
        ("a common word (1 in 5)", "delivery \"\""),
        ("two common words", "delivery \"invoice\""),
        ("a common and a rare word", "delivery \"norway\""),
        ("a common beginning", "deliv"),
        ("a rare beginning", "norw"),
        ("a word that nobody said", "zzyzx"),
    ] {
        let search = async |after| {
            let search = ConversationSearch {
                site: SITE,
                query: SearchQuery::parse(query),
                filter: ConversationFilter::default(),
                after,
                limit: 50,
            };
            let page = store.search(search).await.unwrap();
            format!("{} hits{}", page.hits.len(), if page.next.is_some() { ", more" } else { "" })
        };
        measure(&format!("search: {name}"), |_| search(None)).await;
        measure("  from anywhere", |dice| search(somewhere(dice))).await;
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let engine = arguments.first().map_or("sqlite", String::as_str);
    let count = arguments.get(1).map_or(10_000, |count| count.parse().unwrap());
    println!("{}, {count} turns", engine.split(':').next().unwrap());
    let clock = ManualClock::default();
    assert!(clock.now() > Timestamp::default());
    match engine {
        "sqlite" => {
            let path =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/bench/operated-{count}.db"));
            run(open(&StoreUrl::Sqlite(path), &clock).unwrap(), count).await;
        }
        "postgres" => {
            let server = PostgresServer::start_forgetful().unwrap();
            let url = StoreUrl::parse(&server.url("postgres")).unwrap();
            run(open(&url, &clock).unwrap(), count).await;
        }
        other => run(open(&StoreUrl::parse(other).unwrap(), &clock).unwrap(), count).await,
    }
}
