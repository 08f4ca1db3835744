//! Whose a variable is, where the engine and Jinja do not agree. In Jinja every turn of a loop has variables of its own, also those that a macro in it
//! reads: the engine keeps what a macro reads from one turn to the next. A `continue` leaves the scopes open there that are between it and its loop.
//! A macro, a `call` and a `generation` may read any variable around them: the engine does not find all that they read.
//! The blocks of `set` and `filter` have variables of their own.

use std::collections::HashSet;

use minijinja::machinery::{Instruction, Instructions};

/// What the engine calls a macro that reads its `caller`.
const READS_CALLER: u8 = 2;

/// What scopes put around an instruction.
#[derive(Default)]
pub(super) struct Around<'source> {
    pub before: Vec<Instruction<'source>>,
    /// What stands in its place, if it is another one.
    pub instead: Option<Instruction<'source>>,
    pub after: Vec<Instruction<'source>>,
}

/// A macro: where its body begins and ends, and where it is built.
struct Body {
    start: u32,
    end: u32,
    built: u32,
}

/// What is open at an instruction.
enum Open {
    Loop { iterate: u32, end: u32, has_frames: bool },
    Frame,
    Capture,
}

/// What scopes put around each instruction of `code`.
pub(super) fn scopes<'source>(code: &Instructions<'source>) -> Vec<Around<'source>> {
    let bodies = bodies(code);
    let mut all = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for (at, instruction) in (0..).map_while(|at| Some((at, code.get(at)?))) {
        while let Some(&Open::Loop { end, .. }) = open.last()
            && end == at
        {
            open.pop();
        }
        let mut around = Around::default();
        match *instruction {
            Instruction::Iterate(end) => {
                let has_frames = bodies.iter().any(|body| (at..end).contains(&body.built));
                if has_frames {
                    around.after.push(Instruction::PushWith);
                }
                open.push(Open::Loop { iterate: at, end, has_frames });
            }
            Instruction::PushWith => open.push(Open::Frame),
            Instruction::PopFrame => drop(open.pop()),
            Instruction::BeginCapture(_) => {
                around.after.push(Instruction::PushWith);
                open.push(Open::Capture);
            }
            Instruction::EndCapture => {
                around.before.push(Instruction::PopFrame);
                open.pop();
            }
            Instruction::Jump(target) => around.before = left_by(&open, target),
            Instruction::GetClosure => {
                if let Some(body) = bodies.iter().find(|body| (body.end..body.built).contains(&at)) {
                    around.before = enclosed(code, body);
                }
            }
            Instruction::BuildMacro(name, start, flags) => {
                let body = bodies.iter().find(|body| body.built == at);
                if body.is_some_and(|body| reads_caller(code, body, &bodies)) {
                    around.instead = Some(Instruction::BuildMacro(name, start, flags | READS_CALLER));
                }
            }
            _ => {}
        }
        all.push(around);
    }
    all
}

fn bodies(code: &Instructions<'_>) -> Vec<Body> {
    let all = (0..).map_while(|at| Some((at, code.get(at)?)));
    let built = all.filter_map(|(built, instruction)| {
        let Instruction::BuildMacro(_, start, _) = *instruction else { return None };
        // The jump over the body stands before it.
        let Some(&Instruction::Jump(end)) = start.checked_sub(1).and_then(|jump| code.get(jump)) else { return None };
        Some(Body { start, end, built })
    });
    built.collect()
}

/// Closes what a jump to `target` leaves, if it goes on with a loop or ends it.
fn left_by<'source>(open: &[Open], target: u32) -> Vec<Instruction<'source>> {
    let mut closing = Vec::new();
    for scope in open.iter().rev() {
        match *scope {
            Open::Loop { iterate, end, .. } if target != iterate && target != end => break,
            Open::Loop { has_frames, .. } => {
                closing.extend(has_frames.then_some(Instruction::PopFrame));
                return closing;
            }
            Open::Frame => closing.push(Instruction::PopFrame),
            Open::Capture => {
                closing.extend([Instruction::PopFrame, Instruction::EndCapture, Instruction::DiscardTop]);
            }
        }
    }
    Vec::new()
}

/// Hands all variables to a macro that it reads, and that the engine does not hand to it. Its own ones hide those of the same name.
fn enclosed<'source>(code: &Instructions<'source>, body: &Body) -> Vec<Instruction<'source>> {
    let known = (body.end..body.built).filter_map(|at| match code.get(at) {
        Some(&Instruction::Enclose(name)) => Some(name),
        _ => None,
    });
    // A `caller` is an argument, and `super` is no variable.
    let mut seen: HashSet<&str> = known.chain(["caller", "super"]).collect();
    let names = (body.start..body.end).filter_map(|at| read(code.get(at)?));
    names.filter(|name| seen.insert(name)).map(Instruction::Enclose).collect()
}

/// Whether a macro itself, and not one within it, reads its `caller`.
fn reads_caller(code: &Instructions<'_>, body: &Body, bodies: &[Body]) -> bool {
    let is_own =
        |at: u32| !bodies.iter().any(|inner| inner.start > body.start && (inner.start..inner.end).contains(&at));
    (body.start..body.end).any(|at| code.get(at).and_then(read) == Some("caller") && is_own(at))
}

/// The variable that an instruction reads.
fn read<'source>(instruction: &Instruction<'source>) -> Option<&'source str> {
    match *instruction {
        Instruction::Lookup(name) | Instruction::CallFunction(name, _) => Some(name),
        _ => None,
    }
}
