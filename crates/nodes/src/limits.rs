//! Counting together.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use frontdesk_core::{RateLimit, SharedLimits};
use redis::Script;

use crate::Redis;

/// How long a visitor's request waits for the count.
const LIMIT: Duration = Duration::from_millis(100);

/// The generic cell rate algorithm, with the server's clock for all nodes: see `Limiter` in `frontdesk-web`, which counts alone.
/// A key is gone when it has all its places free again. Gives the microseconds to wait, or 0.
///
/// A moment that is further away than a window can be is left over from a clock that was set back.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000000 + time[2]
         local per_request, window = tonumber(ARGV[1]), tonumber(ARGV[2])
         local base = tonumber(redis.call('GET', KEYS[1]) or '0')
         base = math.min(math.max(base, now), now + window)
         local next = base + per_request
         if next > now + window then return math.ceil(next - now - window) end
         redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
         return 0",
    )
});

#[async_trait]
impl SharedLimits for Redis {
    async fn take(&self, limit: &'static str, key: &str, rate: RateLimit) -> Option<Result<(), Duration>> {
        let window = micros(rate.window);
        let per_request = micros(rate.window / rate.requests.max(1)).max(1);
        let key = format!("frontdesk:limit:{limit}:{key}");
        let wait: u64 = self
            .link
            .call(LIMIT, async |mut connection| {
                let mut call = TAKE.key(key);
                call.arg(per_request).arg(window);
                call.invoke_async(&mut connection).await
            })
            .await?;
        Some(if wait == 0 { Ok(()) } else { Err(Duration::from_micros(wait)) })
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
