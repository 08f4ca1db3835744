//! Numbers on their way to a device.
//!
//! From memory that the driver did not give it copies twice, and it waits for the device where they are many. So they go through memory that the device reads by itself,
//! one piece of it after the other: by the time that it comes to one again, the device has mostly read it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use candle_core::Result;
use candle_core::cuda_backend::cudarc::driver::{
    CudaEvent, CudaSlice, DevicePtrMut, HostSlice, PinnedHostSlice, result,
};
use candle_core::cuda_backend::{CudaDevice, WrapErr};

use crate::{Error, memory};

/// Pieces of such memory of a device.
const PIECES: usize = 4;
/// The fewest numbers of one, and the most: 4 MiB of them.
const SIZES: [usize; 2] = [1 << 14, 1 << 20];

/// Memory that a device reads by itself.
struct Piece {
    numbers: PinnedHostSlice<u32>,
    /// The device has read what was written into it. That of the slice is not used where nothing keeps track of streams.
    read: CudaEvent,
}

impl Piece {
    fn new(device: &CudaDevice, count: usize) -> Result<Self> {
        let stream = device.cuda_stream();
        let context = stream.context();
        // SAFETY: what is read of it was written into it.
        let numbers = unsafe { context.alloc_pinned(count.next_power_of_two().max(SIZES[0])) }.w()?;
        Ok(Self { numbers, read: context.new_event(None).w()? })
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        // Where the device fails, nobody reads it.
        let _ = self.read.synchronize();
    }
}

/// The pieces of each device, by its number: the one that was used longest ago comes first.
static PIECES_OF_DEVICES: Mutex<BTreeMap<usize, VecDeque<Piece>>> = Mutex::new(BTreeMap::new());

/// A copy of `lists`, one after the other, on `device`.
///
/// # Errors
/// [`Error::OutOfMemory`], and those of the driver.
pub(super) fn uploaded(device: &CudaDevice, lists: &[&[u32]]) -> Result<CudaSlice<u32>> {
    let count: usize = lists.iter().map(|list| list.len()).sum();
    if count > SIZES[1] {
        let mut joined = memory::reserved(count).map_err(Error::through_candle)?;
        lists.iter().for_each(|list| joined.extend_from_slice(list));
        return device.clone_htod(&joined);
    }
    // SAFETY: all that is asked for is written. There is one for an empty list, because drivers refuse to allocate nothing.
    let mut copy = unsafe { device.alloc::<u32>(count.max(1))? };
    let stream = device.cuda_stream();
    let mut pieces = PIECES_OF_DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
    let pieces = pieces.entry(stream.context().ordinal()).or_default();
    let oldest = if pieces.len() < PIECES { None } else { pieces.pop_front() };
    let mut piece = match oldest.filter(|piece| piece.numbers.len() >= count) {
        Some(piece) => piece,
        None => Piece::new(device, count)?,
    };
    piece.read.synchronize().w()?;
    let mut room = piece.numbers.as_mut_slice().w()?;
    for list in lists {
        let (place, rest) = room.split_at_mut(list.len());
        place.copy_from_slice(list);
        room = rest;
    }
    {
        let (to, _written) = copy.device_ptr_mut(&stream);
        // SAFETY: as many numbers are at both places. The piece is waited for before anybody writes to it or frees it.
        unsafe {
            let (from, _read) = piece.numbers.stream_synced_slice(&stream);
            result::memcpy_htod_async(to, &from[..count], stream.cu_stream()).w()?;
        }
    }
    if let Err(error) = piece.read.record(&stream).w() {
        // Nobody can know when it is read.
        std::mem::forget(piece);
        return Err(error);
    }
    pieces.push_back(piece);
    Ok(copy)
}
