//! One encoding: all strings and files, ours and theirs.

use std::fmt::Write;
use std::fs;
use std::time::Instant;

use blake3::Hasher;
use tokenmill_bpe::Encoding;
use tokenmill_testkit::minimise::minimise;
use tokenmill_testkit::reference::Reference;
use tokenmill_testkit::strings::Strings;

use crate::options::Options;
use crate::ours::Ours;
use crate::peer::Peer;

/// Strings of one question to a peer.
const BATCH: u64 = 4096;
/// Texts that are tried to make one that differs shorter.
const ATTEMPTS: usize = 4000;
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
        let (start, mut hashes, mut first) = (Instant::now(), Hashes::default(), 0);
        while first < options.count {
            let last = options.count.min(first + BATCH);
            let texts: Vec<String> = (first..last).map(|index| strings.string(options.seed, index)).collect();
            run.compare(&texts, &mut hashes, &|index| format!("string {} of seed {}", first + index, options.seed))?;
            first = last;
        }
        let rate = options.count as f64 / start.elapsed().as_secs_f64();
        _ = write!(
            summary,
            "✔ {}: {} strings of seed {}, {} ids, by {}, {rate:.0} a second\n{}",
            encoding.name(),
            options.count,
            options.seed,
            hashes.ids,
            run.ours.names(),
            hashes.lines(&against)
        );
    }
    for path in &options.texts {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut hashes = Hashes::default();
        run.compare(&[text.as_str()], &mut hashes, &|_| path.display().to_string())?;
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

impl Run {
    /// Compares `texts`, whose names `which` knows.
    fn compare<S: AsRef<str>>(
        &mut self,
        texts: &[S],
        hashes: &mut Hashes,
        which: &dyn Fn(u64) -> String,
    ) -> Result<(), String> {
        for peer in &mut self.peers {
            peer.ask(texts).map_err(|error| format!("{}: {error}", peer.name))?;
        }
        // While they work.
        let (mut ours, mut ends) = (Vec::new(), Vec::with_capacity(texts.len()));
        for (index, text) in texts.iter().enumerate() {
            if let Err(message) = self.ours.encode(text.as_ref(), &mut ours) {
                return Err(self.explain(None, text.as_ref(), &format!("{}: {message}", which(index as u64))));
            }
            ends.push(ours.len());
        }
        let mut theirs: Vec<Option<Vec<u32>>> = vec![None; texts.len()];
        for number in (0..self.peers.len()).rev() {
            let peer = &mut self.peers[number];
            theirs = peer.answer(texts.len()).map_err(|error| format!("{}: {error}", peer.name))?;
            let mut start = 0;
            for (index, (&end, theirs)) in ends.iter().zip(&theirs).enumerate() {
                if theirs.as_ref().is_some_and(|theirs| *theirs != ours[start..end]) {
                    return Err(self.explain(Some(number), texts[index].as_ref(), &which(index as u64)));
                }
                start = end;
            }
        }
        let mut start = 0;
        for (index, (&end, theirs)) in ends.iter().zip(theirs).enumerate() {
            let text = texts[index].as_ref();
            let theirs = theirs.unwrap_or_else(|| {
                self.by_reference += u64::from(!self.peers.is_empty());
                self.reference.encode(text)
            });
            if theirs != ours[start..end] {
                return Err(self.explain(None, text, &which(index as u64)));
            }
            hashes.add(&ours[start..end], &theirs);
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
        let disagreement = self.ours.encode(&short, &mut ids).err().unwrap_or_default();
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
        self.ours.encode(text, &mut ids).is_err() || self.theirs(peer, text).is_some_and(|theirs| theirs != ids)
    }

    /// Where the first token starts that differs from theirs.
    fn differing_byte(&mut self, peer: Option<usize>, text: &str) -> usize {
        let mut ids = Vec::new();
        // Where levels disagree, the ids of the first one are there.
        _ = self.ours.encode(text, &mut ids);
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
