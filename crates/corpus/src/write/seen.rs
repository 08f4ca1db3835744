//! Which documents came before.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::appender::{Appender, remove};
use crate::Error;
use crate::blocks::no_memory;
use crate::cancel;
use crate::positioned::read_exact_at;

/// The start of the BLAKE3 of a document. Zero, which marks an empty place, is counted as one.
pub type Digest = u128;

/// A set of digests: a table in memory, or, when that would be larger than allowed, in a file. Every digest is also appended to a log, from which the
/// set is made again when an interrupted run goes on.
pub struct Seen {
    table: Table,
    log: Appender,
    folder: PathBuf,
    limit: usize,
}

enum Table {
    Memory { places: Vec<Digest>, count: usize },
    Disk(DiskTable),
}

const LOG: &str = "seen.log";
/// Of what it holds at most.
const FULL: (usize, usize) = (7, 10);
const FIRST: usize = 1 << 12;

impl Seen {
    /// The set in `folder` as it was when it had `count` digests, of at most about `limit` bytes of memory.
    pub fn open(folder: &Path, count: u64, limit: usize, cancel: Option<&AtomicBool>) -> Result<Self, Error> {
        let path = folder.join(LOG);
        let log = if count == 0 {
            remove(&path)?;
            Appender::create(path.clone())?
        } else {
            Appender::resume(path.clone(), count * 16, cancel)?
        };
        let table = Table::Memory { places: vec![0; FIRST], count: 0 };
        let mut seen = Self { table, log, folder: folder.to_owned(), limit };
        if count > 0 {
            let failed = |error| Error::io("read", path.display(), error);
            let mut partial = path.clone().into_os_string();
            partial.push(".partial");
            let mut file = std::io::BufReader::with_capacity(1 << 20, File::open(partial).map_err(failed)?);
            let mut digest = [0; 16];
            for _ in 0..count {
                cancel::check(cancel)?;
                file.read_exact(&mut digest).map_err(failed)?;
                seen.insert_in_table(Digest::from_le_bytes(digest), cancel)?;
            }
        }
        Ok(seen)
    }

    /// How many digests there are.
    pub fn len(&self) -> u64 {
        self.log.len() / 16
    }

    /// Adds `digest`; false when it was there.
    pub fn insert(&mut self, digest: Digest, cancel: Option<&AtomicBool>) -> Result<bool, Error> {
        let digest = digest.max(1);
        let is_new = self.insert_in_table(digest, cancel)?;
        if is_new {
            self.log.write(&digest.to_le_bytes())?;
        }
        Ok(is_new)
    }

    /// The log is on disk when this returns.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.log.sync()
    }

    fn insert_in_table(&mut self, digest: Digest, cancel: Option<&AtomicBool>) -> Result<bool, Error> {
        if let Table::Memory { places, count } = &mut self.table
            && *count * FULL.1 >= places.len() * FULL.0
        {
            // Both tables are there while one grows into the other.
            if places.len() * 16 * 3 > self.limit {
                let mut disk = DiskTable::create(&self.folder, places.len() as u64 * 2)?;
                for &digest in places.iter().filter(|&&digest| digest != 0) {
                    disk.insert(digest, cancel)?;
                }
                self.table = Table::Disk(disk);
            } else {
                let mut larger = Vec::new();
                let length = places.len() * 2;
                larger.try_reserve_exact(length).map_err(|_| no_memory(length * 16))?;
                larger.resize(length, 0);
                for &digest in places.iter().filter(|&&digest| digest != 0) {
                    insert_in(&mut larger, digest);
                }
                *places = larger;
            }
        }
        match &mut self.table {
            Table::Memory { places, count } => {
                let is_new = insert_in(places, digest);
                *count += usize::from(is_new);
                Ok(is_new)
            }
            Table::Disk(disk) => disk.insert(digest, cancel),
        }
    }
}

/// Digests are as good as random: their low bits are the place.
fn insert_in(places: &mut [Digest], digest: Digest) -> bool {
    let mask = places.len() - 1;
    let mut place = digest as usize & mask;
    while places[place] != 0 {
        if places[place] == digest {
            return false;
        }
        place = (place + 1) & mask;
    }
    places[place] = digest;
    true
}

/// Digests of a page of [`DiskTable`].
const PAGE: usize = 256;

/// The same in a file, a page read and some bytes written for each digest. Not mapped: pages of a mapping would count as memory of the process.
struct DiskTable {
    file: File,
    path: PathBuf,
    pages: u64,
    count: u64,
}

impl DiskTable {
    fn create(folder: &Path, places: u64) -> Result<Self, Error> {
        let pages = (places / PAGE as u64).next_power_of_two();
        let path = folder.join(format!("seen.{pages}"));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.and_then(|file| file.set_len(pages * PAGE as u64 * 16).map(|()| file));
        let file = file.map_err(|error| Error::io("create", path.display(), error))?;
        Ok(Self { file, path, pages, count: 0 })
    }

