//! Hearing what other nodes tell, over a connection of its own.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use frontdesk_core::{
    AnswerNews, ConversationId, MessageId, NodeNews, OperatorName, SecretHash, SessionId, SessionKey, SiteId,
    Typing, Typist,
};
use futures_util::StreamExt as _;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Client, Msg, RedisResult};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::RedisUrl;
use crate::link::PAUSE;

/// What everybody hears.
pub(crate) const NEWS: &str = "frontdesk:news";

/// How much news may wait for somebody before it is lost for them.
const WAITING: usize = 256;

/// How much may wait for the follower of one answer.
const WAITING_TEXT: usize = 64;

/// How many answers may wait to be followed.
const WANTED: usize = 256;

/// How long connecting may take, or a word about it.
const LIMIT: Duration = Duration::from_secs(1);

/// How often it is looked whether the connection still works, and who has left.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long who begins to follow waits until that is known to the server.
const BEGINNING: Duration = Duration::from_millis(250);

/// The channel of an answer.
pub(crate) fn channel(answer: MessageId) -> String {
    format!("frontdesk:answer:{answer}")
}

/// Somebody wants to follow an answer, and to be told when that has begun.
type Wanted = (MessageId, oneshot::Sender<()>);

/// Passes what is told on to whoever follows it here.
pub(crate) struct Listener {
    client: Client,
    followers: Mutex<HashMap<MessageId, mpsc::Sender<AnswerNews>>>,
    wanted: mpsc::Sender<Wanted>,
    news: broadcast::Sender<NodeNews>,
}

impl Listener {
    pub(crate) fn new(url: &RedisUrl) -> (Self, mpsc::Receiver<Wanted>) {
        let (wanted, receiver) = mpsc::channel(WANTED);
        let news = broadcast::Sender::new(WAITING);
        (Self { client: url.client(), followers: Mutex::default(), wanted, news }, receiver)
    }

    pub(crate) async fn follow(&self, answer: MessageId) -> mpsc::Receiver<AnswerNews> {
        let (sender, receiver) = mpsc::channel(WAITING_TEXT);
        self.lock().insert(answer, sender);
        let (begun, beginning) = oneshot::channel();
        if self.wanted.try_send((answer, begun)).is_ok() {
            let _ = timeout(BEGINNING, beginning).await;
        }
        receiver
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<NodeNews> {
        self.news.subscribe()
    }

    async fn connect(&self) -> RedisResult<(PubSubSink, PubSubStream)> {
        let (mut sink, stream) = self.client.get_async_pubsub().await?.split();
        sink.subscribe(NEWS).await?;
        let followed: Vec<_> = self.lock().keys().copied().collect();
        for answer in followed {
            sink.subscribe(channel(answer)).await?;
        }
        Ok((sink, stream))
    }

    fn pass_on(&self, message: &Msg) {
        match Told::decode(message.get_channel_name(), message.get_payload_bytes()) {
            Some((Told::Node(news), _)) => {
                // Nobody may be listening.
                let _ = self.news.send(news);
            }
            Some((Told::Answer(news), Some(answer))) => {
                if let Some(follower) = self.lock().get(&answer) {
                    // Who falls behind misses some of it, and sees that there is a gap.
                    let _ = follower.try_send(news);
                }
            }
            Some((Told::Answer(_), None)) | None => {}
        }
    }

    /// The answers that nobody follows any more.
    fn forget_left(&self) -> Vec<MessageId> {
        let mut followers = self.lock();
        let left = followers.iter().filter(|(_, follower)| follower.is_closed()).map(|(answer, _)| *answer);
        let left: Vec<_> = left.collect();
        followers.retain(|_, follower| !follower.is_closed());
        left
    }

    /// Looks whether the connection still works, and follows no more what nobody reads any more.
    async fn look(&self, sink: &mut PubSubSink) -> RedisResult<()> {
        for answer in self.forget_left() {
            sink.unsubscribe(channel(answer)).await?;
        }
        sink.ping::<redis::Value>().await.map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, mpsc::Sender<AnswerNews>>> {
        self.followers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens, and connects again whenever the connection is lost, as long as somebody has the listener.
pub(crate) async fn keep(listener: Weak<Listener>, mut wanted: mpsc::Receiver<Wanted>) {
    while let Some(held) = listener.upgrade() {
        if let Ok(Ok((sink, stream))) = timeout(LIMIT, held.connect()).await {
            let _ = held.news.send(NodeNews::Missed);
            drop(held);
            listen(&listener, sink, stream, &mut wanted).await;
        } else {
            held.forget_left();
        }
        // Whoever wants to follow something meanwhile does not have to wait, and is found at the next connection.
        let pause = sleep(PAUSE);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => break,
                waiting = wanted.recv() => if waiting.is_none() { return },
            }
        }
    }
}

/// Until the connection is lost, or nobody has the listener any more.
async fn listen(
    listener: &Weak<Listener>,
    mut sink: PubSubSink,
    mut stream: PubSubStream,
    wanted: &mut mpsc::Receiver<Wanted>,
) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_sound = tokio::select! {
            message = stream.next() => match (message, listener.upgrade()) {
                (Some(message), Some(listener)) => {
                    listener.pass_on(&message);
                    true
                }
                _ => false,
            },
            answer = wanted.recv() => match answer {
                Some((answer, begun)) => {
                    let is_begun = matches!(timeout(LIMIT, sink.subscribe(channel(answer))).await, Ok(Ok(())));
                    let _ = begun.send(());
                    is_begun
                }
                None => false,
            },
            _ = looks.tick() => match listener.upgrade() {
                Some(listener) => matches!(timeout(LIMIT, listener.look(&mut sink)).await, Ok(Ok(()))),
                None => false,
            },
        };
        if !is_sound {
            return;
        }
    }
}

