use std::sync::Arc;

use frontdesk_core::Store;
use frontdesk_core::testing::ManualClock;
use frontdesk_core::testing::suite::{Fixture, Reopen};
use frontdesk_store::{ConvexKey, ConvexSettings, ConvexUrl, OpenError, StoreUrl, open};
use frontdesk_testkit::ConvexDeployment;

fn settings(deployment: &ConvexDeployment) -> ConvexSettings {
    ConvexSettings {
        url: ConvexUrl::parse(&deployment.url()).unwrap(),
        key: ConvexKey::new(&deployment.key()).unwrap(),
        timeout: ConvexSettings::TIMEOUT,
        max_concurrency: ConvexSettings::MAX_CONCURRENCY,
    }
}

fn open_with(settings: ConvexSettings) -> Result<Arc<dyn Store>, OpenError> {
    open(&StoreUrl::Convex(Box::new(settings)), &ManualClock::default())
}

async fn deployed(deployment: ConvexDeployment) -> Fixture {
    let settings = settings(&deployment);
    let store = open_with(settings.clone()).unwrap();
    let reopen: Reopen = Box::new(move |store| {
        let settings = settings.clone();
        Box::pin(async move {
            drop(store);
            open_with(settings).unwrap()
        })
    });
    Fixture::new(store, Some(reopen), Box::new(deployment)).await
}

frontdesk_core::store_suite!(match ConvexDeployment::start() {
    Some(deployment) => deployed(deployment),
    None => return,
});

/// What is lost or fails on the way.
mod faults {
    use std::time::Duration;

    use frontdesk_core::testing::suite::{
        PAGE, SITE, changes, feedback, operators, oracle, session, sites, turns,
    };
    use frontdesk_core::{ConversationFilter, ConversationQuery, MessageStatus, OpenTurn, StoreErrorKind};
    use frontdesk_testkit::Effort;
    use serde_json::json;

    use super::*;

    fn deployment(f: &Fixture) -> &ConvexDeployment {
        f.keep.downcast_ref().unwrap()
    }

    async fn total(f: &Fixture) -> Result<u64, StoreErrorKind> {
        let query =
            ConversationQuery { site: SITE, filter: ConversationFilter::default(), after: None, limit: 1 };
        f.store.conversations(query).await.map(|list| list.total).map_err(|error| error.kind)
    }

    /// Of the calls that change something, every second is carried out and its answer lost.
    fn losing_answers(deployment: ConvexDeployment, every: u32) -> ConvexDeployment {
        let mutations = [
            "turns:open",
            "turns:close",
            "turns:savePartial",
            "turns:interrupt",
            "turns:rate",
            "operators:setPassword",
            "operators:openSession",
            "operators:endSessions",
            "operators:takeTry",
            "operators:forgetTries",
            "sites:addKey",
            "sites:setDocument",
        ];
        let faults: Vec<_> = mutations
            .iter()
            .map(|path| json!({ "kind": "lose_reply", "path": path, "every": every, "times": 1_000_000 }))
            .collect();
        deployment.add_faults(&json!(faults));
        deployment
    }