    fn insert(&mut self, digest: Digest, cancel: Option<&AtomicBool>) -> Result<bool, Error> {
        cancel::check(cancel)?;
        if self.count * FULL.1 as u64 >= self.pages * PAGE as u64 * FULL.0 as u64 {
            self.grow(cancel)?;
        }
        let mut page = digest as u64 & (self.pages - 1);
        let mut bytes = [0; PAGE * 16];
        loop {
            self.read(page, &mut bytes)?;
            for (place, entry) in bytes.chunks_exact(16).enumerate() {
                if *entry == digest.to_le_bytes() {
                    return Ok(false);
                }
                if entry.iter().all(|&byte| byte == 0) {
                    self.write(page, place, digest)?;
                    self.count += 1;
                    return Ok(true);
                }
            }
            page = (page + 1) & (self.pages - 1);
        }
    }

    fn grow(&mut self, cancel: Option<&AtomicBool>) -> Result<(), Error> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut larger = Self::create(folder, self.pages * PAGE as u64 * 2)?;
        let mut bytes = [0; PAGE * 16];
        for page in 0..self.pages {
            self.read(page, &mut bytes)?;
            for entry in bytes.chunks_exact(16) {
                let digest = entry.try_into().map_or(0, Digest::from_le_bytes);
                if digest != 0 {
                    larger.insert(digest, cancel)?;
                }
            }
        }
        remove(&self.path)?;
        *self = larger;
        Ok(())
    }

    fn read(&self, page: u64, bytes: &mut [u8; PAGE * 16]) -> Result<(), Error> {
        let read = read_exact_at(&self.file, bytes, page * (PAGE * 16) as u64);
        read.map_err(|error| Error::io("read", self.path.display(), error))
    }

    fn write(&mut self, page: u64, place: usize, digest: Digest) -> Result<(), Error> {
        use std::io::{Seek, SeekFrom};
        let at = page * (PAGE * 16) as u64 + place as u64 * 16;
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(&digest.to_le_bytes()));
        written.map_err(|error| Error::io("write", self.path.display(), error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]

    use std::collections::HashSet;

    use super::*;

    /// Numbers of which many come twice.
    fn digest(number: u64) -> Digest {
        let hash = blake3::hash(&(number * number % 70_001).to_le_bytes());
        Digest::from_le_bytes(hash.as_bytes()[..16].try_into().unwrap())
    }

    #[test]
    fn the_set_is_the_same_in_memory_on_disk_and_after_an_interruption() {
        for limit in [0, 1 << 20, usize::MAX] {
            let folder = tempfile::tempdir().unwrap();
            let mut expected = HashSet::new();
            let mut seen = Seen::open(folder.path(), 0, limit, None).unwrap();
            for number in 0..60_000 {
                assert_eq!(
                    seen.insert(digest(number), None).unwrap(),
                    expected.insert(digest(number)),
                    "{limit} {number}"
                );
            }
            assert_eq!(matches!(seen.table, Table::Disk(_)), limit < usize::MAX);
            seen.sync().unwrap();
            let kept = seen.len();
            for number in 100_000..110_000 {
                seen.insert(u128::from(number as u64), None).unwrap();
            }
            drop(seen);
            let mut seen = Seen::open(folder.path(), kept, limit, None).unwrap();
            assert_eq!(seen.len(), expected.len() as u64);
            assert!((0..60_000).all(|number| !seen.insert(digest(number), None).unwrap()));
            assert!((100_000..110_000).all(|number| seen.insert(number, None).unwrap()));
        }
    }

    #[test]
    fn what_takes_long_can_be_cancelled_and_goes_on_from_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let cancel = Some(&AtomicBool::new(true));
        for limit in [0, usize::MAX] {
            let mut seen = Seen::open(folder.path(), 0, limit, None).unwrap();
            assert!((0..10_000).all(|number| seen.insert(digest(number), None).is_ok()));
            seen.sync().unwrap();
            let count = seen.len();
            if let Table::Disk(disk) = &mut seen.table {
                assert!(matches!(disk.grow(cancel), Err(Error::Cancelled)));
            }
            drop(seen);
            assert!(matches!(Seen::open(folder.path(), count, limit, cancel), Err(Error::Cancelled)));
            let mut seen = Seen::open(folder.path(), count, limit, None).unwrap();
            assert!((0..10_000).all(|number| !seen.insert(digest(number), None).unwrap()));
        }
    }

    #[test]
    fn zero_and_full_tables_are_no_special_case() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::open(folder.path(), 0, 0, None).unwrap();
        assert!(seen.insert(0, None).unwrap());
        assert!(!seen.insert(0, None).unwrap());
        // All on the same place, which then runs over to the next pages.
        for number in 1..3_000_u128 {
            assert!(seen.insert(number << 64, None).unwrap(), "{number}");
        }
        assert!((1..3_000_u128).all(|number| !seen.insert(number << 64, None).unwrap()));
    }
}
