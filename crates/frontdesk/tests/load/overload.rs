//! P7: more messages than can be answered are refused at once, and those that are taken are answered as before.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use frontdesk_testkit::{Connection, Dice, Effort, ModelServer, Program, Step, Wire, stream};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::crowd::{Answer, Reply, Times, Visitor};
use crate::{BINARY, run};

const SEED: u64 = 0x5EED_0007;

/// How many answers the program may write at once. Together with [`PAUSE`] this is what limits it, and not the
/// processor, which it shares with these clients and the model.
pub(crate) const PLACES: usize = 20;

/// How long the model waits before each of an answer's words.
const PAUSE: Duration = Duration::from_millis(50);

const WORDS: [&str; 4] = ["An ", "answer ", "in ", "pieces."];

/// The slowest refusal that is promised, of 99 in 100.
const REFUSED_WITHIN: Duration = Duration::from_millis(50);

/// How long it may take until everything is as before.
const NORMAL_WITHIN: Duration = Duration::from_secs(5);

/// How often a step is tried again whose refusals were slow, because other programs on the machine may have been the
/// reason.
const TRIES: usize = 3;

/// A model that takes a quarter of a second for an answer.
pub(crate) fn model() -> ModelServer {
    ModelServer::start(|call| {
        let text = String::from_utf8(stream(Wire::UntilClose, &call.path, &WORDS)).unwrap();
        let pieces = text.split_inclusive("\n\n").map(|piece| Step::Send(piece.as_bytes().to_vec()));
        pieces.take(WORDS.len() + 2).flat_map(|piece| [Step::Pause(PAUSE), piece]).collect()
    })
}

/// A program that takes on [`PLACES`] answers of that model at once.
pub(crate) fn program(model: &ModelServer) -> Program {
    Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("UPSTREAM_API", "chat")
        .set("MAX_RUNNING_ANSWERS", &PLACES.to_string())
        // What is refused on purpose is not worth a line of this test's output.
        .set("LOG_LEVEL", "off")
}

/// Everybody who sends messages to one program. Connections are used again; each message is another visitor's.
#[derive(Debug)]
pub(crate) struct Senders {
    address: SocketAddr,
    next: AtomicUsize,
    idle: Mutex<Vec<Connection>>,
    outcome: Mutex<Outcome>,
}

/// What came of the messages of a step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// From the moment at which the message was due to the first word of its answer.
    pub(crate) first_words: Times,
    /// From that moment to the refusal.
    refusals: Times,
    /// When the last refusal came.
    last_refusal: Option<Instant>,
    answered: usize,
}

impl Senders {
    pub(crate) fn to(address: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            address,
            next: AtomicUsize::new(0),
            idle: Mutex::default(),
            outcome: Mutex::default(),
        })
    }

    /// Sends one message, and says whether it was answered. Everything but an answer or an orderly refusal fails.
    async fn send(&self, due: Instant) -> bool {
        let visitor = Visitor::new(format!("visitor-{}", self.next.fetch_add(1, Ordering::Relaxed)));
        // The program closes those that nobody has used for a while.
        let idle = self.idle.lock().unwrap().pop().filter(Connection::is_open);
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open(self.address).await.unwrap(),
        };
        let (connection, is_answered) =
            match Answer::ask(connection, &visitor.message("hello")).await.unwrap() {
                Reply::Begun(answer) => {
                    self.outcome.lock().unwrap().first_words.add(due.elapsed());
                    let (shown, connection) = answer.finish().await.unwrap();
                    assert_eq!((&shown.end["type"], shown.text), (&json!("done"), WORDS.concat()));
                    self.outcome.lock().unwrap().answered += 1;
                    (connection, true)
                }
                Reply::Refused(head, body, connection) => {
                    let mut outcome = self.outcome.lock().unwrap();
                    outcome.refusals.add(due.elapsed());
                    outcome.last_refusal = Some(Instant::now());
                    assert_eq!((head.status, &body["code"]), (503, &json!("overloaded")));
                    assert!(head.text.contains("\r\nretry-after: "), "{}", head.text);
                    (connection, false)
                }
            };
        self.idle.lock().unwrap().push(connection);
        is_answered
    }

    /// As many as there are places send one message after the other, for so long. Gives the answers a second.
    pub(crate) async fn capacity(self: &Arc<Self>, span: Duration) -> f64 {
        let (began, mut sending) = (Instant::now(), JoinSet::new());
        for _ in 0..PLACES {
            let senders = Arc::clone(self);
            sending.spawn(async move {
                while began.elapsed() < span {
                    if !senders.send(Instant::now()).await {
                        // The place of the answer before is not free yet.
                        sleep(Duration::from_millis(2)).await;
                    }
                }
            });
        }
        sending.join_all().await;
        self.take_outcome().rate(began.elapsed())
    }

    /// Messages come at random moments, so many a second, for so long, whatever becomes of those before.
    pub(crate) async fn arrive(self: &Arc<Self>, rate: f64, span: Duration) -> Outcome {
        let (began, mut sending) = (Instant::now(), JoinSet::new());
        let mut dice = Dice::new(SEED);
        let mut due = Duration::ZERO;
        while due < span {
            sleep_until((began + due).into()).await;
            let (senders, at) = (Arc::clone(self), began + due);
            sending.spawn(async move { senders.send(at).await });
            // The pauses between events that know nothing of each other.
            let thrown = f64::from(u32::try_from(dice.below(1 << 20)).unwrap() + 1) / f64::from(1 << 20);
            due += Duration::from_secs_f64(-thrown.ln() / rate);
            while let Some(sent) = sending.try_join_next() {
                sent.unwrap();
            }
        }
        sending.join_all().await;
        self.take_outcome()
    }

    fn take_outcome(&self) -> Outcome {
        std::mem::take(&mut *self.outcome.lock().unwrap())
    }
}

