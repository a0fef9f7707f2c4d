use std::collections::VecDeque;
use std::time::Duration;

use frontdesk_core::PersonRequest;

use crate::notice::Summary;

/// How many are told one by one in an hour.
const MOST: usize = 60;

const HOUR: Duration = Duration::from_hours(1);

/// What fills a mailbox: so many in an hour are told one by one, and of the rest there is a summary now and then.
#[derive(Debug, Default)]
pub(crate) struct Burst {
    /// When those of the last hour were told, oldest first.
    told: VecDeque<Duration>,
    kept: Option<Summary>,
}

/// How somebody is told of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// By themselves.
    Now,
    /// In a summary, which has begun with them, so that somebody has to send it after a while.
    Later,
    /// In a summary that has begun before.
    WithOthers,
}

impl Burst {
    /// Decides at a moment of the clock that never goes back.
    pub(crate) fn decide(&mut self, request: &PersonRequest, now: Duration) -> Telling {
        while self.told.front().is_some_and(|told| now.saturating_sub(*told) >= HOUR) {
            self.told.pop_front();
        }
        match &mut self.kept {
            Some(kept) => {
                kept.add(request);
                Telling::WithOthers
            }
            None if self.told.len() < MOST => {
                self.told.push_back(now);
                Telling::Now
            }
            None => {
                self.kept = Some(Summary::of(request));
                Telling::Later
            }
        }
    }

    /// The summary, to be sent.
    pub(crate) fn take_summary(&mut self) -> Option<Summary> {
        self.kept.take()
    }
}

#[cfg(test)]
mod tests {
    use frontdesk_core::{ConversationId, SiteId, Timestamp};

    use super::*;

    fn request(n: u8) -> PersonRequest {
        PersonRequest {
            site: SiteId::DEFAULT,
            conversation: ConversationId::from_bytes([n; 16]),
            visitor: String::new(),
            message: String::new(),
            contact: None,
            page: None,
            is_away: false,
            at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn sixty_an_hour_are_told_one_by_one_and_the_rest_in_a_summary() {
        let mut burst = Burst::default();
        for n in 0..60 {
            assert_eq!(burst.decide(&request(n), Duration::from_secs(u64::from(n))), Telling::Now);
        }
        assert_eq!(burst.decide(&request(60), Duration::from_mins(2)), Telling::Later);
        for n in 61..100 {
            assert_eq!(burst.decide(&request(n), Duration::from_mins(3)), Telling::WithOthers);
        }
        let summary = burst.take_summary().unwrap();
        assert_eq!((summary.count, summary.first.len()), (40, 20));
        assert_eq!(summary.first[0], request(60));
        assert_eq!(burst.take_summary(), None);
        assert_eq!(burst.decide(&request(100), Duration::from_mins(30)), Telling::Later, "still too many");
        burst.take_summary();
        assert_eq!(burst.decide(&request(101), HOUR), Telling::Now, "the first of them is an hour ago");
        assert_eq!(burst.decide(&request(102), HOUR), Telling::Later);
    }
}
