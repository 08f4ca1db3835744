//! One encoding: all strings and files, ours and theirs.

use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::time::{Duration, Instant};

use blake3::Hasher;
use tokenmill_bpe::Encoding;
use tokenmill_testkit::minimise::minimise;
use tokenmill_testkit::reference::Reference;
use tokenmill_testkit::strings::Strings;

use crate::options::Options;
use crate::ours::Ours;
use crate::peer::Peer;
use crate::stream::Which as Streams;

/// Strings of one question.
const BATCH: u64 = 4096;
/// Peers are asked for the ids of the strings of one question in so many, joined to one text.
const JOINED: u64 = 4;
/// One string in so many comes as every stream.
const STREAMED: u64 = 32;
/// Texts that are tried to make one that differs shorter.
const ATTEMPTS: usize = 4000;
/// How often a line says how far it is.
const PROGRESS: Duration = Duration::from_mins(1);
/// After each text in a stream of ids, so that ids cannot move from one text to the next unseen.
const END: u32 = u32::MAX;

struct Run {
    ours: Ours,
    peers: Vec<Peer>,
    reference: Reference,
    /// Texts whose ids the naive reference gave, because the first peer failed.
    by_reference: u64,
}

/// The hashes of two streams of ids.
#[derive(Default)]
struct Hashes {
    ours: Hasher,
    theirs: Hasher,
    ids: u64,
}

impl Hashes {
    fn add(&mut self, ours: &[u32], theirs: &[u32]) {
        for (hash, ids) in [(&mut self.ours, ours), (&mut self.theirs, theirs)] {
            let bytes: Vec<u8> = ids.iter().chain([&END]).flat_map(|id| id.to_le_bytes()).collect();
            hash.update(&bytes);
        }
        self.ids += ours.len() as u64;
    }

    fn lines(&self, reference: &str) -> String {
        format!("  {} tokenmill\n  {} {reference}", self.ours.finalize(), self.theirs.finalize())
    }
}

/// Compares what `options` ask for, and returns the lines to print; or what differs.
pub fn verify(encoding: Encoding, options: &Options, strings: &Strings) -> Result<String, String> {
    let start = |command: &Vec<String>| Peer::start(command, encoding.name()).map_err(|error| error.to_string());
    let peers = options.peers.iter().map(start).collect::<Result<_, _>>()?;
    let ours = Ours::new(encoding);
    let mut run = Run { reference: ours.reference(encoding), ours, peers, by_reference: 0 };
    let against = run.peers.first().map_or("naive reference", |peer| peer.name.as_str()).to_owned();

    let mut summary = String::new();
    if options.count > 0 {
        summary = run.strings(encoding, options, strings, &against)?;
    }
    for path in &options.texts {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut hashes = Hashes::default();
        // On every number of threads, by every level.
        let question = Question { numbers: 0..run.ours.ways(), texts: &[&text], asked: 1, hashed: 1, first: 0 };
        run.compare(&question, &mut hashes, &|_| path.display().to_string())?;
        let name = path.file_name().unwrap_or_default().display();
        _ = write!(summary, "\n✔ {}: {name}, {} ids\n{}", encoding.name(), hashes.ids, hashes.lines(&against));
    }
    if run.by_reference > 0 {
        _ = write!(
            summary,
            "\n  {} texts on which {against} fails were compared with the naive reference",
            run.by_reference
        );
    }
    Ok(summary.trim_start().to_owned())
}

/// Texts that are compared in one go.
struct Question<'a> {
    /// Each decides by which level and on how many threads all are encoded together.
    numbers: Range<u64>,
    texts: &'a [&'a str],
    /// So many of them, from the first one on, peers are asked for; of the others, levels and threads are compared with each other.
    asked: usize,
    /// So many of them are in the streams of ids.
    hashed: usize,
    /// The number of the first one.
    first: u64,
}

impl Run {
    /// Compares the strings that `options` ask for.
    fn strings(
        &mut self,
        encoding: Encoding,
        options: &Options,
        strings: &Strings,
        against: &str,
    ) -> Result<String, String> {
        let (begun, mut hashes, mut said) = (Instant::now(), Hashes::default(), Instant::now());
        let rate = |done: u64| done as f64 / begun.elapsed().as_secs_f64();
        let mut done = 0;
        while done < options.count {
            let count = BATCH.min(options.count - done);
            let first = options.first + done;
            let own: Vec<String> = (first..first + count).map(|index| strings.string(options.seed, index)).collect();
            let all = own.concat();
            let texts: Vec<&str> = own.iter().map(String::as_str).chain([all.as_str()]).collect();
            let number = done / BATCH;
            let question = Question {
                numbers: number..number + 1,
                asked: own.len() + usize::from(number.is_multiple_of(JOINED)),
                hashed: own.len(),
                texts: &texts,
                first,
            };
            self.compare(&question, &mut hashes, &|index| {
                if index < count {
                    format!("string {} of seed {}", first + index, options.seed)
                } else {
                    format!("strings {first} to {} of seed {}, joined", first + count - 1, options.seed)
                }
            })?;
            done += count;
            if said.elapsed() > PROGRESS {
                eprintln!("▸ {}: {done} of {} strings, {:.0} a second", encoding.name(), options.count, rate(done));
                said = Instant::now();
            }
        }
        Ok(format!(
            "✔ {}: {} strings of seed {}{}, {} ids, by {}, {:.0} a second\n{}",
            encoding.name(),
            options.count,
            options.seed,
            if options.first > 0 { format!(" from number {} on", options.first) } else { String::new() },
            hashes.ids,
            self.ours.names(),
            rate(done),
            hashes.lines(against)
        ))
    }

