//! Threads that judge, apart from those that talk to clients: a slow policy must not keep anybody from being answered.
//!
//! Their number and the number of those who wait are bounded, their stacks hold the deepest object, and a panic ends one
//! job and not its thread.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// The threads. They end when it is dropped and what they were given is done.
#[derive(Clone, Debug)]
pub struct Pool {
    jobs: SyncSender<Job>,
}

/// Why a job gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// Too many wait already.
    Full,
    /// It panicked.
    Panicked,
}

impl Pool {
    /// `threads` threads with stacks of `stack` bytes; `waiting` jobs may wait for one.
    pub fn new(threads: usize, stack: usize, waiting: usize) -> io::Result<Self> {
        let (jobs, queue) = sync_channel::<Job>(waiting);
        let queue = Arc::new(Mutex::new(queue));
        for i in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name(format!("judge-{i}")).stack_size(stack).spawn(move || work(&queue))?;
        }
        Ok(Pool { jobs })
    }

    /// Has a thread do a job, and waits for what it gives.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
        let (done, result) = oneshot::channel();
        let job = move || {
            // Nothing that a job holds is looked at after it panicked.
            let given = catch_unwind(AssertUnwindSafe(job));
            // Who asked may be gone.
            let _ = done.send(given.map_err(|_| NotDone::Panicked));
        };
        self.jobs.try_send(Box::new(job)).map_err(|_| NotDone::Full)?;
        result.await.unwrap_or(Err(NotDone::Panicked))
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        // One thread waits in `recv`, the others for the lock; which of them comes next does not matter.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn a_panic_ends_one_job_and_not_its_thread() {
        let pool = Pool::new(1, 1 << 20, 4).unwrap();
        runtime().block_on(async {
            assert_eq!(pool.run(|| -> u8 { panic!("on purpose") }).await, Err(NotDone::Panicked));
            assert_eq!(pool.run(|| 7).await, Ok(7));
        });
    }

    #[test]
    fn who_would_wait_too_long_is_told_at_once() {
        let pool = Pool::new(1, 1 << 20, 1).unwrap();
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        runtime().block_on(async {
            let busy = tokio::spawn({
                let pool = pool.clone();
                async move {
                    pool.run(move || {
                        begun.send(()).unwrap();
                        wait.recv().is_ok()
                    })
                    .await
                }
            });
            tokio::task::yield_now().await;
            has_begun.recv().unwrap();
            let waiting = tokio::spawn({
                let pool = pool.clone();
                async move { pool.run(|| 1).await }
            });
            tokio::task::yield_now().await;
            assert_eq!(pool.run(|| 2).await, Err(NotDone::Full));
            go.send(()).unwrap();
            assert_eq!(busy.await.unwrap(), Ok(true));
            assert_eq!(waiting.await.unwrap(), Ok(1));
        });
    }
}
