//! Arguments of filters as Python takes them: each by its place or by its name.

use minijinja::value::{Kwargs, Rest, Value};
use minijinja::{Error, ErrorKind};

/// The arguments that a filter was given, by name.
pub(super) struct Arguments(Vec<(&'static str, Value)>);

impl Arguments {
    /// Reads the arguments of a filter whose parameters are called `names`, in this order.
    ///
    /// # Errors
    /// When there are too many, when one is given twice, when one has another name.
    pub fn new(names: &[&'static str], args: Rest<Value>, kwargs: &Kwargs) -> Result<Self, Error> {
        if args.len() > names.len() {
            return Err(Error::from(ErrorKind::TooManyArguments));
        }
        let mut given: Vec<_> = names.iter().copied().zip(args.0).collect();
        for &name in names {
            if kwargs.has(name) {
                if given.iter().any(|(other, _)| *other == name) {
                    return Err(Error::new(ErrorKind::TooManyArguments, format!("received {name} twice")));
                }
                given.push((name, kwargs.get(name)?));
            }
        }
        kwargs.assert_all_used()?;
        Ok(Self(given))
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// An integer, `default` if it was not given.
    pub fn integer(&self, name: &str, default: i64) -> Result<i64, Error> {
        self.get(name).map_or(Ok(default), |value| i64::try_from(value.clone()))
    }

    /// Whether it was given and is true.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(Value::is_true)
    }

    /// All of them as arguments by name.
    pub fn named(self) -> Kwargs {
        self.0.into_iter().collect()
    }
}
