//! Sending and answering.

use super::{Fixture, OTHER_SITE, bare_session, session};
use crate::{
    CloseTurn, FinishReason, MessageStatus, OpenTurn, Role, SavePartial, SessionKey, StoreErrorKind,
    Timestamp, TurnFailure, TurnOpening,
};

pub async fn the_first_message_begins_a_conversation(f: &mut Fixture) {
    let opened = f.open(&session("a"), "hello").await;
    let thread = f.thread(&session("a")).await;
    assert_eq!(f.total().await, 1);
    assert_eq!(thread.conversation.id, opened.conversation);
    assert_eq!(thread.conversation.message_count, 2);
    assert!(thread.conversation.has_secret);
    assert_eq!(opened.history.len(), 1);
    assert_eq!(opened.history[0].text, "hello");
}

pub async fn the_second_message_continues_it(f: &mut Fixture) {
    let first = f.say(&session("a"), "one", "1").await;
    let second = f.say(&session("a"), "two", "2").await;
    assert_eq!(first.conversation, second.conversation);
    let texts: Vec<_> = second.history.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["one", "1", "two"]);
    assert_eq!(f.total().await, 1);
}

pub async fn sessions_never_share_a_conversation(f: &mut Fixture) {
    let first = f.say(&session("a"), "mine", "yes").await;
    let second = f.say(&session("b"), "mine", "no").await;
    assert_ne!(first.conversation, second.conversation);
    assert_eq!(second.history.len(), 1);
}

pub async fn a_session_with_a_secret_is_another_lane(f: &mut Fixture) {
    let with = f.say(&session("same"), "private", "ok").await;
    let without = f.say(&bare_session("same"), "what did I say?", "nothing").await;
    assert_ne!(with.conversation, without.conversation);
    assert_eq!(without.history.len(), 1);
    assert!(!f.thread(&bare_session("same")).await.conversation.has_secret);
}

pub async fn sites_never_share_a_conversation(f: &mut Fixture) {
    let elsewhere = SessionKey { site: OTHER_SITE, ..session("a") };
    let here = f.say(&session("a"), "here", "ok").await;
    let there = f.open(&elsewhere, "there").await;
    assert_ne!(here.conversation, there.conversation);
    assert_eq!(there.history.len(), 1);
}

pub async fn the_answer_is_there_from_the_beginning(f: &mut Fixture) {
    let opened = f.open(&session("a"), "hello").await;
    let thread = f.thread(&session("a")).await;
    let answer = &thread.messages[1];
    assert_eq!((answer.id, answer.role), (opened.answer, Role::Assistant));
    assert_eq!((answer.status, answer.text.as_str()), (MessageStatus::Streaming, ""));
}

pub async fn a_message_is_stored_before_its_answer(f: &mut Fixture) {
    let opened = f.open(&session("a"), "hello").await;
    let thread = f.thread(&session("a")).await;
    let message = &thread.messages[0];
    assert_eq!((message.id, message.seq, message.role), (opened.visitor_message, 1, Role::Visitor));
    assert_eq!((message.status, message.text.as_str()), (MessageStatus::Accepted, "hello"));
}

pub async fn a_second_message_waits_for_the_running_answer(f: &mut Fixture) {
    let first = f.open(&session("a"), "one").await;
    let busy = f.store.open_turn(f.turn(&session("a"), "two")).await.unwrap();
    assert_eq!(busy, TurnOpening::Busy { answer: first.answer });
    assert_eq!(f.thread(&session("a")).await.messages.len(), 2);
    f.close(first.answer, MessageStatus::Complete, "1").await;
    f.open(&session("a"), "two").await;
}

pub async fn history_is_the_last_messages_in_order(f: &mut Fixture) {
    for n in 1..=4 {
        f.say(&session("a"), &format!("q{n}"), &format!("a{n}")).await;
    }
    let turn = OpenTurn { history_limit: 4, ..f.turn(&session("a"), "q5") };
    let opened = f.accept(turn).await;
    let texts: Vec<_> = opened.history.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["a3", "q4", "a4", "q5"]);
}

pub async fn history_of_one_is_the_message_itself(f: &mut Fixture) {
    f.say(&session("a"), "q1", "a1").await;
    let opened = f.accept(OpenTurn { history_limit: 1, ..f.turn(&session("a"), "q2") }).await;
    assert_eq!(opened.history.len(), 1);
    assert_eq!(opened.history[0].text, "q2");
}

pub async fn history_leaves_out_what_is_too_old(f: &mut Fixture) {
    f.say(&bare_session("a"), "old", "old answer").await;
    f.pass(3600);
    let turn = f.turn(&bare_session("a"), "new");
    let since = Timestamp::from_millis(turn.now.millis() - 60_000);
    let opened = f.accept(OpenTurn { history_since: since, ..turn }).await;
    assert_eq!(opened.history.len(), 1);
    assert_eq!(opened.history[0].text, "new");
    assert_eq!(f.thread(&bare_session("a")).await.messages.len(), 4);
}

