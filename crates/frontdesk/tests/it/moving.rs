//! Moving house, as whoever runs the program does it.

use std::path::Path;
use std::time::{Duration, Instant};

use frontdesk_core::{
    AnswerFacts, Clock as _, CloseTurn, ConversationId, MessageId, MessageStatus, MessageText, NodeId,
    OpenTurn, SessionId, SessionKey, SiteId, SystemClock, SystemRandom, TurnIds, Visit,
};
use frontdesk_store::{StoreUrl, open};
use frontdesk_testkit::{ConvexDeployment, Dice, Effort, PostgresServer, Program, Request};
use tokio::task::JoinSet;

use crate::BINARY;
use crate::backup::killed_after;
use crate::postgres::{database, server};

/// How many conversations are moved while the program is killed: enough for many batches.
const CONVERSATIONS: usize = 900;

/// A database with conversations of two turns each.
fn filled(path: &Path, conversations: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let clock = SystemClock::start();
        let store = open(&StoreUrl::Sqlite(path.to_owned()), &clock).unwrap();
        store.ensure_site(SiteId::DEFAULT, "default", clock.now()).await.unwrap();
        let mut visitors = JoinSet::new();
        for n in 0..conversations {
            let (store, clock) = (std::sync::Arc::clone(&store), clock);
            visitors.spawn(async move {
                for turn in 0..2 {
                    let session = SessionId::parse(&format!("visitor-{n}")).unwrap();
                    let ids = TurnIds {
                        conversation: ConversationId::mint(&clock, &SystemRandom),
                        visitor_message: MessageId::mint(&clock, &SystemRandom),
                        answer: MessageId::mint(&clock, &SystemRandom),
                    };
                    let opening = OpenTurn {
                        session: SessionKey { site: SiteId::DEFAULT, session, secret: None },
                        text: MessageText::parse(format!("question {turn} of {n}")).unwrap(),
                        idempotency_key: None,
                        identity: None,
                        visit: Visit::default(),
                        ids,
                        node: NodeId::NONE,
                        now: clock.now(),
                        history_limit: 1,
                        history_since: clock.now(),
                    };
                    store.open_turn(opening).await.unwrap();
                    let ending = CloseTurn {
                        site: SiteId::DEFAULT,
                        answer: ids.answer,
                        status: MessageStatus::Complete,
                        text: format!("answer {turn} to {n}. ").repeat(10),
                        facts: AnswerFacts::default(),
                        now: clock.now(),
                    };
                    store.close_turn(ending).await.unwrap();
                }
            });
        }
        visitors.join_all().await;
    });
}

fn run(program: &Program, arguments: &[&str]) -> Result<String, String> {
    let output = program.command().arg("migrate-store").args(arguments).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(
        !text.contains(PostgresServer::PASSWORD) && !text.contains("queries-and-mutations-only"),
        "{text}"
    );
    if output.status.success() { Ok(text) } else { Err(text) }
}

/// Moves with the program killed at random moments until it is through, and says how often half a copy was left.
fn move_with_kills(program: &Program, way: [&str; 2], usual: Duration, dice: &mut Dice) -> usize {
    let words = ["--from", way[0], "--to", way[1]];
    let mut halves = 0;
    let tries = Effort::asked().pick_longer(4, 8, 60);
    for at in 1..=tries {
        // Early at first: a move that is through cannot be broken off any more.
        let span = usual * u32::try_from(dice.below(100)).unwrap() / 100 * at / tries;
        let mut command = program.command();
        command.arg("migrate-store").args(words);
        if !killed_after(command, span) {
            break;
        }
        halves += usize::from(run(program, &[&words[..], &["--verify"]].concat()).is_err());
    }
    // The last kill may have come when all was done.
    if let Err(why) = run(program, &words) {
        assert!(why.contains("there is data in"), "{why}");
    }
    let said = run(program, &[&words[..], &["--verify"]].concat()).unwrap();
    assert!(said.contains("They are the same"), "{said}");
    halves
}

#[test]
fn a_move_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() {
    let Some(server) = server() else { return };
    let program = Program::new(BINARY).set("MOVED_TO", &database(server));
    filled(&program.folder().join("full.db"), CONVERSATIONS);
    let began = Instant::now();
    let said = run(&program, &["--from", "sqlite:full.db", "--to", "sqlite:whole.db"]).unwrap();
    let usual = began.elapsed();
    assert!(said.contains(&(CONVERSATIONS * 4).to_string()), "{said}");
    let mut dice = Dice::new(2026);
    let mut halves = move_with_kills(&program, ["sqlite:full.db", "env:MOVED_TO"], usual, &mut dice);
    halves += move_with_kills(&program, ["env:MOVED_TO", "sqlite:back.db"], usual, &mut dice);
    assert!(halves > 0, "the program was never killed while it was at it");
    run(&program, &["--from", "sqlite:full.db", "--to", "sqlite:back.db", "--verify"]).unwrap();
    let back = program.folder().join("back.db");
    let copy = Program::new(BINARY).set("DATABASE_URL", &format!("sqlite:{}", back.display()));
    assert!(copy.command().arg("end-sessions").output().unwrap().status.success());
}

#[test]
fn a_database_is_moved_to_convex_and_served_from_there() {
    let Some(convex) = ConvexDeployment::start() else { return };
    let mut program = Program::new(BINARY)
        .set("CONVEX_URL", &convex.url())
        .set("CONVEX_STORE_KEY", &convex.key())
        .set("OPENAI_BASE_URL", "http://127.0.0.1:9");
    filled(&program.folder().join("full.db"), 5);
    let said = run(&program, &["--from", "sqlite:full.db", "--to", "convex"]).unwrap();
    assert!(
        said.contains("both are the same") && said.contains("Conversations             5            5"),
        "{said}"
    );
    program.start();
    let list = Request::get("/v1/admin/conversations").header("x-admin-api-key", Program::ADMIN_KEY);
    assert_eq!(program.ask(&list).json()["total"], 5);
}

#[test]
fn a_server_that_runs_is_not_moved_and_what_is_wrong_is_said_without_secrets() {
    let program = Program::new(BINARY).set("OPENAI_BASE_URL", "http://127.0.0.1:9").started();
    let refused = |arguments: &[&str], why: &str| {
        let said = run(&program, arguments).unwrap_err();
        assert!(said.contains(why) && !said.contains("canary"), "{arguments:?}: {said}");
    };
    refused(&["--from", "configured", "--to", "sqlite:new.db"], "stop the server");
    refused(&["--from", "sqlite:missing.db", "--to", "sqlite:new.db"], "there is no database at");
    refused(&["--from", "configured", "--to", "sqlite:data/frontdesk.db"], "one and the same store");
    refused(&["--from", "configured", "--to", "mysql://u:canary@h/d"], "--to: must be sqlite:");
    refused(&["--from", "configured", "--to", "postgres://u:ca@nary@canary"], "--to: must be postgres://");
    refused(&["--from", "env:CANARY", "--to", "sqlite:new.db"], "--from: names a variable that is not set");
    refused(&["--from", "configured", "--to", "convex"], "CONVEX_STORE_KEY: is required");
    let nobody = format!("postgres://u:canary@127.0.0.1:{}/d", frontdesk_testkit::free_port());
    refused(&["--from", "configured", "--to", &nobody, "--verify"], "cannot read postgres://u@127.0.0.1");
    assert!(!program.folder().join("new.db").exists());
}
