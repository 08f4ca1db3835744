//! Memory that is not there. Whoever takes it away is a program of its own: nothing else may run then.

/// Lets this process have no more addresses than it has and `more` bytes.
pub fn limit_memory(more: u64) {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').next().unwrap().parse().unwrap();
    let bytes = if more == u64::MAX { libc::RLIM_INFINITY } else { pages * 4096 + more };
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: it reads the limit alone.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}
