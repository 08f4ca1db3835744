//! The order of the 256 bytes.

/// How many print in Latin-1.
pub(crate) const PRINTED: usize = 188;

/// Those that print in Latin-1, then the others: the order of the characters that GPT-2 and Hugging Face's `ByteLevel` write them as.
pub(crate) const BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let (mut next, mut others) = (0, false);
    loop {
        let mut byte = 0;
        while byte < 256 {
            let prints = matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
            if prints != others {
                bytes[next] = byte as u8;
                next += 1;
            }
            byte += 1;
        }
        if others {
            break bytes;
        }
        others = true;
    }
};

/// The id of each byte, where the first one has the id `first`.
pub(crate) fn ids(first: u32) -> [u32; 256] {
    let mut ids = [0; 256];
    for (&byte, id) in BYTES.iter().zip(first..) {
        ids[usize::from(byte)] = id;
    }
    ids
}
