//! A reader of server-sent events.

use memchr::memchr2;
use thiserror::Error;

/// Splits a stream of bytes into events, as the HTML standard says (section 9.2.6, "Interpreting an event stream").
///
/// Bytes come in as the network cuts them; events come out whole. Lines may end in LF, CR or CRLF, a byte order mark
/// at the beginning is passed over, and so are comments and fields other than `data`. An event that the end of the
/// stream leaves unfinished is not an event.
#[derive(Debug)]
pub struct SseReader {
    buffer: Vec<u8>,
    /// Where the first line begins that was not read yet.
    line: usize,
    /// How far that line was searched for its end.
    searched: usize,
    /// The data of the event being read, each line followed by LF.
    data: Vec<u8>,
    /// Whether `data` was given out, and is to be forgotten.
    given: bool,
    /// Whether an LF that comes next belongs to a CR that ended a line.
    after_cr: bool,
    /// Whether nothing was read yet, not even a byte order mark.
    at_start: bool,
    limit: usize,
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SseError {
    /// An event, or a line of one, is larger than the limit.
    #[error("an event is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// An event's data is not UTF-8.
    #[error("an event is not UTF-8")]
    NotUtf8,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl SseReader {
    /// A reader that takes events of at most `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            line: 0,
            searched: 0,
            data: Vec::new(),
            given: false,
            after_cr: false,
            at_start: true,
            limit,
        }
    }

    /// Takes in more bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.line == self.buffer.len() {
            self.buffer.clear();
        } else {
            self.buffer.drain(..self.line);
        }
        self.searched -= self.line;
        self.line = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The data of the next whole event; `None` if more bytes are needed.
    pub fn next_event(&mut self) -> Result<Option<&str>, SseError> {
        if self.given {
            self.data.clear();
            self.given = false;
        }
        loop {
            let Some((begin, end)) = self.next_line() else {
                let unfinished = self.data.len() + self.buffer.len() - self.line;
                if unfinished > self.limit {
                    return Err(SseError::TooLarge { limit: self.limit });
                }
                return Ok(None);
            };
            if begin == end {
                if self.data.is_empty() {
                    continue;
                }
                break;
            }
            self.read_field(begin, end);
            if self.data.len() > self.limit {
                return Err(SseError::TooLarge { limit: self.limit });
            }
        }
        self.given = true;
        let without_last_lf = &self.data[..self.data.len() - 1];
        std::str::from_utf8(without_last_lf).map(Some).map_err(|_| SseError::NotUtf8)
    }

    /// Where the next whole line lies, without its end.
    fn next_line(&mut self) -> Option<(usize, usize)> {
        if self.after_cr && self.buffer.get(self.line) == Some(&b'\n') {
            self.line += 1;
            self.searched = self.searched.max(self.line);
            self.after_cr = false;
        }
        let Some(found) = memchr2(b'\n', b'\r', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + found;
        self.after_cr = self.buffer[end] == b'\r';
        let mut begin = self.line;
        if std::mem::take(&mut self.at_start) && self.buffer[begin..end].starts_with(BYTE_ORDER_MARK) {
            begin += BYTE_ORDER_MARK.len();
        }
        self.line = end + 1;
        self.searched = self.line;
        Some((begin, end))
    }

    fn read_field(&mut self, begin: usize, end: usize) {
        let line = &self.buffer[begin..end];
        let value = match line.strip_prefix(b"data") {
            Some([]) => &[],
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => value,
            _ => return,
        };
        self.data.extend_from_slice(value);
        self.data.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(chunks: &[&[u8]]) -> Result<Vec<String>, SseError> {
        let mut reader = SseReader::new(1000);
        let mut events = Vec::new();
        for chunk in chunks {
            reader.push(chunk);
            while let Some(event) = reader.next_event()? {
                events.push(event.to_owned());
            }
        }
        Ok(events)
    }

    fn one(text: &str) -> Vec<String> {
        events(&[text.as_bytes()]).unwrap()
    }

    #[test]
    fn all_three_line_ends_are_read() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "data: a~~event: x~data: b~data: c~~".replace('~', end);
            assert_eq!(one(&text), ["a", "b\nc"], "{end:?}");
        }
    }

    #[test]
    fn comments_other_fields_and_empty_events_are_passed_over() {
        assert_eq!(one(": ping\n\nid: 7\nretry: 9\n\nevent: x\ndata:a\ndatabase: no\n\n"), ["a"]);
    }

    #[test]
    fn one_space_after_the_colon_is_not_data() {
        assert_eq!(one("data:  two\n\ndata:none\n\ndata\n\n"), [" two", "none", ""]);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_at_the_start_only() {
        assert_eq!(one("\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n"), ["a"]);
    }

    #[test]
    fn an_unfinished_event_is_not_an_event() {
        for text in ["data: a", "data: a\n", "data: a\r\n", "data: a\r"] {
            assert_eq!(one(text), Vec::<String>::new(), "{text:?}");
        }
    }

    #[test]
    fn what_is_larger_than_the_limit_is_refused_before_it_is_whole() {
        let too_large = Err(SseError::TooLarge { limit: 1000 });
        assert_eq!(events(&[b"data: ", &[b'x'; 1000]]), too_large);
        let many_lines = "data: x\n".repeat(600);
        assert_eq!(events(&[many_lines.as_bytes()]), too_large);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        assert_eq!(events(&[b"data: \xFF\n\n"]), Err(SseError::NotUtf8));
    }

    proptest! {
        #[test]
        fn where_the_network_cuts_changes_nothing(
            parts in proptest::collection::vec("(data: ?[a-zé😀]{0,5}|:c|event: e|)(\n|\r|\r\n)", 0..30),
            cuts in proptest::collection::vec(0_usize..400, 0..20),
        ) {
            let text = parts.concat().into_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            prop_assert_eq!(events(&chunks), events(&[&text]));
        }

        #[test]
        fn no_bytes_break_it(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..20)) {
            let chunks: Vec<_> = chunks.iter().map(Vec::as_slice).collect();
            let _ = events(&chunks);
        }
    }
}
