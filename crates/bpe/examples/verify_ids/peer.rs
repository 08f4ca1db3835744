//! Programs that encode texts, asked through their standard input and output.
//!
//! A question is u32 count of texts, their u32 lengths, their bytes. The answer is for each text its u32 count of ids, then all ids;
//! in place of a count `ffffffff`: the program could not encode that text. Little-endian.

use std::io::{self, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running program.
pub struct Peer {
    /// Its name, for messages.
    pub name: String,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

const FAILED: u32 = u32::MAX;

impl Peer {
    /// Starts the program.
    pub fn start(command: &[String], encoding: &str) -> io::Result<Self> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut child = Command::new(program)
            .args(arguments)
            .arg(encoding)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{program} could not be started: {error}")))?;
        let (stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let name = arguments.first().unwrap_or(program).rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Self { name, child, stdin, stdout: BufReader::new(stdout) })
    }

    /// Asks for the ids of `texts`. The answer must be read before the next question.
    pub fn ask<S: AsRef<str>>(&mut self, texts: &[S]) -> io::Result<()> {
        let mut question = (texts.len() as u32).to_le_bytes().to_vec();
        question.extend(texts.iter().flat_map(|text| (text.as_ref().len() as u32).to_le_bytes()));
        question.extend(texts.iter().flat_map(|text| text.as_ref().bytes()));
        self.stdin.write_all(&question)?;
        self.stdin.flush()
    }

    /// The ids of each text; `None` where the program failed.
    pub fn answer(&mut self, count: usize) -> io::Result<Vec<Option<Vec<u32>>>> {
        let counts = self.numbers(count)?;
        counts.into_iter().map(|count| (count != FAILED).then(|| self.numbers(count as usize)).transpose()).collect()
    }

    /// The ids of one text.
    pub fn encode(&mut self, text: &str) -> io::Result<Option<Vec<u32>>> {
        self.ask(&[text])?;
        Ok(self.answer(1)?.pop().flatten())
    }

    fn numbers(&mut self, count: usize) -> io::Result<Vec<u32>> {
        let mut bytes = vec![0; 4 * count];
        self.stdout.read_exact(&mut bytes)?;
        Ok(bytes.chunks_exact(4).map(|number| u32::from_le_bytes(number.try_into().expect("four bytes"))).collect())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may be busy still when a difference was found. One that has ended already cannot be ended.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
