//! Whether requests should come here, and why not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// What one check says: `Ok` and what is so, or `Err` and what is wrong.
pub type Finding = Result<String, String>;

type Check = Box<dyn Fn() -> Finding + Send + Sync>;

/// Named checks; all of them have to pass.
pub struct Health {
    checks: Mutex<Vec<(&'static str, Check)>>,
    starting: AtomicBool,
    draining: watch::Receiver<bool>,
}

impl Health {
    /// No checks yet, but that we have begun and are not leaving.
    pub fn new(draining: watch::Receiver<bool>) -> Self {
        Health { checks: Mutex::new(Vec::new()), starting: AtomicBool::new(false), draining }
    }

    /// Adds a check.
    pub fn check(&self, name: &'static str, check: impl Fn() -> Finding + Send + Sync + 'static) {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).push((name, Box::new(check)));
    }

    /// Whether what requests are judged by is not there yet; they are told to come back.
    pub fn set_starting(&self, starting: bool) {
        self.starting.store(starting, Ordering::Relaxed);
    }

    /// True until requests can be judged as they should be.
    pub fn starting(&self) -> bool {
        self.starting.load(Ordering::Relaxed)
    }

    /// True when we are leaving. Requests that still come are answered.
    pub fn draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Whether all checks pass, and a line for each as `/readyz?verbose` of an API server has it.
    pub fn readiness(&self) -> (bool, String) {
        let leaving = if self.draining() { Err("the server is shutting down".to_owned()) } else { Ok(String::new()) };
        let beginning = if self.starting() { Err("the server has just begun".to_owned()) } else { Ok(String::new()) };
        let mut findings = vec![("startup", beginning), ("shutdown", leaving)];
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        findings.extend(checks.iter().map(|(name, check)| (*name, check())));
        let ready = findings.iter().all(|(_, finding)| finding.is_ok());
        let line = |(name, finding): &(&str, Finding)| match finding {
            Ok(so) if so.is_empty() => format!("[+]{name} ok\n"),
            Ok(so) => format!("[+]{name} ok: {so}\n"),
            Err(wrong) => format!("[-]{name} failed: {wrong}\n"),
        };
        let mut text: String = findings.iter().map(line).collect();
        text.push_str(if ready { "readyz check passed\n" } else { "readyz check failed\n" });
        (ready, text)
    }
}
