//! Arrays in memory of JavaScript's own.
//!
//! Node takes back memory that an array only borrowed between turns of the event loop, however often the garbage collector runs in one: a loop that forgets an
//! array in each round would keep all of them. What the engine has allocated it frees at once. So what a call returns at once is copied; what a promise is
//! resolved with was made on another thread, which a copy here would wait for, and comes with a turn.

use std::hint::black_box;

use napi::Env;
use napi::bindgen_prelude::{
    Float32Array, Float32ArraySlice, Float64Array, Float64ArraySlice, Uint8Array, Uint8ArraySlice, Uint32Array,
    Uint32ArraySlice,
};

use crate::error::{Result, from_napi};
use crate::memory::no_memory;

/// From so many bytes on it is asked first whether there is memory: the engine ends the process where it finds none.
const LARGE: usize = 1 << 20;

/// A number of typed arrays.
pub trait Number: Sized {
    type Array;

    fn copy(env: Env, numbers: &[Self]) -> napi::Result<Self::Array>;
}

macro_rules! number {
    ($number:ty, $array:ident, $slice:ident) => {
        impl Number for $number {
            type Array = $array;

            fn copy(env: Env, numbers: &[Self]) -> napi::Result<$array> {
                $slice::copy_from(&env, numbers)?.into_typed_array(&env)
            }
        }
    };
}

number!(u8, Uint8Array, Uint8ArraySlice);
number!(u32, Uint32Array, Uint32ArraySlice);
number!(f32, Float32Array, Float32ArraySlice);
number!(f64, Float64Array, Float64ArraySlice);

/// An array with `numbers`.
pub fn to_array<T: Number>(env: Env, numbers: &[T]) -> Result<T::Array> {
    ask_for(size_of_val(numbers))?;
    T::copy(env, numbers).map_err(|error| from_napi(&error))
}

/// Sees that the engine will find memory for so many `bytes`, and some for its own.
pub fn ask_for(bytes: usize) -> Result<()> {
    if bytes < LARGE {
        return Ok(());
    }
    let mut room = Vec::<u8>::new();
    room.try_reserve_exact(bytes + 4 * LARGE).map_err(|_| no_memory(bytes))?;
    // Memory that nobody looks at need not be asked for at all.
    black_box(room);
    Ok(())
}
