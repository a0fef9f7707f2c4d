/// Looks at a request's head for what hyper takes although RFC 9112 forbids it or advises against it: lines that end in
/// a bare LF (section 2.2), and a length beside a transfer coding (section 6.1). Servers that read such heads
/// differently can be made to see different requests in one stream of bytes.
#[derive(Debug, Default)]
pub(super) struct HeadScan {
    /// The beginning of the line being read, in lower case.
    line: Vec<u8>,
    last: u8,
    progress: Progress,
    bare_lf: bool,
    content_length: bool,
    transfer_encoding: bool,
}

/// How much of the head has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    /// Nothing, or empty lines, which are passed over before a request (section 2.2).
    #[default]
    Before,
    /// Some lines.
    Within,
    /// All of it.
    Over,
}

/// As much of a line as is needed to know its name.
const NAME: usize = "transfer-encoding:".len();

impl HeadScan {
    /// Reads more of the head. What follows the head is not looked at.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.progress == Progress::Over {
                return;
            }
            if byte == b'\n' {
                self.bare_lf |= self.last != b'\r';
                self.end_line();
            } else if self.line.len() < NAME {
                self.line.push(byte.to_ascii_lowercase());
            }
            self.last = byte;
        }
    }

    fn end_line(&mut self) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        self.content_length |= line.starts_with(b"content-length:");
        self.transfer_encoding |= line.starts_with(b"transfer-encoding:");
        self.progress = match (self.progress, line.is_empty()) {
            (Progress::Before, true) => Progress::Before,
            (Progress::Before | Progress::Within, false) => Progress::Within,
            (Progress::Within, true) | (Progress::Over, _) => Progress::Over,
        };
        self.line.clear();
    }

    pub(super) fn is_malformed(&self) -> bool {
        self.bare_lf || (self.content_length && self.transfer_encoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed(head: &str) -> bool {
        let mut whole = HeadScan::default();
        whole.feed(head.as_bytes());
        let mut trickled = HeadScan::default();
        head.as_bytes().chunks(1).for_each(|byte| trickled.feed(byte));
        assert_eq!(whole.is_malformed(), trickled.is_malformed());
        whole.is_malformed()
    }

    #[test]
    fn ordinary_heads_are_in_order() {
        assert!(!malformed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(!malformed("\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na\nb"));
        assert!(!malformed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\n"));
        assert!(!malformed("GET / HTTP/1.1\r\nX-Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"));
    }

    #[test]
    fn heads_that_two_servers_read_differently_are_malformed() {
        assert!(malformed("GET / HTTP/1.1\nHost: a\n\n"));
        assert!(malformed("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"));
        assert!(malformed("POST / HTTP/1.1\r\nContent-Length: 3\r\nTRANSFER-ENCODING: chunked\r\n\r\n"));
        assert!(malformed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-length: 3\r\n\r\n"));
    }
}
