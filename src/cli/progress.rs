//! How far long work has come, for a person at a terminal. A pipe, a file and a CI job see nothing of it.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Work that is done sooner than this needs no word.
const PATIENCE: Duration = Duration::from_millis(700);

/// How often the line is drawn anew.
const EVERY: Duration = Duration::from_millis(100);

/// One line on stderr, drawn over itself, gone when the work is done.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: usize,
    done: AtomicUsize,
    /// `None`: nobody looks.
    began: Option<Instant>,
    /// Milliseconds from the beginning until the line was drawn last; 0: never.
    drawn: AtomicU64,
}

impl Progress {
    /// Of so many of `what`, in the plural.
    pub fn new(what: &'static str, total: usize) -> Self {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let looks = std::io::stderr().is_terminal() && !dumb;
        let began = looks.then(Instant::now);
        Progress { what, total, done: AtomicUsize::new(0), began, drawn: AtomicU64::new(0) }
    }

    /// One more is done; any thread may say so.
    pub fn step(&self) {
        let Some(began) = self.began else { return };
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.is_due(began.elapsed()) {
            let _ = write!(std::io::stderr().lock(), "\rreading {}: {done} of {}", self.what, self.total);
        }
    }

    /// Whether the line is to be drawn now; of threads that ask at once one is told so.
    fn is_due(&self, now: Duration) -> bool {
        let milliseconds = |time: Duration| time.as_millis() as u64;
        let drawn = self.drawn.load(Ordering::Relaxed);
        let due = if drawn == 0 { milliseconds(PATIENCE) } else { drawn + milliseconds(EVERY) };
        let now = milliseconds(now);
        now >= due && self.drawn.compare_exchange(drawn, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.began.is_some() && self.drawn.load(Ordering::Relaxed) > 0 {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_late_and_not_too_often() {
        let progress = Progress::new("files", 9);
        let drawn = [0, 699, 700, 750, 799, 800, 2_000].map(|now| progress.is_due(Duration::from_millis(now)));
        assert_eq!(drawn, [false, false, true, false, false, true, true]);
    }
}
