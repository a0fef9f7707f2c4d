//! P9: many streams in which nothing happens.

use std::time::{Duration, Instant};

use frontdesk_testkit::{Connection, Effort, ModelServer, Program, Step, Wire, stream};
use serde_json::json;
use tokio::task::JoinSet;

use crate::crowd::{Answer, Times, Visitor, health};
use crate::{BINARY, run};

/// How many answers the streams follow.
const ANSWERS: usize = 10;

/// The most memory that a stream may take.
const LIMIT_KIB: i64 = 16;

/// How many streams are opened at once.
const AT_ONCE: usize = 50;

/// A model that says a word and nothing more.
fn speechless() -> ModelServer {
    ModelServer::start(|call| {
        let all = stream(Wire::UntilClose, &call.path, &["Well, ", "no."]);
        let half = all.windows(2).position(|window| window == b"\n\n").unwrap() + 2;
        vec![Step::Send(all[..half].to_vec()), Step::Hang]
    })
}

#[test]
fn idle_streams_stay_open_and_cost_little() {
    let effort = Effort::asked();
    let count = effort.pick_longer(100, 2000, 10_000);
    let hold = match effort {
        Effort::Soak => Effort::soak_time(Duration::from_mins(10)),
        Effort::Full => Duration::from_secs(17),
        Effort::Quick => Duration::from_millis(200),
    };
    run(async {
        let model = speechless();
        let mut program = Program::new(BINARY)
            .set("OPENAI_BASE_URL", &model.base_url())
            .set("UPSTREAM_API", "chat")
            .set("UPSTREAM_IDLE_TIMEOUT_MS", "86400000")
            .set("UPSTREAM_TOTAL_TIMEOUT_MS", "86400000")
            .set("MAX_CONNECTIONS", "12000")
            .started();
        let address = program.api();
        let mut followed = Vec::new();
        for n in 0..ANSWERS {
            let visitor = Visitor::new(format!("visitor-{n}"));
            let connection = Connection::open(address).await.unwrap();
            let answer = Answer::begin(connection, &visitor.message("hello")).await;
            followed.push((visitor, answer));
        }
        // What the program needs for any load at all is not what a stream costs.
        let mut streams = Vec::new();
        streams.extend(open(address, &followed, AT_ONCE).await);
        let before = program.child().vitals();
        let began = Instant::now();
        while streams.len() < count + AT_ONCE {
            streams.extend(open(address, &followed, AT_ONCE).await);
        }
        let opened = began.elapsed();
        let at_first = program.child().vitals();
        let health = health(address, Duration::from_millis(100), Instant::now() + hold).await;
        let after = program.child().vitals();
        let each = |now: i64| (now - before.memory_kib) * 1024 / i64::try_from(count).unwrap();
        println!(
            "{count} streams opened in {opened:?}: {} bytes of memory each, {} after {hold:?}; \
             {} KiB, {} files and {} threads in all; /health {}",
            each(at_first.memory_kib),
            each(after.memory_kib),
            after.memory_kib,
            after.files,
            after.threads,
            health.in_words()
        );
        let dropped = streams.iter().filter(|stream| !stream.is_open()).count();
        assert_eq!(dropped, 0, "of {count}");
        assert!(after.files >= streams.len());
        if effort != Effort::Quick {
            assert!(each(after.memory_kib) <= LIMIT_KIB * 1024);
        }
        check_health(&health);

        // They are still what they were: each sees the end.
        let last = open(address, &followed, ANSWERS).await;
        let mut connection = Connection::open(address).await.unwrap();
        for (visitor, _) in &followed {
            assert_eq!(connection.ask(&visitor.stop()).await.unwrap().1, r#"{"stopped":true}"#);
        }
        for stream in last {
            assert_eq!(stream.finish().await.unwrap().0.end["status"], json!("stopped"));
        }
    });
}

/// Nobody waits for `/health`, even on a machine that is busy with other things.
fn check_health(health: &Times) {
    assert!(health.count() > 0 && health.percentile(50) < Duration::from_secs(1), "{}", health.in_words());
}

/// Opens streams that follow these answers.
async fn open(address: std::net::SocketAddr, followed: &[(Visitor, Answer)], count: usize) -> Vec<Answer> {
    let mut opening = JoinSet::new();
    for n in 0..count {
        let (visitor, answer) = &followed[n % followed.len()];
        let request = visitor.answer(&answer.shown.id);
        opening.spawn(async move { Answer::begin(Connection::open(address).await.unwrap(), &request).await });
    }
    let streams = opening.join_all().await;
    assert!(streams.iter().all(|stream| stream.shown.text == "Well, "));
    streams
}
