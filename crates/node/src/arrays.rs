//! Arrays in memory of JavaScript's own.
//!
//! Node takes back memory that an array only borrowed between turns of the event loop, however often the garbage collector runs in one: a loop that forgets an
//! array in each round would keep all of them. What the engine has allocated it frees at once. So what a call returns at once is copied; what a promise is
//! resolved with was made on another thread, which a copy here would wait for, and comes with a turn.

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ops::RangeInclusive;
use std::ptr;
#[cfg(feature = "text")]
use std::slice;

use napi::bindgen_prelude::{
    Float32Array, Float32ArraySlice, Float64Array, Float64ArraySlice, FromNapiValue, Uint8Array, Uint8ArraySlice,
    Uint32Array, Uint32ArraySlice,
};
use napi::{Env, check_status, sys};
#[cfg(feature = "text")]
use tokenmill_bpe::touch;

use crate::error::{Result, from_napi};
use crate::memory::no_memory;

/// From so many bytes on it is asked first whether there is memory: the engine ends the process where it finds none.
const LARGE: usize = 1 << 20;

/// So many bytes are copied into a buffer, whose memory the engine does not make zeros before. A longer one it may refuse.
const BUFFER: RangeInclusive<usize> = 64 << 10..=1 << 30;

/// A number of typed arrays.
pub trait Number: Sized {
    type Array;

    fn copy(env: Env, numbers: &[Self]) -> napi::Result<Self::Array>;
}

macro_rules! number {
    ($number:ty, $array:ident, $slice:ident, $kind:ident) => {
        impl Number for $number {
            type Array = $array;

            fn copy(env: Env, numbers: &[Self]) -> napi::Result<$array> {
                if !BUFFER.contains(&size_of_val(numbers)) {
                    return $slice::copy_from(&env, numbers)?.into_typed_array(&env);
                }
                // SAFETY: any bytes are a number, and the value is an array of them.
                unsafe { $array::from_napi_value(env.raw(), copy_to_buffer(env, numbers, sys::TypedarrayType::$kind)?) }
            }
        }
    };
}

number!(u8, Uint8Array, Uint8ArraySlice, uint8_array);
number!(u32, Uint32Array, Uint32ArraySlice, uint32_array);
number!(f32, Float32Array, Float32ArraySlice, float32_array);
number!(f64, Float64Array, Float64ArraySlice, float64_array);

/// An array of this `kind` with `numbers`, in the memory of a buffer.
///
/// # Safety
/// The numbers are of this kind, without bytes between them.
unsafe fn copy_to_buffer<T>(env: Env, numbers: &[T], kind: sys::napi_typedarray_type) -> napi::Result<sys::napi_value> {
    let (bytes, env) = (size_of_val(numbers), env.raw());
    let (mut data, mut buffer) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: env belongs to the running call.
    check_status!(unsafe { sys::napi_create_buffer(env, bytes, &raw mut data, &raw mut buffer) })?;
    let data = data.cast::<MaybeUninit<u8>>();
    // SAFETY: the buffer has so many bytes, which nobody else knows of; and so have the numbers.
    unsafe {
        #[cfg(feature = "text")]
        touch(slice::from_raw_parts_mut(data, bytes));
        ptr::copy_nonoverlapping(numbers.as_ptr().cast(), data, bytes);
    }
    let (mut memory, mut offset, mut array) = (ptr::null_mut(), 0, ptr::null_mut());
    // SAFETY: what is not asked for may be null.
    check_status!(unsafe {
        let (kind, length, data) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        sys::napi_get_typedarray_info(env, buffer, kind, length, data, &raw mut memory, &raw mut offset)
    })?;
    // SAFETY: so many numbers are there.
    check_status!(unsafe { sys::napi_create_typedarray(env, kind, numbers.len(), memory, offset, &raw mut array) })?;
    Ok(array)
}

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
