//! Memory that is not there. A program of its own: nothing else may run while there is none.
#![cfg(target_os = "linux")]

use tokenmill_bpe::{Boundaries, Boundary, Error};

/// Lets this process have no more addresses than it has and `more` bytes.
fn limit_memory(more: u64) {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = pages.split(' ').next().and_then(|pages| pages.parse().ok()).expect("a number");
    let bytes = if more == u64::MAX { libc::RLIM_INFINITY } else { pages * 4096 + more };
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: it reads the limit alone.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}

#[test]
fn paragraphs_for_which_there_is_no_memory_are_an_error() {
    // 20 million places of four bytes: more than the 64 MiB of addresses that the allocator may have in hand.
    let text = "a\n\n".repeat(20 << 20);
    let mut boundaries = Boundaries::new(&text);
    limit_memory(8 << 20);
    let refused = boundaries.last_in(Boundary::Paragraph, 1, text.len());
    limit_memory(u64::MAX);
    assert!(matches!(refused, Err(Error::OutOfMemory { .. })), "{refused:?}");
    // The next call finds them all the same.
    assert_eq!(boundaries.last_in(Boundary::Paragraph, 1, text.len()).ok(), Some(Some(text.len() - 3)));
}