    /// Compares the texts of `question`, whose names `which` knows.
    fn compare(
        &mut self,
        question: &Question,
        hashes: &mut Hashes,
        which: &dyn Fn(u64) -> String,
    ) -> Result<(), String> {
        let texts = question.texts;
        let asked = &texts[..question.asked];
        for peer in &mut self.peers {
            peer.ask(asked).map_err(|error| format!("{}: {error}", peer.name))?;
        }
        // While they work.
        let (mut ours, mut ends) = (Vec::new(), Vec::with_capacity(texts.len()));
        for (index, text) in texts.iter().enumerate() {
            let all_streams = (question.first + index as u64).is_multiple_of(STREAMED);
            let streams = if all_streams { Streams::All } else { Streams::One };
            if let Err(message) = self.ours.encode(text, streams, &mut ours) {
                return Err(self.explain(None, text, &format!("{}: {message}", which(index as u64))));
            }
            ends.push(ours.len());
        }
        for number in question.numbers.clone() {
            if let Err(message) = self.ours.encode_together(number, texts, &ours, &ends) {
                return Err(format!("from {}, {message}", which(0)));
            }
        }
        let mut theirs: Vec<Option<Vec<u32>>> = vec![None; asked.len()];
        for number in (0..self.peers.len()).rev() {
            let peer = &mut self.peers[number];
            theirs = peer.answer(asked.len()).map_err(|error| format!("{}: {error}", peer.name))?;
            let mut start = 0;
            for (index, (&end, theirs)) in ends.iter().zip(&theirs).enumerate() {
                if theirs.as_ref().is_some_and(|theirs| *theirs != ours[start..end]) {
                    return Err(self.explain(Some(number), texts[index], &which(index as u64)));
                }
                start = end;
            }
        }
        let mut start = 0;
        for (index, (&end, theirs)) in ends.iter().zip(theirs).enumerate() {
            let text = texts[index];
            let theirs = theirs.unwrap_or_else(|| {
                self.by_reference += u64::from(!self.peers.is_empty());
                self.reference.encode(text)
            });
            if theirs != ours[start..end] {
                return Err(self.explain(None, text, &which(index as u64)));
            }
            if index < question.hashed {
                hashes.add(&ours[start..end], &theirs);
            }
            start = end;
        }
        Ok(())
    }

    /// What differs, with the shortest text that could be made of `text`. `peer`: with whom; `None`: the naive reference, or one level with
    /// another.
    fn explain(&mut self, peer: Option<usize>, text: &str, which: &str) -> String {
        // Around the first id that differs, a short stretch of a long text may do.
        let at = self.differing_byte(peer, text);
        let stretch = [64, 1024, 16_384].into_iter().find_map(|around| {
            let start = text.floor_char_boundary(at.saturating_sub(around));
            let stretch = &text[start..text.ceil_char_boundary(at + around)];
            self.differs(peer, stretch).then_some(stretch)
        });
        let short = minimise(stretch.unwrap_or(text), ATTEMPTS, |text| self.differs(peer, text));
        let mut message = format!("{which}\n  {} characters, made shorter: {short:?}", text.chars().count());
        if !self.differs(peer, &short) {
            message.push_str("\n  alone it does not differ: it does after what the worker saw before");
        }
        self.ours.forget();
        let mut ids = Vec::new();
        let disagreement = self.ours.encode(&short, Streams::All, &mut ids).err().unwrap_or_default();
        _ = write!(message, "\n  tokenmill: {} {disagreement}", self.shown(&ids));
        if let Some(theirs) = self.theirs(peer, &short) {
            let name = peer.map_or("naive reference", |peer| self.peers[peer].name.as_str());
            _ = write!(message, "\n  {name}: {}", self.shown(&theirs));
        }
        message
    }

    fn theirs(&mut self, peer: Option<usize>, text: &str) -> Option<Vec<u32>> {
        match peer {
            Some(peer) => self.peers[peer].encode(text).ok().flatten(),
            None => Some(self.reference.encode(text)),
        }
    }

    /// Whether ours, with nothing remembered, are other ids than theirs or than one another.
    fn differs(&mut self, peer: Option<usize>, text: &str) -> bool {
        self.ours.forget();
        let mut ids = Vec::new();
        self.ours.encode(text, Streams::All, &mut ids).is_err()
            || self.theirs(peer, text).is_some_and(|theirs| theirs != ids)
    }

    /// Where the first token starts that differs from theirs.
    fn differing_byte(&mut self, peer: Option<usize>, text: &str) -> usize {
        let mut ids = Vec::new();
        // Where levels disagree, the ids of the first one are there.
        _ = self.ours.encode(text, Streams::One, &mut ids);
        let theirs = self.theirs(peer, text).unwrap_or_default();
        let same = ids.iter().zip(theirs).take_while(|(ours, theirs)| **ours == *theirs);
        same.map(|(&id, _)| self.ours.token(id).len()).sum::<usize>().min(text.len())
    }

    fn shown(&self, ids: &[u32]) -> String {
        let tokens = ids.iter().map(|&id| format!("{id} {:?}", String::from_utf8_lossy(self.ours.token(id))));
        let all: Vec<_> = tokens.take(40).collect();
        format!("[{}]{}", all.join(", "), if ids.len() > 40 { " …" } else { "" })
    }
}
