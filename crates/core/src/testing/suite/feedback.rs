//! What visitors say of answers.

use super::{Fixture, OTHER_SITE, SITE, bare_session, session};
use crate::{
    Feedback, FeedbackReason, MessageId, MessageStatus, RateAnswer, RatedAnswer, Rating, SessionKey,
};

fn up() -> Feedback {
    Feedback { rating: Rating::Up, reason: None, comment: None }
}

fn down() -> Feedback {
    let comment = Some("Porto is closed 😀 \"'; --".to_owned());
    Feedback { rating: Rating::Down, reason: Some(FeedbackReason::Outdated), comment }
}

async fn rate(
    f: &Fixture,
    visitor: &SessionKey,
    answer: MessageId,
    feedback: Option<Feedback>,
) -> Option<RatedAnswer> {
    let secret = visitor.secret.unwrap();
    f.store.rate_answer(RateAnswer { site: visitor.site, secret, answer, feedback }).await.unwrap()
}

pub async fn a_rating_is_kept_and_can_be_changed_and_taken_back(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "Hello").await;
    let kept = RatedAnswer::Kept { conversation: opened.conversation, session: session("a").session };
    for feedback in [Some(up()), Some(down()), None, Some(up())] {
        assert_eq!(rate(f, &session("a"), opened.answer, feedback.clone()).await, Some(kept.clone()));
        let messages = f.thread(&session("a")).await.messages;
        assert_eq!((&messages[1].feedback, &messages[0].feedback), (&feedback, &None));
        let by_secret = f.store.session_answer(SITE, session("a").secret, opened.answer).await.unwrap();
        assert_eq!(by_secret.unwrap().1.feedback, feedback);
    }
}

pub async fn a_rating_is_the_next_change_and_no_activity(f: &mut Fixture) {
    let first = f.say(&session("a"), "one", "1").await;
    f.say(&session("a"), "two", "2").await;
    let before = f.thread(&session("a")).await.conversation;
    f.pass(5);
    rate(f, &session("a"), first.answer, Some(down())).await.unwrap();
    let name = crate::ConversationName::Session(session("a"));
    let changes = f.store.changes(&name, before.revision, 9).await.unwrap().unwrap();
    let touched: Vec<_> = changes.messages.iter().map(|message| (message.seq, message.revision)).collect();
    assert_eq!((touched, changes.revision), (vec![(2, before.revision + 1)], before.revision + 1));
    assert_eq!(changes.messages[0].feedback, Some(down()));
    let after = f.thread(&session("a")).await.conversation;
    assert_eq!((after.updated_at, after.last_message), (before.updated_at, before.last_message));
}

pub async fn the_same_rating_again_changes_nothing(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "Hello").await;
    for (feedback, revision) in [(None, 3), (Some(down()), 4), (Some(down()), 4), (None, 5), (None, 5)] {
        rate(f, &session("a"), opened.answer, feedback).await.unwrap();
        assert_eq!(f.thread(&session("a")).await.conversation.revision, revision);
    }
}

pub async fn only_ended_answers_of_ones_own_are_rated(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "Hello").await;
    let bare = f.say(&bare_session("a"), "hello", "Hello").await;
    let elsewhere = SessionKey { site: OTHER_SITE, ..session("a") };
    for (visitor, answer) in [
        (&session("b"), opened.answer),
        (&elsewhere, opened.answer),
        (&session("a"), opened.visitor_message),
        (&session("a"), bare.answer),
        (&session("a"), MessageId::from_bytes([1; 16])),
    ] {
        assert_eq!(rate(f, visitor, answer, Some(up())).await, None);
    }
    let running = f.open(&session("a"), "and now?").await;
    assert_eq!(rate(f, &session("a"), running.answer, Some(up())).await, Some(RatedAnswer::NotEnded));
    let thread = f.thread(&session("a")).await;
    assert!(thread.messages.iter().all(|message| message.feedback.is_none()));
    for (status, text) in [(MessageStatus::Stopped, "St"), (MessageStatus::Failed, "")] {
        let opened = f.open(&session(&format!("of-{text}")), "hello").await;
        f.close(opened.answer, status, text).await;
        assert!(rate(f, &session(&format!("of-{text}")), opened.answer, Some(up())).await.is_some());
    }
}

pub async fn an_answer_written_anew_has_no_rating(f: &mut Fixture) {
    let failed = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    f.close(failed.answer, MessageStatus::Failed, "").await;
    rate(f, &session("a"), failed.answer, Some(down())).await.unwrap();
    let again = f.accept(f.keyed_turn(&session("a"), "hello", "k1")).await;
    assert_eq!(f.thread(&session("a")).await.messages[1].feedback, None);
    f.close(again.answer, MessageStatus::Complete, "Hello").await;
    assert_eq!(rate(f, &session("a"), failed.answer, Some(up())).await, None);
    assert_eq!(f.thread(&session("a")).await.messages[1].feedback, None);
}
