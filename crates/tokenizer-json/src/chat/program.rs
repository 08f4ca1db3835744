//! A template as the engine runs it: its instructions, with those that may work long replaced by calls of [`guard`].

use std::collections::BTreeMap;
use std::fmt;

use minijinja::machinery::{self, CompiledTemplate, Instruction, Instructions, TemplateConfig};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value};
use self_cell::self_cell;

use super::guard;
use super::methods::MAPPING_METHODS;
use super::scopes::{Around, scopes};

/// The longest name of an attribute: to look it up costs one instruction.
const LONGEST_NAME: usize = 1000;
/// What the engine calls a loop that calls itself.
const RECURSIVE: u8 = 2;
/// What it calls `<`, `<=`, `>` and `>=` between others (`1 < x < 2`), in an enumeration that has no public name.
const ORDERS: std::ops::RangeInclusive<u8> = 2..=5;

const STARRED: &str = "expected arguments one by one, received `*` for a filter, `loop.changed`, or in a template with a loop that calls itself";

struct Compiled<'source> {
    instructions: Instructions<'source>,
    blocks: BTreeMap<&'source str, Instructions<'source>>,
}

self_cell!(
    struct Cell {
        owner: String,

        #[covariant]
        dependent: Compiled,
    }
);

/// A template, ready to run.
pub(super) struct Program(Cell);

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.source()).finish()
    }
}

impl Program {
    /// Compiles `source`.
    ///
    /// # Errors
    /// The engine's, when it is no template.
    pub fn new(source: String, config: &TemplateConfig) -> Result<Self, Error> {
        Cell::try_new(source, |source| {
            let template = CompiledTemplate::new("chat_template", source, config)?;
            let guarded = |(name, block)| guarded(&block).map(|block| (name, block));
            let blocks = template.blocks.into_iter().map(guarded).collect::<Result<_, _>>()?;
            Ok(Compiled { instructions: self::guarded(&template.instructions)?, blocks })
        })
        .map(Self)
    }

    pub fn source(&self) -> &str {
        self.0.borrow_owner()
    }

    /// What the template writes in `context`, and how much of the fuel of `env` it took.
    pub fn run(&self, env: &Environment<'static>, context: Value) -> Result<(String, u64), Error> {
        let Compiled { instructions, blocks } = self.0.borrow_dependent();
        let mut text = String::new();
        let mut out = machinery::make_string_output(&mut text);
        let (_, state) = machinery::eval(env, instructions, context, blocks, &mut out, AutoEscape::None)?;
        let used = state.fuel_levels().map_or(u64::MAX, |(used, _)| used);
        drop(state);
        Ok((text, used))
    }
}

/// The same instructions with guards, and with the scopes of Jinja.
fn guarded<'source>(old: &Instructions<'source>) -> Result<Instructions<'source>, Error> {
    let mut new = Instructions::new(old.name(), old.source());
    let all = || (0..).map_while(|at| old.get(at));
    let recursive =
        all().any(|instruction| matches!(instruction, Instruction::PushLoop(flags) if flags & RECURSIVE != 0));
    // Where each instruction begins now: jumps go to its guards.
    let mut places = Vec::new();
    let mut end = 0;
    for ((at, instruction), Around { before, instead, after }) in (0..).zip(all()).zip(scopes(old)) {
        let line = old.get_line(at).and_then(|line| u16::try_from(line).ok()).unwrap_or(u16::MAX);
        places.push(end);
        let guarded = with_guards(instead.as_ref().unwrap_or(instruction), recursive)?;
        for instruction in before.into_iter().chain(guarded).chain(after) {
            end = 1 + new.add_with_line(instruction, line);
        }
    }
    for at in 0..end {
        if let Some(target) = new.get_mut(at).and_then(target) {
            *target = places.get(*target as usize).copied().unwrap_or(end);
        }
    }
    Ok(new)
}

/// Where an instruction may go on, other than at the next one.
fn target<'a>(instruction: &'a mut Instruction<'_>) -> Option<&'a mut u32> {
    match instruction {
        Instruction::Iterate(target)
        | Instruction::Jump(target)
        | Instruction::JumpIfFalse(target)
        | Instruction::JumpIfFalseOrPop(target)
        | Instruction::JumpIfTrueOrPop(target)
        | Instruction::BuildMacro(_, target, _) => Some(target),
        _ => None,
    }
}