/// What is told, as it goes over the wire.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Answer(AnswerNews),
    Node(NodeNews),
}

impl Told {
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Answer(AnswerNews::Text { from, text }) => format!("text {from} {text}"),
            Self::Answer(AnswerNews::End) => "end".to_owned(),
            Self::Node(NodeNews::Missed) => "missed".to_owned(),
            Self::Node(NodeNews::Stop(answer)) => format!("stop {answer}"),
            Self::Node(NodeNews::Changed { session, conversation }) => {
                format!("changed {}", place(session, *conversation))
            }
            Self::Node(NodeNews::Typing { session, conversation, typing }) => {
                let begins = if typing.is_typing { "typing" } else { "idle" };
                let name = match &typing.typist {
                    Typist::Visitor => "",
                    Typist::Operator(name) => name.as_str(),
                };
                format!("{begins} {} {name}", place(session, *conversation))
            }
            Self::Node(NodeNews::Presence { site, here, gone }) => {
                format!("present {site} {} {}", listed(here), listed(gone))
            }
        }
    }

    /// Reads what was told on a channel, and of which answer.
    pub(crate) fn decode(channel: &str, payload: &[u8]) -> Option<(Self, Option<MessageId>)> {
        let payload = std::str::from_utf8(payload).ok()?;
        let answer = channel.strip_prefix("frontdesk:answer:").and_then(MessageId::parse);
        let (word, rest) = payload.split_once(' ').unwrap_or((payload, ""));
        let told = match (word, answer) {
            ("text", Some(_)) => {
                let (from, text) = rest.split_once(' ')?;
                Self::Answer(AnswerNews::Text { from: usize::from_str(from).ok()?, text: text.to_owned() })
            }
            ("end", Some(_)) => Self::Answer(AnswerNews::End),
            ("missed", None) => Self::Node(NodeNews::Missed),
            ("stop", None) => Self::Node(NodeNews::Stop(MessageId::parse(rest)?)),
            ("changed", None) => {
                let (session, conversation, _) = read_place(rest)?;
                Self::Node(NodeNews::Changed { session, conversation })
            }
            ("typing" | "idle", None) => {
                let (session, conversation, name) = read_place(rest)?;
                let typist = match name {
                    "" => Typist::Visitor,
                    name => Typist::Operator(OperatorName::parse(name).ok()?),
                };
                let typing = Typing { typist, is_typing: word == "typing" };
                Self::Node(NodeNews::Typing { session, conversation, typing })
            }
            ("present", None) => {
                let mut words = rest.split(' ');
                let site = SiteId::parse(words.next()?)?;
                let (here, gone) = (read_list(words.next()?)?, read_list(words.next()?)?);
                Self::Node(NodeNews::Presence { site, here, gone })
            }
            _ => return None,
        };
        Some((told, answer))
    }
}

