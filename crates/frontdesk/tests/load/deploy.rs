//! P6: the end of the program, while many answers are being written, loses nothing.

use std::time::{Duration, Instant};

use frontdesk_testkit::{Connection, Effort, ModelServer, Program, Step, Wire, stream};
use serde_json::json;
use tokio::task::JoinSet;

use crate::crowd::{Answer, Shown, Visitor};
use crate::{BINARY, run};

const WORDS: [&str; 8] = ["One, ", "two, ", "three, ", "four, ", "five, ", "six, ", "seven, ", "eight."];

/// A model that says one word after the other; the last one only if it is to end.
fn model(pause: Duration, ends: bool) -> ModelServer {
    ModelServer::start(move |call| {
        let text = String::from_utf8(stream(Wire::UntilClose, &call.path, &WORDS)).unwrap();
        let pieces = text.split_inclusive("\n\n").map(|piece| Step::Send(piece.as_bytes().to_vec()));
        let mut steps: Vec<_> = pieces.flat_map(|piece| [piece, Step::Pause(pause)]).collect();
        if !ends {
            steps.truncate(2 * WORDS.len() - 1);
            steps.push(Step::Hang);
        }
        steps
    })
}

fn program(model: &ModelServer) -> Program {
    Program::new(BINARY)
        .set("OPENAI_BASE_URL", &model.base_url())
        .set("UPSTREAM_API", "chat")
        .set("MAX_RUNNING_ANSWERS", "1000")
        .set("UPSTREAM_IDLE_TIMEOUT_MS", "120000")
}

/// Begins so many answers, waits until all of them have, asks the program to end, and reads to the end. Gives what was
/// shown to each visitor, and how long the program took to end.
async fn shown_at_the_end(program: &mut Program, count: usize) -> (Vec<(Visitor, Shown)>, Duration) {
    let address = program.api();
    let mut beginning = JoinSet::new();
    for n in 0..count {
        let visitor = Visitor::new(format!("visitor-{n}"));
        beginning.spawn(async move {
            let connection = Connection::open(address).await.unwrap();
            let answer = Answer::begin(connection, &visitor.message("count")).await;
            (visitor, answer)
        });
    }
    let answers = beginning.join_all().await;
    program.child().terminate();
    let began = Instant::now();
    let mut reading = JoinSet::new();
    for (visitor, answer) in answers {
        reading.spawn(async move { (visitor, answer.finish().await.unwrap().0) });
    }
    let shown = reading.join_all().await;
    assert!(program.child().wait(Duration::from_secs(40)), "not everything was stored");
    (shown, began.elapsed())
}

#[test]
fn answers_that_can_end_are_written_whole_when_the_program_ends() {
    let count = Effort::asked().pick(20, 500);
    let pause = Duration::from_millis(Effort::asked().pick(50, 700));
    run(async {
        let model = model(pause, true);
        let mut program = program(&model).started();
        let (shown, span) = shown_at_the_end(&mut program, count).await;
        for (_, shown) in &shown {
            assert_eq!((&shown.end["type"], &shown.text), (&json!("done"), &WORDS.concat()), "{shown:?}");
        }
        println!("{count} answers were written whole; the program ended after {span:?}");
        assert!(span < Duration::from_secs(35));
    });
}

#[test]
fn answers_that_cannot_end_are_kept_as_far_as_they_came_when_the_program_ends() {
    let count = Effort::asked().pick(20, 500);
    let window = Duration::from_secs(Effort::asked().pick_longer(1, 3, 30));
    run(async {
        let model = model(Duration::from_millis(20), false);
        let mut program = program(&model).set("SHUTDOWN_TIMEOUT_MS", &window.as_millis().to_string());
        program.start();
        let (shown, span) = shown_at_the_end(&mut program, count).await;
        println!("{count} answers were kept as they were; the program ended {span:?} after the signal");
        assert!(span >= window && span < window + Duration::from_secs(5), "{span:?}");

        program.start();
        let mut connection = Connection::open(program.api()).await.unwrap();
        for (visitor, shown) in &shown {
            let end = &shown.end;
            assert_eq!(
                (&end["code"], &end["retryable"]),
                (&json!("shutting_down"), &json!(true)),
                "{shown:?}"
            );
            let (_, history) = connection.ask(&visitor.history()).await.unwrap();
            let history: serde_json::Value = serde_json::from_str(&history).unwrap();
            let kept = &history["messages"][1];
            let facts = (&kept["status"], &kept["content"], &kept["id"]);
            assert_eq!(facts, (&json!("interrupted"), &json!(shown.text), &json!(shown.id)), "{kept}");
            assert_eq!(shown.text, WORDS.concat());
        }
    });
}
