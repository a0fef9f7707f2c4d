//! P8: readers that take nothing cost little, hold nobody up, and are cut off.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use frontdesk_testkit::{Connection, Effort, ModelServer, Program, Step, Wire, stream};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::crowd::{Answer, Times, Visitor};
use crate::{BINARY, run};

/// What a large answer is made of, and how often. Each of its characters is six in an event: it is more than the buffers
/// on the way hold, while the text itself, which the program has to keep, is not what is measured.
const PIECE: &str = "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}";
const PIECES: usize = 1024;

/// The most memory that all of them may take together.
const LIMIT_KIB: i64 = 100 * 1024;

/// How much longer the others may wait for their first words.
const DELAY: Duration = Duration::from_millis(50);

/// How long a reader may take nothing.
const STALL: Duration = Duration::from_secs(30);

/// How many begin in a second at most, and how many of their answers are written at once.
const A_SECOND: u32 = 100;
const AT_ONCE: usize = 20;

/// A model that gives large answers to those who ask for them, and short ones to others.
fn model() -> ModelServer {
    let large = stream(Wire::UntilClose, "/v1/chat/completions", &[PIECE.repeat(64).as_str(); PIECES / 64]);
    let short = stream(Wire::UntilClose, "/v1/chat/completions", &["A ", "short ", "answer."]);
    ModelServer::start(move |call| {
        let is_large = call.body["messages"].as_array().unwrap().last().unwrap()["content"] == "everything";
        vec![Step::Send(if is_large { large.clone() } else { short.clone() })]
    })
}

/// Ordinary visitors, who send and read until they are told to go. Gives how long they wait for the first words.
struct Visitors {
    over: Arc<AtomicBool>,
    visiting: JoinSet<Times>,
}

impl Visitors {
    fn come(address: SocketAddr, count: u32, pause: Duration, phase: &'static str) -> Self {
        let (over, mut visiting) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        for n in 0..count {
            let over = Arc::clone(&over);
            visiting.spawn(async move {
                // Spread over the pause, and not all at once.
                sleep(pause * n / count).await;
                let (mut times, mut connection) =
                    (Times::default(), Connection::open(address).await.unwrap());
                while !over.load(Ordering::Relaxed) {
                    let visitor = Visitor::new(format!("{phase}-{n}-{}", times.count()));
                    let began = Instant::now();
                    let answer = Answer::begin(connection, &visitor.message("hello")).await;
                    times.add(began.elapsed());
                    let (shown, next) = answer.finish().await.unwrap();
                    assert_eq!(shown.end["type"], json!("done"));
                    connection = next;
                    sleep(pause).await;
                }
                times
            });
        }
        Self { over, visiting }
    }

    async fn go(self) -> Times {
        self.over.store(true, Ordering::Relaxed);
        let mut all = Times::default();
        self.visiting.join_all().await.iter().for_each(|times| all.extend(times));
        all
    }
}

/// Somebody who asks for everything and reads nothing.
async fn ask_and_read_nothing(address: SocketAddr, visitor: &Visitor) -> Connection {
    let mut connection = Connection::open_narrow(address).await.unwrap();
    connection.send(&visitor.message("everything")).await.unwrap();
    connection
}

#[test]
fn readers_that_take_nothing_harm_nobody() {
    let effort = Effort::asked();
    let (slow, ordinary) = effort.pick((30, 5), (1000, 100));
    let phase = effort.pick(Duration::from_millis(300), Duration::from_secs(6));
    run(async {
        let model = model();
        let mut program = Program::new(BINARY)
            .set("OPENAI_BASE_URL", &model.base_url())
            .set("UPSTREAM_API", "chat")
            .set("MAX_RUNNING_ANSWERS", "2000")
            .started();
        let address = program.api();
        let visitors = Visitors::come(address, ordinary, phase / 3, "before");
        sleep(phase).await;
        let usual = visitors.go().await;
        let before = program.child().vitals();

        let visitors = Visitors::come(address, ordinary, phase / 3, "arriving");
        let readers: Vec<_> = (0..slow).map(|n| Visitor::new(format!("slow-{n}"))).collect();
        let (mut connections, mut most) = (Vec::new(), before.memory_kib);
        let began = Instant::now();
        for (n, reader) in (0_u32..).zip(&readers) {
            sleep((Duration::from_secs(1) * n / A_SECOND).saturating_sub(began.elapsed())).await;
            // Not faster than they can be answered: a burst is another test's matter.
            while model.open_connections() >= AT_ONCE {
                sleep(Duration::from_millis(5)).await;
            }
            connections.push(ask_and_read_nothing(address, reader).await);
            if n % 50 == 0 {
                most = most.max(program.child().vitals().memory_kib);
            }
        }
        let arrived = Instant::now();
        let arriving = visitors.go().await;

        let visitors = Visitors::come(address, ordinary, phase / 3, "stalled");
        let (mut cut_after, watched) = (None, effort.pick(phase, STALL + Duration::from_secs(15)));
        while arrived.elapsed() < watched && cut_after.is_none() {
            sleep(Duration::from_millis(100)).await;
            let now = program.child().vitals();
            most = most.max(now.memory_kib);
            if now.files < before.files + connections.len() / 100 + usize::try_from(ordinary).unwrap() {
                cut_after = Some(arrived.elapsed());
            }
        }
        let stalled = visitors.go().await;
        println!(
            "{slow} readers that take nothing: {} KiB of memory more at most; cut off {cut_after:?} after the last had asked",
            most - before.memory_kib
        );
        println!("first words: without them {}", usual.in_words());
        println!("while they come {}; while they are there {}", arriving.in_words(), stalled.in_words());
        assert!(most - before.memory_kib <= LIMIT_KIB);
        match (effort, cut_after) {
            (Effort::Quick, _) => {}
            (_, Some(span)) => {
                assert!(span > STALL * 2 / 3, "{span:?}: they did not stall");
            }
            (_, None) => unreachable!("they are still there after {watched:?}"),
        }
        let slower =
            [50, 99].map(|percent| stalled.percentile(percent).saturating_sub(usual.percentile(percent)));
        assert!(effort == Effort::Quick || slower[0] <= DELAY, "{slower:?}");
        // The slowest of a busy machine have other reasons.
        assert!(effort != Effort::Soak || slower[1] <= DELAY, "{slower:?}");

        let mut connection = Connection::open(address).await.unwrap();
        for reader in &readers {
            let (_, history) = connection.ask(&reader.history()).await.unwrap();
            let history: serde_json::Value = serde_json::from_str(&history).unwrap();
            let answer = &history["messages"][1];
            assert_eq!(answer["status"], "complete");
            assert_eq!(answer["content"].as_str().unwrap().len(), PIECE.len() * PIECES);
        }
    });
}
