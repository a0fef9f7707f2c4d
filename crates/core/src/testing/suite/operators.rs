//! Signing in.

use std::time::Duration;

use futures_util::future::join_all;

use super::Fixture;
use crate::{
    Clock as _, LoginTry, OperatorName, OperatorSession, ThrottleDecision, ThrottleRule, Timestamp, TokenHash,
};

const RULE: ThrottleRule = ThrottleRule {
    free_tries: 3,
    window: Duration::from_mins(5),
    first_pause: Duration::from_mins(1),
    longest_pause: Duration::from_mins(15),
};

fn opened(f: &Fixture, token: &str) -> OperatorSession {
    OperatorSession {
        token: TokenHash::of(token),
        password_fingerprint: [3; 32],
        created_at: f.clock.now(),
        last_seen_at: f.clock.now(),
        user_agent: "Browser/1 (ü)".to_owned(),
        name: OperatorName::default(),
    }
}

async fn open(f: &Fixture, token: &str) -> OperatorSession {
    let session = opened(f, token);
    f.store.open_operator_session(session.clone(), Timestamp::from_millis(0)).await.unwrap();
    session
}

async fn stored(f: &Fixture, token: &str) -> Option<OperatorSession> {
    f.store.operator_session(TokenHash::of(token)).await.unwrap()
}

fn tries(buckets: &[&str]) -> Vec<LoginTry> {
    buckets.iter().map(|bucket| LoginTry { bucket: (*bucket).to_owned(), rule: RULE }).collect()
}

async fn take(f: &Fixture, buckets: &[&str]) -> ThrottleDecision {
    f.store.take_login_try(tries(buckets), f.clock.now()).await.unwrap()
}

pub async fn a_password_is_replaced_and_ends_sessions(f: &mut Fixture) {
    assert_eq!(f.store.operator_password().await.unwrap(), None);
    open(f, "t").await;
    for phc in ["$argon2id$one", "$argon2id$two"] {
        f.store.set_operator_password(phc.to_owned(), f.clock.now()).await.unwrap();
        assert_eq!(f.store.operator_password().await.unwrap().as_deref(), Some(phc));
    }
    assert_eq!(stored(f, "t").await, None);
}

pub async fn a_session_lives_until_it_is_ended(f: &mut Fixture) {
    let session = open(f, "t").await;
    assert_eq!(stored(f, "t").await, Some(session.clone()));
    f.pass(60);
    f.store.touch_operator_session(session.token, f.clock.now()).await.unwrap();
    assert_eq!(stored(f, "t").await.unwrap().last_seen_at, f.clock.now());
    f.store.end_operator_session(session.token).await.unwrap();
    f.store.touch_operator_session(session.token, f.clock.now()).await.unwrap();
    f.store.end_operator_session(session.token).await.unwrap();
    assert_eq!(stored(f, "t").await, None);
}

pub async fn all_sessions_end_at_once(f: &mut Fixture) {
    open(f, "t1").await;
    open(f, "t2").await;
    assert_eq!(f.store.end_operator_sessions().await.unwrap(), 2);
    assert_eq!((stored(f, "t1").await, stored(f, "t2").await), (None, None));
}

pub async fn operators_are_known_by_the_names_they_give(f: &mut Fixture) {
    let name = |text: &str| OperatorName::parse(text).unwrap();
    let names = async |since| f.store.operator_names(since).await.unwrap();
    let began = f.clock.now();
    assert_eq!(names(began).await, []);
    let old = open(f, "old").await;
    f.pass(60);
    for (token, text) in [("1", "maya"), ("2", "Maya"), ("3", "Ärzte"), ("4", "Maya")] {
        let session = open(f, token).await;
        assert_eq!(session.name, OperatorName::default());
        f.store.name_operator_session(session.token, name(text)).await.unwrap();
        assert_eq!(stored(f, token).await, Some(OperatorSession { name: name(text), ..session }));
    }
    let opened = OperatorSession { name: name("Ben"), ..opened(f, "5") };
    f.store.open_operator_session(opened.clone(), Timestamp::from_millis(0)).await.unwrap();
    assert_eq!(stored(f, "5").await, Some(opened));
    let lately = ["Ben", "Maya", "maya", "Ärzte"].map(name);
    assert_eq!(names(f.clock.now()).await, lately);
    assert_eq!(names(began).await, [&lately[..2], &[old.name], &lately[2..]].concat());
    f.store.name_operator_session(TokenHash::of("missing"), name("Nobody")).await.unwrap();
    assert_eq!(names(f.clock.now()).await, lately);
}

pub async fn expired_sessions_are_forgotten(f: &mut Fixture) {
    open(f, "old").await;
    f.pass(3600);
    f.store.open_operator_session(opened(f, "new"), f.clock.now()).await.unwrap();
    assert_eq!(stored(f, "old").await, None);
    assert!(stored(f, "new").await.is_some());
}

pub async fn tries_run_out_and_come_back(f: &mut Fixture) {
    for left in [2, 1, 0] {
        assert_eq!(take(f, &["ip"]).await, ThrottleDecision::Allowed { left });
    }
    assert_eq!(take(f, &["ip"]).await, ThrottleDecision::Paused { wait: Duration::from_mins(1) });
    assert_eq!(take(f, &["other"]).await, ThrottleDecision::Allowed { left: 2 });
    f.pass(60);
    assert_eq!(take(f, &["ip"]).await, ThrottleDecision::Allowed { left: 0 });
    assert_eq!(take(f, &["ip"]).await, ThrottleDecision::Paused { wait: Duration::from_mins(2) });
}

pub async fn one_empty_bucket_refuses_without_taking_from_the_other(f: &mut Fixture) {
    for _ in 0..3 {
        take(f, &["empty"]).await;
    }
    for _ in 0..5 {
        assert!(matches!(take(f, &["full", "empty"]).await, ThrottleDecision::Paused { .. }));
    }
    assert_eq!(take(f, &["full"]).await, ThrottleDecision::Allowed { left: 2 });
}

pub async fn success_forgets_the_tries(f: &mut Fixture) {
    take(f, &["a", "b"]).await;
    f.store.forget_login_tries(vec!["a".to_owned(), "missing".to_owned()]).await.unwrap();
    assert_eq!(take(f, &["a"]).await, ThrottleDecision::Allowed { left: 2 });
    assert_eq!(take(f, &["b"]).await, ThrottleDecision::Allowed { left: 1 });
}

pub async fn tries_at_once_do_not_slip_through(f: &mut Fixture) {
    let decisions = join_all((0..40).map(|_| take(f, &["ip"]))).await;
    let allowed = decisions.iter().filter(|decision| matches!(decision, ThrottleDecision::Allowed { .. }));
    assert_eq!(allowed.count(), 3);
}

pub async fn a_device_is_known_for_a_while(f: &mut Fixture) {
    let device = TokenHash::of("device");
    let seen = f.clock.now();
    assert!(!f.store.knows_device(device, seen).await.unwrap());
    f.store.remember_device(device, seen).await.unwrap();
    assert!(f.store.knows_device(device, seen).await.unwrap());
    assert!(!f.store.knows_device(device, seen.plus(Duration::from_millis(1))).await.unwrap());
    f.pass(60);
    f.store.remember_device(device, f.clock.now()).await.unwrap();
    assert!(f.store.knows_device(device, seen.plus(Duration::from_millis(1))).await.unwrap());
}
