//! P20: hours at half of what the program can do leave nothing behind.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use frontdesk_testkit::{Connection, Dice, Effort, Program, Request, Vitals};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::crowd::{Answer, Reply, Visitor};
use crate::overload::{Senders, model, program};
use crate::run;

const SEED: u64 = 0x5EED_0020;

/// By how much memory may grow in ten minutes, once it has warmed up.
const LIMIT_KIB: f64 = 1024.0;

/// By how much it may grow in a run that is too short to tell warming up from growing.
const GROSS_KIB: i64 = 64 * 1024;

/// How long the system may take to close what was used.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one of many visitors does: most read to the end, others leave, stop, come back, or send what is wrong.
async fn visit(address: SocketAddr, visitor: Visitor, kind: usize) {
    let mut connection = Connection::open(address).await.unwrap();
    if kind == 0 {
        let wrong = Request::post("/v1/chat", &json!({ "sessionId": 7 }));
        // Who tries too many wrong keys is told to wait.
        assert!(matches!(connection.ask(&wrong).await.unwrap().0.status, 401 | 429));
        let (head, _) = connection.ask(&Request::get("/v1/nothing")).await.unwrap();
        assert_eq!(head.status, 404);
        return;
    }
    // With all places taken by chance, nothing comes of it.
    let Reply::Begun(answer) = Answer::ask(connection, &visitor.message("hello")).await.unwrap() else {
        return;
    };
    let id = answer.shown.id.clone();
    match kind {
        1 => drop(answer),
        2 => {
            let mut other = Connection::open(address).await.unwrap();
            assert_eq!(other.ask(&visitor.stop()).await.unwrap().0.status, 200);
            answer.finish().await.unwrap();
        }
        3 => {
            let (shown, connection) = answer.finish().await.unwrap();
            let again = Answer::begin(connection, &visitor.answer(&id)).await.finish().await.unwrap().0;
            assert_eq!(again.text, shown.text);
        }
        4 => {
            let (_, mut connection) = answer.finish().await.unwrap();
            assert_eq!(connection.ask(&visitor.history()).await.unwrap().0.status, 200);
        }
        _ => drop(answer.finish().await.unwrap()),
    }
}

/// Lets visitors come and go, so many a second. Calls `look` once a second.
async fn visits(address: SocketAddr, rate: f64, span: Duration, name: &str, mut look: impl FnMut(Duration)) {
    let (began, mut visiting, mut dice) = (Instant::now(), JoinSet::new(), Dice::new(SEED));
    let (mut n, mut looked) = (0_u32, Duration::ZERO);
    while began.elapsed() < span {
        sleep(Duration::from_secs_f64(f64::from(n) / rate).saturating_sub(began.elapsed())).await;
        visiting.spawn(visit(address, Visitor::new(format!("{name}-{n}")), dice.below(10)));
        n += 1;
        while let Some(visited) = visiting.try_join_next() {
            visited.unwrap();
        }
        if began.elapsed() >= looked + Duration::from_secs(1) {
            looked = began.elapsed();
            look(looked);
        }
    }
    visiting.join_all().await;
}

/// What the program holds once nobody asks for anything: no more than before, if it is given time.
async fn at_rest(program: &mut Program, before: Option<Vitals>) -> Vitals {
    let began = Instant::now();
    loop {
        sleep(Duration::from_millis(500)).await;
        let now = program.child().vitals();
        let is_down = before.is_none_or(|before| now.files <= before.files && now.threads <= before.threads);
        if is_down && (before.is_some() || began.elapsed() > Duration::from_secs(1)) {
            return now;
        }
        assert!(began.elapsed() < PATIENCE, "{before:?} before, {now:?} after it");
    }
}

/// The slope of the line that is nearest to these points (least squares).
#[expect(clippy::cast_precision_loss, reason = "seconds and kibibytes")]
fn slope(points: &[(Duration, i64)]) -> f64 {
    let points: Vec<_> = points.iter().map(|(at, kib)| (at.as_secs_f64(), *kib as f64)).collect();
    let count = points.len() as f64;
    let middle =
        points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0 / count, sum.1 + point.1 / count));
    let above: f64 = points.iter().map(|point| (point.0 - middle.0) * (point.1 - middle.1)).sum();
    let below: f64 = points.iter().map(|point| (point.0 - middle.0).powi(2)).sum();
    above / below
}

#[test]
fn a_long_run_leaves_nothing_behind() {
    let effort = Effort::asked();
    let span = match effort {
        Effort::Quick => Duration::from_secs(1),
        Effort::Full => Duration::from_secs(18),
        Effort::Soak => Effort::soak_time(Duration::from_hours(2)),
    };
    run(async {
        let model = model();
        let mut program = program(&model).started();
        let address = program.api();
        let senders = Senders::to(address);
        let capacity = senders.capacity(span.min(Duration::from_secs(5)) / 3).await;
        drop(senders);
        let before = at_rest(&mut program, None).await;

        let mut points = Vec::new();
        let child = program.child();
        visits(address, capacity / 2.0, span, "visitor", |at| {
            points.push((at, child.vitals().memory_kib));
            model.forget_calls();
        })
        .await;
        let last = program.child().vitals();
        let after = at_rest(&mut program, Some(before)).await;

        let warm = points.iter().position(|(at, _)| *at >= span / 4).unwrap_or_default();
        let growth = if points.len() > warm + 1 { slope(&points[warm..]) * 600.0 } else { 0.0 };
        println!(
            "{span:?} at {:.0} visits a second: {before:?} before, {last:?} at its end, {after:?} after it",
            capacity / 2.0
        );
        println!("memory grew by {growth:.0} KiB in 10 min, as the last three quarters of it say");
        assert!(last.memory_kib - before.memory_kib < GROSS_KIB);
        if effort == Effort::Soak {
            assert!(growth < LIMIT_KIB);
        }
    });
}