impl Outcome {
    #[expect(clippy::cast_precision_loss, reason = "counts of seconds")]
    fn rate(&self, span: Duration) -> f64 {
        self.answered as f64 / span.as_secs_f64()
    }
}

#[test]
fn overload_is_refused_at_once_and_takes_nothing_from_the_others() {
    let effort = Effort::asked();
    let step = match effort {
        Effort::Quick => Duration::from_millis(300),
        Effort::Full => Duration::from_secs(3),
        Effort::Soak => Effort::soak_time(Duration::from_mins(1)),
    };
    run(async {
        let model = model();
        let program = program(&model).started();
        let senders = Senders::to(program.api());
        let capacity = senders.capacity(step).await;
        let usual = senders.arrive(capacity * 0.3, step).await;
        println!(
            "capacity: {capacity:.0} answers a second; at 0.3 of it, first words {}",
            usual.first_words.in_words()
        );
        let (mut peak, mut worst) = (capacity, f64::MAX);
        for factor in effort.pick(&[10.0][..], &[1.0, 2.0, 5.0, 10.0]) {
            for attempt in 1..=TRIES {
                let began = Instant::now();
                let outcome = senders.arrive(capacity * *factor, step).await;
                // Whoever came at the end is answered after it.
                let goodput = outcome.rate(began.elapsed());
                println!(
                    "{factor} times the capacity: {goodput:.0} answers a second, first words {}; refused {}",
                    outcome.first_words.in_words(),
                    outcome.refusals.in_words()
                );
                (peak, worst) = (peak.max(goodput), goodput);
                // One in a hundred of fewer than that would be the slowest of them.
                let is_telling = outcome.refusals.count() >= 100;
                let in_time = !is_telling || outcome.refusals.percentile(99) <= REFUSED_WITHIN;
                if effort == Effort::Quick {
                    break;
                }
                assert!(is_telling || *factor < 10.0, "that was no overload");
                if in_time {
                    break;
                }
                assert!(attempt < TRIES, "refusals are slow, {TRIES} times");
            }
        }
        let ended = Instant::now();
        let after = senders.arrive(capacity * 0.3, NORMAL_WITHIN.min(step * 2)).await;
        let normal = after.last_refusal.map_or(Duration::ZERO, |last| last - ended);
        println!(
            "the last refusal came {normal:?} after the load; first words {}",
            after.first_words.in_words()
        );
        assert!(after.answered > 0);
        if effort != Effort::Quick {
            assert!(worst >= peak * 0.8, "{worst:.0} of {peak:.0} answers a second are left");
            assert!(normal < NORMAL_WITHIN / 2, "{normal:?}");
            let slowest = usual.first_words.percentile(99).max(PAUSE) * 4;
            assert!(after.first_words.percentile(50) <= slowest, "{}", after.first_words.in_words());
        }
    });
}
