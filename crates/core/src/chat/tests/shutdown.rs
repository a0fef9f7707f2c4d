use super::*;

#[tokio::test]
async fn a_shutdown_waits_for_running_answers() {
    let desk = Desk::open();
    let (turn, mut call) = desk.ask("hello").await;
    let finish = async {
        tokio::task::yield_now().await;
        assert!(matches!(desk.send_as(&session("b"), "late", None).await, Err(SendError::ShuttingDown)));
        call.say("Hello");
        call.end();
    };
    let (stored, ()) = tokio::join!(desk.chat.shut_down(Duration::from_secs(30)), finish);
    assert!(stored);
    assert_eq!(read(turn).await.1.status, MessageStatus::Complete);
}

#[tokio::test]
async fn turns_are_taken_until_the_shutdown_that_was_announced_begins() {
    let desk = Desk::open();
    desk.chat.announce_end();
    assert!(desk.chat.is_ending() && !desk.chat.is_draining());
    let (turn, call) = desk.ask("hello").await;
    desk.chat.drain();
    assert!(desk.chat.is_draining());
    drop(call);
    read(turn).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_keeps_what_it_cannot_wait_for() {
    let desk = Desk::open();
    let (turn, mut call) = desk.ask("hello").await;
    call.say("Hel");
    assert!(desk.chat.shut_down(Duration::from_secs(30)).await);
    let (text, end) = read(turn).await;
    assert_eq!((text.as_str(), end.status), ("Hel", MessageStatus::Interrupted));
    assert_eq!(end.failure, Some(TurnFailure::ShuttingDown));
    assert_eq!(desk.answer().await.text, "Hel");
    assert!(!desk.chat.stop(&session("a"), None).await.unwrap());
}