/// What stands for `instruction`.
fn with_guards<'source>(
    instruction: &Instruction<'source>,
    recursive: bool,
) -> Result<Vec<Instruction<'source>>, Error> {
    let call = |name: &'static str, count: usize| match u16::try_from(count) {
        Ok(count) => Ok(Instruction::CallFunction(name, Some(count))),
        Err(_) => Err(refused(format!("expected at most {} items, received {count}", u16::MAX))),
    };
    // Pays for the topmost values, which are to stay where they are.
    let pay = |name: &'static str, count: usize| Ok::<_, Error>([call(name, count)?, Instruction::UnpackList(count)]);
    let itself = instruction.clone();
    Ok(match *instruction {
        Instruction::Eq => vec![call(guard::EQUAL, 2)?],
        Instruction::Ne => vec![call(guard::UNEQUAL, 2)?],
        Instruction::Lt => vec![call(guard::LESS, 2)?],
        Instruction::Lte => vec![call(guard::LESS_OR_EQUAL, 2)?],
        Instruction::Gt => vec![call(guard::GREATER, 2)?],
        Instruction::Gte => vec![call(guard::GREATER_OR_EQUAL, 2)?],
        Instruction::In => vec![call(guard::IN, 2)?],
        Instruction::GetItem => vec![call(guard::ITEM, 2)?],
        Instruction::StringConcat => vec![call(guard::JOIN, 2)?],
        Instruction::BuildList(Some(count)) => vec![call(guard::LIST, count)?],
        Instruction::BuildTuple(Some(count)) => vec![call(guard::TUPLE, count)?],
        Instruction::BuildMap(count) => vec![call(guard::MAP, 2 * count)?],
        Instruction::CompareAndPreserve(op) => {
            let name = if ORDERS.contains(&(op as u8)) { guard::ORDERED } else { guard::WHOLE };
            [&pay(name, 2)?[..], &[itself]].concat()
        }
        Instruction::Slice => [&pay(guard::SURFACE, 4)?[..], &[itself, call(guard::OWN, 1)?]].concat(),
        Instruction::Add => vec![call(guard::ADD, 2)?],
        Instruction::Mul => vec![itself, call(guard::OWN, 1)?],
        Instruction::PushLoop(_) | Instruction::FastRecurse => vec![call(guard::ITERABLE, 1)?, itself],
        // Any function may be a loop.
        Instruction::CallFunction(_, Some(1)) if recursive => vec![call(guard::ARGUMENT, 1)?, itself],
        Instruction::SetAttr(_) => vec![Instruction::Swap, call(guard::ATTRIBUTE, 1)?, Instruction::Swap, itself],
        Instruction::GetAttr(name) if name.len() > LONGEST_NAME => {
            return Err(refused(format!("expected names of at most {LONGEST_NAME} bytes, received {}", name.len())));
        }
        Instruction::GetAttr(name) if MAPPING_METHODS.contains(&name) => {
            vec![Instruction::LoadConst(Value::from(name)), call(guard::METHOD, 2)?]
        }
        Instruction::CallMethod("changed", Some(count)) => [&pay(guard::WHOLE, count.into())?[..], &[itself]].concat(),
        Instruction::CallMethod("items", _) => vec![itself, call(guard::DATA, 1)?],
        // Any function may be a loop, filters pay for each of their arguments, and `changed` compares them: how many there are is not known here.
        Instruction::CallFunction(_, None) if recursive => return Err(refused(STARRED.to_owned())),
        Instruction::CallMethod("changed", None) | Instruction::ApplyFilter(_, None, _) => {
            return Err(refused(STARRED.to_owned()));
        }
        Instruction::PushAutoEscape => {
            return Err(refused("expected no `autoescape`, which chat templates have not".to_owned()));
        }
        Instruction::Include(_) => {
            return Err(refused("expected one template, received `include` of another one".to_owned()));
        }
        Instruction::ApplyFilter(name, Some(count), _) => {
            let (before, after) = filter_guards(name, count);
            let mut all = vec![itself];
            if let Some(guard::TEXT) = before {
                all.insert(0, call(guard::TEXT, 1)?);
            } else if let Some(name) = before {
                all.splice(0..0, pay(name, count.into())?);
            }
            if let Some(name) = after {
                all.push(call(name, 1)?);
            }
            all
        }
        _ => vec![itself],
    })
}

/// What a filter with so many arguments is paid for by, and what is done with what it gives. (The engine charges for the text that a filter is applied
/// to, and for each item.)
fn filter_guards(name: &str, count: u16) -> (Option<&'static str>, Option<&'static str>) {
    let before = match name {
        "sort" | "unique" | "min" | "max" | "dictsort" | "groupby" | "join" => Some(guard::SORTED),
        "map" | "select" | "reject" | "selectattr" | "rejectattr" => Some(guard::EACH),
        "upper" | "lower" | "title" | "capitalize" if count == 1 => Some(guard::TEXT),
        _ if count > 1 => Some(guard::WHOLE),
        _ => None,
    };
    let after = match name {
        "groupby" | "dictsort" => Some(guard::DATA),
        "sort" | "list" => Some(guard::OWN),
        "batch" | "slice" | "items" | "map" | "reverse" | "unique" | "select" | "reject" | "selectattr"
        | "rejectattr" => Some(guard::GENERATED),
        _ => None,
    };
    (before, after)
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
