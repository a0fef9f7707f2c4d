/// Follows the bytes of a connection from request to request, and looks at each head for what hyper takes although
/// RFC 9112 forbids it or advises against it: lines that end in a bare LF (section 2.2), and a length beside a transfer
/// coding (section 6.1). Servers that read such heads differently can be made to see different requests in one stream
/// of bytes.
#[derive(Debug, Default)]
pub(super) struct RequestScan {
    place: Place,
}

/// Where in the stream of requests the next byte is.
#[derive(Debug)]
enum Place {
    Head(Head),
    /// In a body that goes on for so many bytes.
    Body(u64),
    /// Behind a head whose body has no stated length. Such a request is the last one of its connection.
    Unknown,
}

impl Default for Place {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

/// A head that has come in whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeadEnd {
    pub(super) is_malformed: bool,
}

impl RequestScan {
    /// Reads to the end of the next head and takes what it has read from `bytes`; `None` if the bytes end before it.
    pub(super) fn feed(&mut self, bytes: &mut &[u8]) -> Option<HeadEnd> {
        loop {
            match &mut self.place {
                Place::Unknown => return None,
                Place::Body(0) => self.place = Place::default(),
                Place::Body(left) => {
                    if bytes.is_empty() {
                        return None;
                    }
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *bytes = &bytes[taken..];
                    *left -= taken as u64;
                }
                Place::Head(head) => {
                    let (&byte, rest) = bytes.split_first()?;
                    *bytes = rest;
                    if !head.take(byte) {
                        continue;
                    }
                    let is_malformed = head.is_malformed();
                    self.place = if is_malformed || head.transfer_encoding {
                        Place::Unknown
                    } else {
                        Place::Body(head.content_length.unwrap_or(0))
                    };
                    return Some(HeadEnd { is_malformed });
                }
            }
        }
    }

    /// Whether a head has begun to come in and is not there yet.
    pub(super) fn is_within_head(&self) -> bool {
        matches!(&self.place, Place::Head(head) if head.has_begun || !head.line.is_empty())
    }
}

#[derive(Debug, Default)]
struct Head {
    /// The beginning of the line being read, in lower case.
    line: Vec<u8>,
    last: u8,
    /// Whether it has a line already. Empty lines before a request are passed over (section 2.2).
    has_begun: bool,
    /// Whether a line is one that others may read differently.
    has_bad_line: bool,
    content_length: Option<u64>,
    transfer_encoding: bool,
}

/// As much of a line as is needed to know its name, and the value of a length.
const NEEDED: usize = 64;

impl Head {
    /// Reads one byte and says whether the head ends with it.
    fn take(&mut self, byte: u8) -> bool {
        let before = std::mem::replace(&mut self.last, byte);
        if byte != b'\n' {
            if self.line.len() < NEEDED {
                self.line.push(byte.to_ascii_lowercase());
            }
            return false;
        }
        self.has_bad_line |= before != b'\r';
        let line = std::mem::take(&mut self.line);
        self.end_line(line.strip_suffix(b"\r").unwrap_or(&line))
    }

    fn end_line(&mut self, line: &[u8]) -> bool {
        if line.is_empty() {
            return self.has_begun;
        }
        self.has_begun = true;
        self.transfer_encoding |= line.starts_with(b"transfer-encoding:");
        if let Some(value) = line.strip_prefix(b"content-length:") {
            let value = str::from_utf8(value).ok().and_then(|value| value.trim().parse().ok());
            self.has_bad_line |=
                value.is_none() || self.content_length.is_some_and(|other| Some(other) != value);
            self.content_length = value;
        }
        false
    }

    fn is_malformed(&self) -> bool {
        self.has_bad_line || (self.content_length.is_some() && self.transfer_encoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found of each head, at once and byte by byte.
    fn found(text: &str) -> Vec<bool> {
        let (mut scan, mut whole) = (RequestScan::default(), Vec::new());
        let mut rest = text.as_bytes();
        while let Some(end) = scan.feed(&mut rest) {
            whole.push(end.is_malformed);
        }
        let (mut scan, mut trickled) = (RequestScan::default(), Vec::new());
        for byte in text.as_bytes().chunks(1) {
            let mut byte = byte;
            while let Some(end) = scan.feed(&mut byte) {
                trickled.push(end.is_malformed);
            }
        }
        assert_eq!(whole, trickled);
        whole
    }

    #[test]
    fn ordinary_heads_are_in_order() {
        assert_eq!(found("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), [false]);
        assert_eq!(found("\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na\nb"), [false]);
        assert_eq!(found("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\n"), [false]);
        assert_eq!(
            found("GET / HTTP/1.1\r\nX-Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            [false]
        );
        assert_eq!(found("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"), [false]);
    }

    #[test]
    fn heads_that_two_servers_read_differently_are_malformed() {
        for head in [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nTRANSFER-ENCODING: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n",
        ] {
            assert_eq!(found(head), [true], "{head}");
        }
    }

    #[test]
    fn every_head_of_a_stream_is_looked_at() {
        let post = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\na\n\n\n";
        let good = "GET / HTTP/1.1\r\n\r\n";
        let bad = "GET / HTTP/1.1\n\n";
        assert_eq!(found(&format!("{good}{post}\r\n{good}{bad}")), [false, false, false, true]);
    }

    #[test]
    fn a_head_has_begun_with_its_first_byte() {
        let mut scan = RequestScan::default();
        for (bytes, is_within) in
            [("", false), ("\r\n", false), ("G", true), ("ET / HTTP/1.1\r\n\r\n", false)]
        {
            let _ = scan.feed(&mut bytes.as_bytes());
            assert_eq!(scan.is_within_head(), is_within, "{bytes:?}");
        }
    }
}