pub async fn history_has_the_message_itself_however_old_it_is(f: &mut Fixture) {
    let failed = f.accept(f.keyed_turn(&bare_session("a"), "old", "k1")).await;
    f.close(failed.answer, MessageStatus::Failed, "").await;
    f.pass(3600);
    let turn = f.keyed_turn(&bare_session("a"), "old", "k1");
    let since = Timestamp::from_millis(turn.now.millis() - 60_000);
    let again = f.accept(OpenTurn { history_since: since, ..turn }).await;
    let texts: Vec<_> = again.history.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["old"]);
}

pub async fn a_partial_answer_is_kept(f: &mut Fixture) {
    let opened = f.open(&session("a"), "hello").await;
    for text in ["Hel", "Hello, "] {
        let partial = SavePartial { site: super::SITE, answer: opened.answer, text: text.to_owned() };
        f.store.save_partial(partial).await.unwrap();
    }
    let answer = &f.thread(&session("a")).await.messages[1];
    assert_eq!((answer.status, answer.text.as_str()), (MessageStatus::Streaming, "Hello, "));
}

pub async fn a_late_partial_does_not_undo_the_end(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "Hello, world").await;
    let partial = SavePartial { site: super::SITE, answer: opened.answer, text: "Hello".to_owned() };
    f.store.save_partial(partial).await.unwrap();
    let answer = &f.thread(&session("a")).await.messages[1];
    assert_eq!((answer.status, answer.text.as_str()), (MessageStatus::Complete, "Hello, world"));
}

pub async fn closing_twice_changes_nothing(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "first").await;
    let before = f.thread(&session("a")).await;
    f.pass(60);
    f.close(opened.answer, MessageStatus::Failed, "second").await;
    assert_eq!(f.thread(&session("a")).await, before);
}

pub async fn closing_what_does_not_exist_is_a_conflict(f: &mut Fixture) {
    let missing = f.turn(&session("a"), "never sent").ids.answer;
    let error = f.store.close_turn(f.ending(missing, MessageStatus::Complete, "x")).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Conflict);
}

pub async fn closing_across_sites_is_a_conflict(f: &mut Fixture) {
    let opened = f.open(&session("a"), "hello").await;
    let ending = CloseTurn { site: OTHER_SITE, ..f.ending(opened.answer, MessageStatus::Complete, "x") };
    assert_eq!(f.store.close_turn(ending).await.unwrap_err().kind, StoreErrorKind::Conflict);
    assert_eq!(f.thread(&session("a")).await.messages[1].status, MessageStatus::Streaming);
}

pub async fn every_ending_is_stored_as_such(f: &mut Fixture) {
    let endings =
        [MessageStatus::Complete, MessageStatus::Stopped, MessageStatus::Interrupted, MessageStatus::Failed];
    for (at, status) in endings.into_iter().enumerate() {
        let visitor = session(&format!("s{at}"));
        let opened = f.open(&visitor, "hello").await;
        f.close(opened.answer, status, "text").await;
        assert_eq!(f.thread(&visitor).await.messages[1].status, status);
    }
}

pub async fn a_message_repeated_during_its_answer_is_attached(f: &mut Fixture) {
    let opened = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    let TurnOpening::Repeated(repeated) =
        f.store.open_turn(f.keyed_turn(&session("a"), "hello", "k1")).await.unwrap()
    else {
        unreachable!("the message was sent before")
    };
    assert_eq!(repeated.answer.id, opened.answer);
    assert_eq!(repeated.answer.status, MessageStatus::Streaming);
    assert_eq!(f.thread(&session("a")).await.messages.len(), 2);
}

pub async fn a_message_repeated_after_its_answer_is_replayed(f: &mut Fixture) {
    replayed_as(f, MessageStatus::Complete).await;
}

pub async fn a_stopped_answer_is_replayed(f: &mut Fixture) {
    replayed_as(f, MessageStatus::Stopped).await;
}

async fn replayed_as(f: &Fixture, status: MessageStatus) {
    let opened = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    f.close(opened.answer, status, "Hello").await;
    f.say(&session("a"), "and another", "ok").await;
    let TurnOpening::Repeated(repeated) =
        f.store.open_turn(f.keyed_turn(&session("a"), "hello", "k1")).await.unwrap()
    else {
        unreachable!("the message was sent before")
    };
    assert_eq!(repeated.conversation, opened.conversation);
    assert_eq!(repeated.visitor_message, opened.visitor_message);
    assert_eq!((repeated.answer.status, repeated.answer.text.as_str()), (status, "Hello"));
    assert_eq!(f.thread(&session("a")).await.messages.len(), 4);
}

pub async fn a_failed_answer_is_written_again_in_its_place(f: &mut Fixture) {
    written_again_after(f, MessageStatus::Failed, "").await;
}

