//! Where a request ends, and whether it says so in one way.
//!
//! A request with two lengths, or with a length and chunks, has two ends: who makes one server see two requests where
//! another sees one smuggles the second past the first (RFC 9112, 11.2). hyper does what the RFC asks for (chunks count, and
//! the connection ends with the answer; equal lengths are one), but hands the request on without its second word (hyper
//! src/proto/h1/role.rs, Server::parse). So the words are counted here, in the bytes as they come.

/// The next request of a connection, as far as its bytes have come.
#[derive(Debug, Default)]
pub struct Framing {
    /// Bytes that are still to come of the body before it.
    body: u64,
    /// Its headers, and what came behind them. hyper reads no further ahead than `Limits::HEAD`.
    head: Vec<u8>,
}

impl Framing {
    /// Bytes came, in order.
    pub fn bytes_came(&mut self, bytes: &[u8]) {
        let skipped = usize::try_from(self.body).unwrap_or(usize::MAX).min(bytes.len());
        self.body -= skipped as u64;
        self.head.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
    }

    /// The headers are complete, and announce a body of `length`, or one in chunks. False: they say so more than once.
    ///
    /// Where chunks end is not known here, so the connection has to end with the answer.
    #[must_use]
    pub fn request_begins(&mut self, length: Option<u64>) -> bool {
        let end = end(&self.head);
        let once = self.head.get(..end).is_some_and(|head| words(head) <= 1);
        let came = (self.head.len() - end) as u64;
        self.body = length.unwrap_or(u64::MAX);
        let of_body = self.body.min(came);
        self.body -= of_body;
        let next = self.head.len() - usize::try_from(came - of_body).unwrap_or_default();
        self.head = self.head.split_off(next);
        once
    }
}

/// Where the headers end: after their first empty line. Empty lines before them are passed over, as httparse does.
fn end(head: &[u8]) -> usize {
    let mut begun = false;
    let mut at = 0;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        let empty = matches!(line, b"\n" | b"\r\n");
        if begun && empty {
            break;
        }
        begun |= !empty;
    }
    at
}

/// How often headers say where the body ends. Folded lines and blanks before a colon, which could hide one, are refused by
/// httparse.
fn words(head: &[u8]) -> usize {
    let says = |line: &&[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
    };
    head.split(|byte| *byte == b'\n').filter(says).count()
}

#[cfg(test)]
mod tests {
    use super::Framing;

    #[test]
    fn who_says_twice_where_the_body_ends_is_noticed_wherever_the_bytes_are_cut() {
        let head = |lines: &str| format!("POST /validate HTTP/1.1\r\nhost: h\r\n{lines}\r\n");
        let requests = [
            (head(""), "", Some(0), true),
            (head("content-length: 3\r\n"), "a\nb", Some(3), true),
            // What stands in a body, or in another header, is no header.
            (
                head("content-length: 33\r\nx: content-length: 1\r\n"),
                "content-length: 1\r\n\r\ncontent-len",
                Some(33),
                true,
            ),
            (head("Content-Length: 2\r\ncontent-LENGTH: 2\r\n"), "ab", Some(2), false),
            (format!("\r\n\n{}", head("content-length: 1\n")), "a", Some(1), true),
            (head("content-length: 5\r\ntransfer-encoding: chunked\r\n"), "0\r\n\r\n", None, false),
        ];
        let all: String = requests.iter().map(|(head, body, ..)| format!("{head}{body}")).collect();
        for step in 1..all.len() {
            let mut framing = Framing::default();
            let (mut came, mut begins) = (0, 0);
            for (head, body, length, once) in &requests {
                // As hyper: it reads until it has the headers, and perhaps more.
                while came < begins + head.len() {
                    let next = (came + step).min(all.len());
                    framing.bytes_came(&all.as_bytes()[came..next]);
                    came = next;
                }
                assert_eq!(framing.request_begins(*length), *once, "{head} in steps of {step}");
                begins += head.len() + body.len();
            }
        }
    }

    #[test]
    fn chunks_alone_are_in_order() {
        let mut framing = Framing::default();
        framing.bytes_came(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\n");
        assert!(framing.request_begins(None));
    }
}
