//! Telling other nodes.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use frontdesk_core::{AnswerNews, MessageId, NodeNews, Relay};
use redis::{Script, cmd, pipe};
use tokio::sync::{broadcast, mpsc};

use crate::Redis;
use crate::listener::{NEWS, Told, channel};

/// How long a call may take. Nobody who waits for an answer waits for this.
const LIMIT: Duration = Duration::from_millis(250);

/// For how long a text is kept after something was added to it.
const KEPT_MILLIS: u32 = 60_000;

/// Keeps the text so far, for who comes later, and passes on what is new. What is kept is always a whole beginning of the
/// answer: where it is not as long as it has to be it was lost, and is told again from 0 on.
static TELL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if ARGV[1] == '0' then
             redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
         elseif redis.call('STRLEN', KEYS[1]) == tonumber(ARGV[1]) then
             redis.call('APPEND', KEYS[1], ARGV[2])
             redis.call('PEXPIRE', KEYS[1], ARGV[3])
         else
             return 0
         end
         redis.call('PUBLISH', ARGV[4], ARGV[5])
         return 1",
    )
});

fn text_key(answer: MessageId) -> String {
    format!("frontdesk:text:{answer}")
}

#[async_trait]
impl Relay for Redis {
    async fn tell_text(&self, answer: MessageId, from: usize, text: &str) -> bool {
        let told = Told::Answer(AnswerNews::Text { from, text: text.to_owned() }).encode();
        let told = self.link.call(LIMIT, async |mut connection| {
            let mut call = TELL.key(text_key(answer));
            call.arg(from).arg(text).arg(KEPT_MILLIS).arg(channel(answer)).arg(told);
            call.invoke_async(&mut connection).await
        });
        // Where nothing can be told there is nothing to tell again either.
        told.await.is_none_or(|is_told: bool| is_told)
    }

    async fn tell_end(&self, answer: MessageId) {
        let told = Told::Answer(AnswerNews::End).encode();
        let telling = self.link.call(LIMIT, async |mut connection| {
            let mut calls = pipe();
            calls.cmd("DEL").arg(text_key(answer)).cmd("PUBLISH").arg(channel(answer)).arg(told);
            calls.exec_async(&mut connection).await
        });
        telling.await;
    }

    async fn tell(&self, news: NodeNews) {
        let told = Told::Node(news).encode();
        let telling = self.link.call(LIMIT, async |mut connection| {
            cmd("PUBLISH").arg(NEWS).arg(told).exec_async(&mut connection).await
        });
        telling.await;
    }

    async fn text(&self, answer: MessageId) -> Option<String> {
        let asking = self.link.call(LIMIT, async |mut connection| {
            cmd("GET").arg(text_key(answer)).query_async(&mut connection).await
        });
        asking.await.flatten()
    }

    async fn follow(&self, answer: MessageId) -> mpsc::Receiver<AnswerNews> {
        self.listener.follow(answer).await
    }

    fn listen(&self) -> broadcast::Receiver<NodeNews> {
        self.listener.listen()
    }
}