/// Conversations in one word.
fn listed(conversations: &[ConversationId]) -> String {
    conversations.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn read_list(word: &str) -> Option<Vec<ConversationId>> {
    word.split(',').filter(|id| !id.is_empty()).map(ConversationId::parse).collect()
}

/// A conversation and whose it is, in words.
fn place(session: &SessionKey, conversation: ConversationId) -> String {
    let secret = session.secret.map_or_else(|| "-".to_owned(), |secret| hex(secret.as_bytes()));
    format!("{conversation} {} {secret} {}", session.site, session.session.as_str())
}

/// Reads that, and gives what follows it.
fn read_place(text: &str) -> Option<(SessionKey, ConversationId, &str)> {
    let mut words = text.splitn(5, ' ');
    let conversation = ConversationId::parse(words.next()?)?;
    let site = SiteId::parse(words.next()?)?;
    let secret = match words.next()? {
        "-" => None,
        hash => Some(SecretHash::from_bytes(unhex(hash)?)),
    };
    let session = SessionId::parse(words.next()?).ok()?;
    Some((SessionKey { site, session, secret }, conversation, words.next().unwrap_or_default()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard_as_it_was() {
        let answer = MessageId::from_bytes([3; 16]);
        let session = |secret| SessionKey {
            site: SiteId::DEFAULT,
            session: SessionId::parse("a:b-c").unwrap(),
            secret,
        };
        let changed = |secret| NodeNews::Changed {
            session: session(secret),
            conversation: ConversationId::from_bytes([9; 16]),
        };
        let typing = |typist, is_typing| NodeNews::Typing {
            session: session(None),
            conversation: ConversationId::from_bytes([9; 16]),
            typing: Typing { typist, is_typing },
        };
        let ids = |ids: &[[u8; 16]]| ids.iter().copied().map(ConversationId::from_bytes).collect();
        let presence = |here: &[_], gone: &[_]| NodeNews::Presence {
            site: SiteId::DEFAULT,
            here: ids(here),
            gone: ids(gone),
        };
        for told in [
            Told::Answer(AnswerNews::Text { from: 12, text: " two  w\u{f6}rds\n".to_owned() }),
            Told::Answer(AnswerNews::End),
        ] {
            let heard = Told::decode(&channel(answer), told.encode().as_bytes());
            assert_eq!(heard, Some((told, Some(answer))));
        }
        for news in [
            NodeNews::Missed,
            NodeNews::Stop(answer),
            changed(None),
            changed(Some(SecretHash::from_bytes([0xAB; 32]))),
            typing(Typist::Visitor, true),
            presence(&[[1; 16], [2; 16]], &[[3; 16]]),
            presence(&[], &[[3; 16]]),
            presence(&[], &[]),
            typing(Typist::Operator(OperatorName::parse("Maya Ñ B").unwrap()), false),
        ] {
            let told = Told::Node(news);
            assert_eq!(Told::decode(NEWS, told.encode().as_bytes()), Some((told, None)));
        }
    }

    #[test]
    fn what_makes_no_sense_is_not_heard() {
        let answer = channel(MessageId::from_bytes([3; 16]));
        for (channel, payload) in [
            (NEWS, &b""[..]),
            (NEWS, b"end"),
            (NEWS, b"stop x"),
            (NEWS, b"changed"),
            (NEWS, b"changed 1 2 3 4"),
            (NEWS, b"present"),
            (NEWS, b"present 1 2 3"),
            (&answer, b"text"),
            (&answer, b"text -1 x"),
            (&answer, b"text 1"),
            (&answer, b"text 1 \xFF"),
            (&answer, b"missed"),
            ("frontdesk:answer:x", b"end"),
        ] {
            assert_eq!(Told::decode(channel, payload), None, "{payload:?}");
        }
    }
}
