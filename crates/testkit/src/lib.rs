//! For tests only: naive versions of what the other crates do fast, seeded makers of awkward text, and readers of the
//! case files in `testdata/`.
//!
//! Knows no other crate of the workspace, so that a defect cannot be in both the tested and the test.

// Tests want to stop at the first thing that is not as it must be.
#![allow(clippy::missing_panics_doc)]

pub mod bpe;
pub mod cases;
pub mod minimise;
pub mod pattern;
pub mod reference;
pub mod relatives;
pub mod rng;
pub mod strings;
pub mod text;
pub mod time;
pub mod train;

/// CRC-32 (IEEE 802.3), as zlib has it.
pub fn crc32(bytes: &[u8]) -> u32 {
    const OF_BYTE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, &byte| (crc >> 8) ^ OF_BYTE[usize::from(crc as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    #[test]
    fn crc32_of_the_check_string() {
        assert_eq!(super::crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(super::crc32(b""), 0);
    }
}
