use std::time::Duration;

use frontdesk_core::{AnswerNews, MessageId, NodeNews, RateLimit, Relay as _, SharedLimits as _};
use frontdesk_testkit::{Fault, Proxy, RedisServer};
use tokio::time::{Instant, sleep, timeout};

use super::*;

const ANSWER: MessageId = MessageId::from_bytes([5; 16]);

/// How long a busy machine may take for what takes a moment.
const SOON: Duration = Duration::from_secs(10);

/// A node that is connected.
async fn node(url: &str) -> Redis {
    let redis = Redis::connect(&RedisUrl::parse(url).unwrap());
    let mut news = redis.listen();
    let connected = async {
        while news.recv().await.unwrap() != NodeNews::Missed {}
        while !is_counting(&redis).await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, connected).await.unwrap();
    redis
}

async fn is_counting(redis: &Redis) -> bool {
    let rate = RateLimit { requests: 1_000_000, window: Duration::from_mins(1) };
    redis.take("probe", "probe", rate).await.is_some()
}

async fn heard(receiver: &mut tokio::sync::mpsc::Receiver<AnswerNews>) -> AnswerNews {
    timeout(SOON, receiver.recv()).await.unwrap().unwrap()
}

fn text(from: usize, text: &str) -> AnswerNews {
    AnswerNews::Text { from, text: text.to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_writes_another_one_reads_at_once() {
    let Some(server) = RedisServer::start() else { return };
    let (writer, reader) = (node(&server.url()).await, node(&server.url()).await);
    assert!(writer.tell_text(ANSWER, 0, "One ").await);
    let mut follower = reader.follow(ANSWER).await;
    assert_eq!(reader.text(ANSWER).await.as_deref(), Some("One "));
    assert!(writer.tell_text(ANSWER, 4, "tw\u{f6} ").await);
    assert_eq!(heard(&mut follower).await, text(4, "tw\u{f6} "));

    server.execute(&["FLUSHALL"]);
    assert!(!writer.tell_text(ANSWER, 9, "three").await, "what was told before is lost");
    assert_eq!(reader.text(ANSWER).await, None);
    assert!(writer.tell_text(ANSWER, 0, "One tw\u{f6} three").await);
    assert_eq!(heard(&mut follower).await, text(0, "One tw\u{f6} three"));
    assert_eq!(reader.text(ANSWER).await.as_deref(), Some("One tw\u{f6} three"));

    let mut news = reader.listen();
    writer.tell_end(ANSWER).await;
    assert_eq!(heard(&mut follower).await, AnswerNews::End);
    assert_eq!(reader.text(ANSWER).await, None, "nothing is left behind");
    writer.tell(NodeNews::Stop(ANSWER)).await;
    assert_eq!(timeout(SOON, news.recv()).await.unwrap().unwrap(), NodeNews::Stop(ANSWER));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_count_together() {
    let Some(server) = RedisServer::start() else { return };
    let nodes = [node(&server.url()).await, node(&server.url()).await, node(&server.url()).await];
    // A place comes free every six minutes, which is longer than this test takes.
    let rate = RateLimit { requests: 10, window: Duration::from_hours(1) };
    let mut taken = 0;
    for n in 0..60 {
        match nodes[n % 3].take("sends", "203.0.113.7", rate).await.unwrap() {
            Ok(()) => taken += 1,
            Err(wait) => assert!(wait <= Duration::from_mins(6), "{wait:?}"),
        }
    }
    assert_eq!(taken, 10);
    assert_eq!(nodes[0].take("sends", "203.0.113.8", rate).await, Some(Ok(())), "somebody else");
    assert_eq!(nodes[0].take("reads", "203.0.113.7", rate).await, Some(Ok(())), "something else");
    let left: u64 = server.execute(&["PTTL", "frontdesk:limit:sends:203.0.113.8"]).parse().unwrap();
    assert!(left <= 360_000, "what is counted is forgotten when it is over: {left}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_or_silent_is_not_waited_for_and_used_again_when_it_is_back() {
    let Some(server) = RedisServer::start() else { return };
    let proxy = Proxy::start(server.address(), |_| Fault::None);
    let redis = node(&RedisServer::url_over(proxy.address())).await;
    let other = node(&server.url()).await;
    let mut follower = redis.follow(ANSWER).await;
    for outage in ["silent", "stopped"] {
        match outage {
            "silent" => proxy.silence(true),
            _ => server.stop(),
        }
        let began = Instant::now();
        for _ in 0..100 {
            assert!(!is_counting(&redis).await, "{outage}");
        }
        // Three calls wait for a tenth of a second each, and the others not at all.
        assert!(began.elapsed() < Duration::from_secs(3), "{outage}: {:?}", began.elapsed());
        assert!(redis.tell_text(ANSWER, 7, "lost").await, "{outage}: there is nothing to tell again");
        match outage {
            "silent" => proxy.silence(false),
            _ => server.start_again(),
        }
        let again = async {
            while !(is_counting(&redis).await && is_counting(&other).await) {
                sleep(Duration::from_millis(20)).await;
            }
            // Also what was followed before is heard again.
            loop {
                other.tell_text(ANSWER, 0, outage).await;
                match timeout(Duration::from_millis(100), follower.recv()).await {
                    Ok(Some(news)) if news == text(0, outage) => break,
                    Ok(None) => unreachable!("the follower is still there"),
                    _ => {}
                }
            }
        };
        timeout(SOON * 2, again).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_let_us_in_is_as_good_as_none() {
    let Some(server) = RedisServer::start() else { return };
    let wrong = server.url().replace(RedisServer::PASSWORD, "canary-wrong");
    let redis = Redis::connect(&RedisUrl::parse(&wrong).unwrap());
    sleep(Duration::from_millis(300)).await;
    assert!(!is_counting(&redis).await);
    let mut follower = redis.follow(ANSWER).await;
    assert!(timeout(Duration::from_millis(100), follower.recv()).await.is_err());
}