pub async fn an_interrupted_answer_is_written_again_in_its_place(f: &mut Fixture) {
    written_again_after(f, MessageStatus::Interrupted, "Hel").await;
}

async fn written_again_after(f: &Fixture, status: MessageStatus, text: &str) {
    let first = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    let mut ending = f.ending(first.answer, status, text);
    ending.facts.failure = Some(TurnFailure::UpstreamTimeout);
    f.store.close_turn(ending).await.unwrap();

    let again = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    assert_eq!(again.conversation, first.conversation);
    assert_eq!(again.visitor_message, first.visitor_message);
    assert_ne!(again.answer, first.answer);
    assert_eq!(again.history.len(), 1);

    let thread = f.thread(&session("a")).await;
    let answer = &thread.messages[1];
    assert_eq!(thread.messages.len(), 2);
    assert_eq!((answer.id, answer.seq, answer.text.as_str()), (again.answer, 2, ""));
    assert_eq!((answer.status, answer.facts.failure), (MessageStatus::Streaming, None));
    let old = f.store.session_answer(super::SITE, session("a").secret, first.answer).await.unwrap();
    assert_eq!(old, None);
    f.close(again.answer, MessageStatus::Complete, "Hello").await;
    assert_eq!(f.thread(&session("a")).await.messages[1].text, "Hello");
}

pub async fn an_old_failed_turn_is_answered_with_the_history_of_then(f: &mut Fixture) {
    f.say(&session("a"), "one", "1").await;
    let failed = f.accept(f.keyed_turn(&session("a"), "two", "k2")).await;
    f.close(failed.answer, MessageStatus::Failed, "").await;
    f.say(&session("a"), "three", "3").await;
    let again = f.accept(f.keyed_turn(&session("a"), "two", "k2")).await;
    let texts: Vec<_> = again.history.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["one", "1", "two"]);
    f.close(again.answer, MessageStatus::Complete, "2").await;
    let thread = f.thread(&session("a")).await;
    let texts: Vec<_> = thread.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["one", "1", "two", "2", "three", "3"]);
}

pub async fn an_answer_that_ended_at_a_limit_is_not_written_again(f: &mut Fixture) {
    let cut = f.accept(f.keyed_turn(&session("a"), "tell me all", "k1")).await;
    let mut ending = f.ending(cut.answer, MessageStatus::Interrupted, "First");
    ending.facts.finish = Some(FinishReason::Length);
    f.store.close_turn(ending).await.unwrap();
    let TurnOpening::Repeated(repeated) =
        f.store.open_turn(f.keyed_turn(&session("a"), "tell me all", "k1")).await.unwrap()
    else {
        unreachable!("the message was answered before")
    };
    assert_eq!((repeated.answer.id, repeated.answer.text.as_str()), (cut.answer, "First"));
}

pub async fn another_message_under_the_same_key_is_refused(f: &mut Fixture) {
    let opened = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    f.close(opened.answer, MessageStatus::Complete, "Hello").await;
    let other = f.store.open_turn(f.keyed_turn(&session("a"), "goodbye", "k1")).await.unwrap();
    assert_eq!(other, TurnOpening::Mismatch);
    assert_eq!(f.thread(&session("a")).await.messages.len(), 2);
}

pub async fn keys_belong_to_their_conversation(f: &mut Fixture) {
    f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    f.accept(f.keyed_turn(&session("b"), "other", "k1")).await;
    let key = f.thread(&session("a")).await.messages[0].idempotency_key.clone();
    assert_eq!(key.unwrap().as_str(), "k1");
}

pub async fn unfinished_answers_become_interrupted_or_failed(f: &mut Fixture) {
    let kept = [("a", "Hel", MessageStatus::Interrupted), ("b", " \n\u{2003}", MessageStatus::Failed)];
    for (who, text, _) in kept {
        let opened = f.open(&session(who), "hello").await;
        let partial = SavePartial { site: super::SITE, answer: opened.answer, text: text.to_owned() };
        f.store.save_partial(partial).await.unwrap();
    }
    f.open(&session("c"), "hello").await;
    f.say(&session("d"), "hello", "Hello").await;
    let now = f.turn(&session("a"), "x").now;
    assert_eq!(f.store.interrupt_unfinished(now).await.unwrap(), 3);
    assert_eq!(f.store.interrupt_unfinished(now).await.unwrap(), 0);
    for (who, text, status) in kept.into_iter().chain([("c", "", MessageStatus::Failed)]) {
        let answer = &f.thread(&session(who)).await.messages[1];
        assert_eq!((answer.status, answer.text.as_str()), (status, text));
        assert_eq!(answer.facts.failure, Some(TurnFailure::Restarted));
    }
    assert_eq!(f.thread(&session("d")).await.messages[1].status, MessageStatus::Complete);
}