    macro_rules! holds_although_every_second_answer_is_lost {
        ($($module:ident::$case:ident,)*) => {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let Some(deployment) = ConvexDeployment::start() else { return };
                    let mut fixture = deployed(losing_answers(deployment, 2)).await;
                    $module::$case(&mut fixture).await;
                }
            )*
        };
    }

    holds_although_every_second_answer_is_lost! {
        turns::a_failed_answer_is_written_again_in_its_place,
        turns::an_old_failed_turn_is_answered_with_the_history_of_then,
        turns::a_second_message_waits_for_the_running_answer,
        turns::another_message_under_the_same_key_is_refused,
        turns::unfinished_answers_become_interrupted_or_failed,
        turns::a_partial_answer_is_kept,
        changes::every_change_has_the_next_number,
        feedback::the_same_rating_again_changes_nothing,
        sites::a_document_is_kept_as_it_was_set_last,
        operators::a_password_is_replaced_and_ends_sessions,
        operators::all_sessions_end_at_once,
        operators::tries_run_out_and_come_back,
        operators::one_empty_bucket_refuses_without_taking_from_the_other,
        operators::success_forgets_the_tries,
        sites::keys_are_listed_oldest_first,
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_behaves_like_the_memory_store_while_answers_are_lost() {
        if Effort::asked() == Effort::Quick {
            println!("SKIPPED: takes half a minute; cargo xtask test runs it");
            return;
        }
        let Some(deployment) = ConvexDeployment::start() else { return };
        let mut fixture = deployed(losing_answers(deployment, 10)).await;
        oracle::it_behaves_like_the_memory_store(&mut fixture).await;
    }

    #[tokio::test]
    async fn what_passes_is_tried_again() {
        let Some(convex) = ConvexDeployment::start() else { return };
        let f = deployed(convex).await;
        let convex = deployment(&f);
        for (at, fault) in [
            json!({ "kind": "lose_request", "times": 3 }),
            json!({ "kind": "lose_reply", "times": 3 }),
            json!({ "kind": "status", "times": 3 }),
            json!({ "kind": "status", "status": 429, "code": "TooManyWrites", "times": 3 }),
            json!({ "kind": "status", "status": 500, "code": "InternalServerError", "times": 3 }),
        ]
        .into_iter()
        .enumerate()
        {
            let before = convex.calls("turns:open").of;
            convex.add_faults(&json!([fault]));
            f.open(&session(&format!("s{at}")), "hello").await;
            assert_eq!(convex.calls("turns:open").of, before + 4, "{fault}");
        }
        assert_eq!(total(&f).await, Ok(5));
    }

    #[tokio::test]
    async fn what_stays_is_told_as_it_is() {
        let Some(convex) = ConvexDeployment::start() else { return };
        let f = deployed(convex).await;
        let convex = deployment(&f);
        for (fault, calls) in [
            (json!({ "kind": "status", "times": 4 }), 4),
            (json!({ "kind": "lose_request", "times": 4 }), 4),
            (json!({ "kind": "paused" }), 1),
            (json!({ "kind": "garbage" }), 1),
            (json!({ "kind": "status", "status": 401, "code": "BadAdminKey" }), 1),
            (json!({ "kind": "status", "status": 404, "code": "NotFound" }), 1),
        ] {
            let before = convex.calls("conversations:list").of;
            convex.add_faults(&json!([fault]));
            assert_eq!(total(&f).await, Err(StoreErrorKind::Unavailable), "{fault}");
            assert_eq!(convex.calls("conversations:list").of, before + calls, "{fault}");
            assert_eq!(total(&f).await, Ok(0), "it is over: {fault}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_is_not_waited_for() {
        let Some(convex) = ConvexDeployment::start() else { return };
        // Long enough for a double that is busy with the other tests.
        let timeout = Duration::from_secs(Effort::asked().pick(2, 8));
        let settings = ConvexSettings { timeout, ..settings(&convex) };
        let f = Fixture::new(open_with(settings).unwrap(), None, Box::new(convex)).await;
        let convex = deployment(&f);
        convex.add_faults(&json!([{ "kind": "hang", "path": "turns:open" }]));
        let opened = f.open(&session("a"), "hello").await;
        assert_eq!(convex.calls("turns:open").of, 2, "the first was carried out, and so was heard of twice");
        f.close(opened.answer, MessageStatus::Complete, "Hello").await;
        convex.add_faults(&json!([{ "kind": "hang", "path": "turns:open", "times": 9 }]));
        let more = f.store.open_turn(f.turn(&session("a"), "more"));
        let error = tokio::time::timeout(timeout * 3, more).await.unwrap().unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn no_more_calls_are_under_way_at_once_than_allowed() {
        let Some(convex) = ConvexDeployment::start() else { return };
        let settings = ConvexSettings { max_concurrency: 3, ..settings(&convex) };
        let f = Fixture::new(open_with(settings).unwrap(), None, Box::new(convex)).await;
        let convex = deployment(&f);
        convex.add_faults(&json!([{ "kind": "slow", "millis": 20, "times": 20 }]));
        let totals = (0..20).map(|_| total(&f));
        assert_eq!(futures_util::future::join_all(totals).await, [Ok(0); 20]);
        assert_eq!(convex.calls("conversations:list").most_at_once, 3);
    }

    #[tokio::test]
    async fn texts_too_long_for_one_call_are_read_by_several() {
        if Effort::asked() == Effort::Quick {
            println!("SKIPPED: moves fifty megabytes; cargo xtask test runs it");
            return;
        }
        let Some(convex) = ConvexDeployment::start() else { return };
        let f = deployed(convex).await;
        let longest = "x".repeat(512 * 1024);
        for n in 0..30 {
            let turn = OpenTurn { history_limit: 1, ..f.turn(&session("a"), &format!("q{n}")) };
            let opened = f.accept(turn).await;
            f.close(opened.answer, MessageStatus::Complete, &longest).await;
        }
        let thread = f.store.session_thread(&session("a"), PAGE).await.unwrap().unwrap();
        let places: Vec<_> = thread.messages.iter().map(|message| message.seq).collect();
        assert_eq!((places, thread.has_older), ((1..=60).collect(), false));
        assert!(deployment(&f).calls("conversations:sessionThread").of > 1);
        let opened = f.accept(OpenTurn { history_limit: 50, ..f.turn(&session("a"), "last") }).await;
        assert_eq!((opened.history.len(), opened.history[49].text.as_str()), (50, "last"));
        assert_eq!(opened.history[1].text, "q6");
        let error = f.ending(opened.answer, MessageStatus::Complete, &format!("{longest}x"));
        assert_eq!(f.store.close_turn(error).await.unwrap_err().kind, StoreErrorKind::Conflict);
    }
}

mod opening {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    use frontdesk_store::OpenConvexError;
    use frontdesk_testkit::free_port;
    use serde_json::json;

    use super::*;

    fn error(settings: ConvexSettings) -> OpenConvexError {
        let error = open_with(settings).unwrap_err();
        let OpenError::Convex(error) = error else { unreachable!("{error}") };
        error
    }

    #[test]
    fn a_key_that_does_not_do_is_said_to_be_the_reason_and_not_shown() {
        let Some(convex) = ConvexDeployment::start() else { return };
        for (key, why) in [
            ("prod:test-0|canary".to_owned(), "401 BadAdminKey"),
            (convex.reading_key(), "403 OperationNotPermitted"),
        ] {
            let key = ConvexKey::new(&key).unwrap();
            let error = error(ConvexSettings { key, ..settings(&convex) });
            let text = format!("{error} {error:?}");
            assert!(matches!(error, OpenConvexError::Key { .. }), "{text}");
            assert!(text.contains(why) && text.contains("runInternalMutations"), "{text}");
            assert!(!text.contains("canary") && !text.contains("queries-only"), "{text}");
        }
    }

    #[test]
    fn a_deployment_without_the_functions_is_said_to_be_so() {
        let Some(convex) = ConvexDeployment::start() else { return };
        convex.add_faults(&json!([{ "kind": "paused" }]));
        let error = error(settings(&convex));
        assert!(matches!(error, OpenConvexError::Functions { .. }), "{error}");
    }

    #[test]
    fn without_a_key_the_functions_look_as_if_they_did_not_exist() {
        let Some(convex) = ConvexDeployment::start() else { return };
        let shape = |function| {
            let answer = convex.call_without_key("mutation", function);
            let json = answer.json();
            assert!(json.get("value").is_none() && json.get("errorData").is_none(), "{json}");
            (answer.status, json["status"].clone(), json["errorMessage"].as_str().unwrap().len())
        };
        assert_eq!(shape("health:ready"), shape("health:missing"));
    }

    /// Something that answers every request with this.
    fn imposter(body: &'static str) -> ConvexSettings {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
                let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            }
        });
        ConvexSettings {
            url: ConvexUrl::parse(&url).unwrap(),
            key: ConvexKey::new("x|canary").unwrap(),
            timeout: Duration::from_secs(5),
            max_concurrency: 1,
        }
    }

    #[test]
    fn functions_that_run_for_everybody_are_refused() {
        let error = error(imposter(r#"{"status":"success","value":{"schema":5.0}}"#));
        assert!(matches!(error, OpenConvexError::Public { .. }), "{error}");
    }

    #[test]
    fn functions_of_another_version_are_refused() {
        let error = error(imposter(r#"{"status":"success","value":{"schema":1.0}}"#));
        assert!(matches!(error, OpenConvexError::Schema { found: 1, known: 5, .. }), "{error}");
    }

    #[test]
    fn what_cannot_be_reached_is_named() {
        let url = ConvexUrl::parse(&format!("http://127.0.0.1:{}", free_port())).unwrap();
        let settings = imposter("");
        let error = error(ConvexSettings { url: url.clone(), ..settings });
        assert!(matches!(error, OpenConvexError::Unreachable { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("cannot reach Convex at {url}: ")), "{error}");
    }
}
