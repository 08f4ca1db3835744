//! An end for work that could take long.

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// When the thread that made it has worked for some time. Time in which it waits, for a processor too, is not counted: how busy a machine is does not
/// decide what is refused.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    time: Duration,
    /// No thread has worked longer than it was there, and this is cheap to ask for.
    earliest: Option<Instant>,
    start: Option<ThreadTime>,
}

impl Deadline {
    /// `time` from now on.
    pub fn after(time: Duration) -> Self {
        Self { time, earliest: Instant::now().checked_add(time), start: ThreadTime::try_now().ok() }
    }

    /// How much work there is time for.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Whether it has passed.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.earliest.is_some_and(|earliest| Instant::now() > earliest) && self.is_worked_off()
    }

    #[cold]
    fn is_worked_off(&self) -> bool {
        let worked = self.start.and_then(|start| start.try_elapsed().ok());
        worked.is_none_or(|worked| worked > self.time)
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn time_that_a_thread_waits_is_not_counted() {
        let deadline = Deadline::after(Duration::from_millis(20));
        std::thread::sleep(Duration::from_millis(60));
        assert!(!deadline.is_over());
        let start = ThreadTime::now();
        while !deadline.is_over() {
            black_box(start);
            assert!(start.elapsed() < Duration::from_secs(1));
        }
        assert!(!Deadline::after(Duration::MAX).is_over());
    }
}
