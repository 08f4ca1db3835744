//! Whose a variable is, where the engine and Jinja do not agree. In Jinja every turn of a loop has variables of its own, also those that a macro in it
//! reads: the engine keeps what a macro reads from one turn to the next. A `continue` leaves the scopes open there that are between it and its loop.

use minijinja::machinery::{Instruction, Instructions};

/// What scopes put around an instruction.
#[derive(Default)]
pub(super) struct Around<'source> {
    pub before: Vec<Instruction<'source>>,
    pub after: Vec<Instruction<'source>>,
}

/// What is open at an instruction.
enum Open {
    Loop { iterate: u32, end: u32, has_frames: bool },
    Frame,
}

/// What scopes put around each instruction of `code`.
pub(super) fn scopes<'source>(code: &Instructions<'source>) -> Vec<Around<'source>> {
    let macros = macros(code);
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
                let has_frames = macros.iter().any(|built| (at..end).contains(built));
                if has_frames {
                    around.after.push(Instruction::PushWith);
                }
                open.push(Open::Loop { iterate: at, end, has_frames });
            }
            Instruction::PushWith => open.push(Open::Frame),
            Instruction::PopFrame => drop(open.pop()),
            Instruction::Jump(target) => around.before = left_by(&open, target),
            _ => {}
        }
        all.push(around);
    }
    all
}

/// Where macros are built.
fn macros(code: &Instructions<'_>) -> Vec<u32> {
    let all = (0..).map_while(|at| Some((at, code.get(at)?)));
    all.filter_map(|(at, instruction)| matches!(instruction, Instruction::BuildMacro(..)).then_some(at)).collect()
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
        }
    }
    Vec::new()
}
