//! Tables that are read together, and the two passes over them.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::sync::Arc;

use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Shape, Storage, StorageRef, Tensor};
use rayon::prelude::*;

use crate::cpu::{Gather, Norm, NormBackward, RowStats, gather, norm_backward};
use crate::element::{Element, ValuesMut, cpu_values, with_element};
use crate::gradient::Grads;
use crate::ids::{CheckedIds, CheckedPositions};
use crate::output::{Output, Recorded};
use crate::spare::Spare;
use crate::table::{Table, copy_values, elsewhere, read_values};
use crate::threads::in_pool;
use crate::turns::Turns;
use crate::waves::Waves;
use crate::{DType, Dropout, Error, Parameter, Result, cuda, memory};

/// Tables of one type and one number of dimensions.
///
/// ```text
/// sum[i] = scale * token[ids[i]] + types[type_of(i)] + position[position_of(i)]
/// out[i] = dropout(norm(sum[i]))
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) token: Arc<Table>,
    pub(crate) types: Option<Arc<Table>>,
    /// Learned positions.
    pub(crate) position: Option<Arc<Table>>,
    /// Fixed ones. There is one of the two at most.
    pub(crate) waves: Option<Arc<Waves>>,
    pub(crate) norm: Option<NormTables>,
    pub(crate) scale: f32,
    turns: Turns,
    spare: Spare,
}

/// Tables of one row.
#[derive(Clone, Debug)]
pub(crate) struct NormTables {
    pub(crate) weight: Arc<Table>,
    pub(crate) bias: Arc<Table>,
    pub(crate) epsilon: f32,
}

/// One pass: rows that exist, one of each table for each id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) ids: CheckedIds<'a>,
    /// Without them, all ids are of type 0.
    pub(crate) types: Option<&'a [u32]>,
    pub(crate) positions: CheckedPositions<'a>,
    pub(crate) dropout: Option<Dropout>,
}

impl Layer {
    /// A layer that is one table.
    pub(crate) fn new(token: Table) -> Self {
        Self {
            token: Arc::new(token),
            types: None,
            position: None,
            waves: None,
            norm: None,
            scale: 1.0,
            turns: Turns::default(),
            spare: Spare::default(),
        }
    }

    pub(crate) fn dtype(&self) -> DType {
        self.token.dtype()
    }

    /// All tables that can change.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        let norm = self.norm.iter().flat_map(|norm| [&norm.weight, &norm.bias]);
        [&self.token].into_iter().chain(&self.types).chain(&self.position).chain(norm)
    }

    /// One of its tables, as what training changes.
    pub(crate) fn parameter(&self, name: &'static str, table: &Arc<Table>) -> Parameter {
        Parameter::new(name, table, self.turns.clone())
    }

    /// How often any value has changed.
    fn version(&self) -> u64 {
        self.tables().map(|table| table.version()).sum()
    }

    /// The result as a new tensor on the device of the tables: the shape of the ids, then the dimensions.
    pub(crate) fn forward(&self, request: &Request<'_>) -> Result<Output> {
        let turn = self.turns.pass();
        let version = self.version();
        let lookup = Lookup::new(self, request)?;
        let tensor = lookup.token.apply_op1_no_bwd(&lookup)?;
        drop(turn);
        let recorded = Recorded {
            token: Arc::clone(&self.token),
            ids: memory::copied(request.ids.ids())?,
            types: request.types.map(memory::copied).transpose()?,
            positions: request.positions.kept()?,
            dropout: request.dropout,
            stats: lookup.stats.take(),
            version,
        };
        Ok(Output::new(tensor, self.dtype(), self.spare.clone(), recorded))
    }

    /// The result written into `out`, which has exactly its length and the type of the tables.
    pub(crate) fn forward_into(&self, request: &Request<'_>, out: ValuesMut<'_>) -> Result<()> {
        let len = memory::checked_len(request.ids.ids().len(), self.token.dimensions())?;
        let out = out.checked(self.dtype(), len)?;
        let _turn = self.turns.pass();
        let lookup = Lookup::new(self, request)?;
        if !lookup.token.device().is_cpu() {
            return copy_values(&lookup.token.apply_op1_no_bwd(&lookup)?, self.dtype(), out);
        }
        with_element!(self.dtype(), T => {
            let out = T::of_values(out).unwrap_or_default();
            // SAFETY: the layout is the same, and only initialised values are written into it.
            let out = unsafe { std::slice::from_raw_parts_mut(out.as_mut_ptr().cast::<MaybeUninit<T>>(), out.len()) };
            read_values(&lookup.token, |token| lookup.run(token, out, &mut []))?
        })
    }

    /// Adds to the gradients of the tables what `grad`, that of `output`, makes of them.
    ///
    /// # Errors
    /// Those of [`crate::InputEmbedding::backward`].
    pub(crate) fn backward(&self, output: &Output, grad: &[f32]) -> Result<()> {
        self.backward_by(output, grad.len(), |recorded| {
            let device = self.token.tensor()?.device().clone();
            if device.is_cpu() {
                return self.backward_on_host(recorded, grad);
            }
            if grad.is_empty() {
                return self.backward_of_nothing(recorded);
            }
            let grads = Tensor::from_slice(grad, (recorded.ids.len(), self.token.dimensions()), &device)?;
            self.backward_on_cuda(recorded, &grads)
        })
    }

    /// [`Layer::backward`] with a gradient that came out of a forward pass. On a CUDA device it stays there.
    ///
    /// # Errors
    /// As [`Layer::backward`].
    pub(crate) fn backward_tensor(&self, output: &Output, grad: &Output) -> Result<()> {
        let tensor = grad.tensor()?;
        if !tensor.device().is_cpu() && tensor.device().same_device(self.token.tensor()?.device()) {
            return self.backward_by(output, grad.len(), |recorded| {
                if grad.is_empty() {
                    return self.backward_of_nothing(recorded);
                }
                self.backward_on_cuda(recorded, tensor)
            });
        }
        if grad.dtype() == DType::F32 {
            return grad.read(|grad| self.backward(output, grad))?;
        }
        self.backward(output, &grad.values()?)
    }

    /// Looks at what is recorded for `output`, whose gradient has `len` values, and lets `add` add to the gradients of the tables.
    fn backward_by(&self, output: &Output, len: usize, add: impl FnOnce(&Recorded) -> Result<()>) -> Result<()> {
        let mut entry = output.recorded();
        let recorded = entry.as_ref().ok_or(Error::NotRecorded)?;
        if !Arc::ptr_eq(&recorded.token, &self.token) {
            return Err(recorded.token.tensor().err().unwrap_or(Error::OtherEmbedding));
        }
        let expected = recorded.ids.len() * self.token.dimensions();
        if len != expected {
            return Err(Error::LengthMismatch { expected, actual: len });
        }
        let _turn = self.turns.pass();
        if self.norm.is_some() && recorded.version != self.version() {
            return Err(Error::TablesChanged);
        }
        add(recorded)?;
        *entry = None;
        Ok(())
    }

    fn backward_on_host(&self, recorded: &Recorded, grads: &[f32]) -> Result<()> {
        if recorded.dropout.is_none() && self.norm.is_none() {
            return self.add_gradients(recorded, Grads::Host(grads));
        }
        let mut of_sum = self.spare.take::<f32>(grads.len())?;
        match (&self.norm, recorded.dropout) {
            (Some(tables), _) => {
                let room = &mut of_sum.spare_capacity_mut()[..grads.len()];
                self.norm_backward_on_host(tables, recorded, grads, room)?;
                // SAFETY: the capacity is at least that, and all of it was initialised.
                unsafe { of_sum.set_len(grads.len()) };
            }
            (None, Some(dropout)) => {
                of_sum.extend_from_slice(grads);
                let rows = of_sum.par_chunks_mut(self.token.dimensions()).enumerate();
                in_pool(|| rows.for_each(|(row, grad)| dropout.apply(row, grad)))?;
            }
            (None, None) => {}
        }
        self.add_gradients(recorded, Grads::Host(&of_sum))?;
        self.spare.give(of_sum);
        Ok(())
    }

    /// Initialises all of `out` with the gradients of the sums, and adds those of the normalisation.
    fn norm_backward_on_host(
        &self,
        tables: &NormTables,
        recorded: &Recorded,
        grads: &[f32],
        out: &mut [MaybeUninit<f32>],
    ) -> Result<()> {
        let dimensions = self.token.dimensions();
        let (mut of_weight, mut of_bias) = (memory::zeros(dimensions)?, memory::zeros(dimensions)?);
        let weight = tables.weight.wide_values()?;
        let request = recorded.request();
        let lookup = Lookup::new(self, &request)?;
        with_element!(self.dtype(), T => read_values::<T, _>(&lookup.token, |token| {
            lookup.on_host(token, None, |what| {
                let pass = NormBackward { what, stats: &recorded.stats, weight: &weight, grads };
                norm_backward(&pass, out, [&mut of_weight, &mut of_bias])
            })
        })??);
        Self::add_norm_gradients(tables, &[0], [Grads::Host(&of_weight), Grads::Host(&of_bias)])
    }

    /// `grads` has a row for each id, on the device of the tables.
    fn backward_on_cuda(&self, recorded: &Recorded, grads: &Tensor) -> Result<()> {
        let Some(tables) = &self.norm else {
            return self.add_gradients(recorded, Grads::Cuda(grads, recorded.dropout));
        };
        let request = recorded.request();
        let cuda::NormGrads { sums, weights, biases } = Lookup::new(self, &request)?.norm_backward(grads)?;
        let same_row = memory::filled(weights.dims2()?.0, 0)?;
        Self::add_norm_gradients(tables, &same_row, [&weights, &biases].map(|grads| Grads::Cuda(grads, None)))?;
        self.add_gradients(recorded, Grads::Cuda(&sums, None))
    }

    /// An empty batch on a device, to which nothing is sent: a sum of none is zero.
    fn backward_of_nothing(&self, recorded: &Recorded) -> Result<()> {
        if let Some(tables) = &self.norm {
            let device = tables.bias.tensor()?.device().clone();
            let zeros = Tensor::zeros((1, self.token.dimensions()), candle_core::DType::F32, &device)?;
            Self::add_norm_gradients(tables, &[0], [Grads::Cuda(&zeros, None); 2])?;
        }
        self.add_gradients(recorded, Grads::Host(&[]))
    }

    /// Adds rows, all of which are row 0, to the gradients of weight and bias.
    fn add_norm_gradients(tables: &NormTables, rows: &[u32], grads: [Grads<'_>; 2]) -> Result<()> {
        for (table, grads) in [&tables.weight, &tables.bias].into_iter().zip(grads) {
            if table.trainable() {
                table.gradient().add(rows, grads, 1.0, None)?;
            }
        }
        Ok(())
    }

    fn add_gradients(&self, recorded: &Recorded, grads: Grads<'_>) -> Result<()> {
        let add = |table: &Table, ids: &[u32], scale| {
            if table.trainable() { table.gradient().add(ids, grads, scale, table.padding()) } else { Ok(()) }
        };
        add(&self.token, &recorded.ids, self.scale)?;
        if let Some(table) = self.position.as_ref().filter(|table| table.trainable()) {
            add(table, &recorded.positions.checked().to_vec(recorded.ids.len())?, 1.0)?;
        }
        if let Some(table) = &self.types {
            match &recorded.types {
                Some(ids) => add(table, ids, 1.0)?,
                None => add(table, &memory::filled(recorded.ids.len(), 0)?, 1.0)?,
            }
        }
        Ok(())
    }
}

/// The forward pass as a candle operation on the token table; the other tables come along.
struct Lookup<'a> {
    layer: &'a Layer,
    request: &'a Request<'a>,
    token: Tensor,
    types: Option<Tensor>,
    position: Option<Tensor>,
    /// Weight and bias.
    norm: Option<[Tensor; 2]>,
    /// What was taken out of each row.
    stats: Cell<Vec<RowStats>>,
}

impl<'a> Lookup<'a> {
    fn new(layer: &'a Layer, request: &'a Request<'a>) -> Result<Self> {
        let tensor = |table: &Option<Arc<Table>>| table.as_ref().map(|table| table.tensor()).transpose();
        let norm = layer.norm.as_ref().map(|norm| Ok::<_, Error>([norm.weight.tensor()?, norm.bias.tensor()?]));
        let position = match &layer.waves {
            Some(waves) => Some(waves.first(request.positions.end(request.ids.ids().len()))?),
            None => tensor(&layer.position)?,
        };
        Ok(Self {
            layer,
            request,
            token: layer.token.tensor()?,
            types: tensor(&layer.types)?,
            position,
            norm: norm.transpose()?,
            stats: Cell::default(),
        })
    }

    /// Initialises all of `out` with the result.
    fn run<T: Element>(&self, token: &[T], out: &mut [MaybeUninit<T>], stats: &mut [RowStats]) -> Result<()> {
        let Some(tables) = &self.layer.norm else {
            return self.on_host(token, None, |what| gather(&what, out, stats));
        };
        let (weight, bias) = (tables.weight.wide_values()?, tables.bias.wide_values()?);
        let norm = Norm { weight: &weight, bias: &bias, epsilon: tables.epsilon };
        self.on_host(token, Some(norm), |what| gather(&what, out, stats))
    }

    /// Shows the lookup to `work`, as it is in the memory of the host, where `token` is.
    fn on_host<T: Element, R>(
        &self,
        token: &[T],
        norm: Option<Norm<'_>>,
        work: impl FnOnce(Gather<'_, T>) -> Result<R>,
    ) -> Result<R> {
        let guards = [&self.types, &self.position].map(|tensor| tensor.as_ref().map(Tensor::storage_and_layout));
        let [types, position] = &guards;
        let request = self.request;
        work(Gather {
            dimensions: self.layer.token.dimensions(),
            ids: request.ids.ids(),
            token,
            scale: self.layer.scale,
            types: types.as_ref().map(host_values).transpose()?.map(|table| (table, request.types)),
            position: position.as_ref().map(host_values).transpose()?.map(|table| (table, request.positions)),
            norm,
            dropout: request.dropout,
        })
    }

    /// Shows the lookup to `work`, as it is on the device where `token` is.
    fn on_cuda<R>(
        &self,
        token: cuda::OnCuda<'_>,
        work: impl FnOnce(&cuda::Lookup<'_>) -> candle_core::Result<R>,
    ) -> candle_core::Result<R> {
        let guards = [&self.types, &self.position].map(|tensor| tensor.as_ref().map(Tensor::storage_and_layout));
        let [types, position] = &guards;
        let norm = self.norm.as_ref().map(|tables| tables.each_ref().map(Tensor::storage_and_layout));
        let norm = match (&norm, &self.layer.norm) {
            (Some([weight, bias]), Some(tables)) => {
                let (weight, bias) = (cuda_values(weight)?, cuda_values(bias)?);
                Some(cuda::Norm { weight, bias, epsilon: tables.epsilon })
            }
            _ => None,
        };
        work(&cuda::Lookup {
            dimensions: self.layer.token.dimensions(),
            ids: self.request.ids.ids(),
            token,
            scale: self.layer.scale,
            types: types.as_ref().map(cuda_values).transpose()?.map(|table| (table, self.request.types)),
            position: position.as_ref().map(cuda_values).transpose()?.map(|table| (table, self.request.positions)),
            norm,
            dropout: self.request.dropout,
        })
    }

    /// [`cuda::norm_backward`] of the result whose gradients these are.
    fn norm_backward(&self, grads: &Tensor) -> Result<cuda::NormGrads> {
        let (storage, layout) = self.token.storage_and_layout();
        let of = self.on_cuda(cuda_values(&(storage, layout))?, |what| {
            let Some(norm) = &what.norm else { return Err(elsewhere().through_candle()) };
            with_element!(self.layer.dtype(), T => cuda::norm_backward::<T>(what, norm, grads))
        })?;
        Ok(of)
    }

    /// The shape of the ids, then the dimensions.
    fn shape(&self) -> Shape {
        let dimensions = self.layer.token.dimensions();
        self.request.ids.shape().iter().copied().chain([dimensions]).collect::<Vec<_>>().into()
    }

    fn collect<T: Element>(&self, token: &CpuStorage, layout: &Layout) -> candle_core::Result<CpuStorage> {
        let token = cpu_values::<T>(token, layout)?;
        let out = self.collect_from(token).map_err(Error::through_candle)?;
        Ok(T::store(out))
    }

    fn collect_from<T: Element>(&self, token: &[T]) -> Result<Vec<T>> {
        let ids = self.request.ids.ids().len();
        let len = memory::checked_len(ids, self.layer.token.dimensions())?;
        let mut out = self.layer.spare.take(len)?;
        let mut stats = memory::filled(if self.layer.norm.is_some() { ids } else { 0 }, RowStats::default())?;
        self.run(token, &mut out.spare_capacity_mut()[..len], &mut stats)?;
        // SAFETY: the capacity is at least `len`, and `run` initialised the first `len` values.
        unsafe { out.set_len(len) };
        self.stats.set(stats);
        Ok(out)
    }
}

impl CustomOp1 for Lookup<'_> {
    fn name(&self) -> &'static str {
        "embedding-lookup"
    }

    fn cpu_fwd(&self, token: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let storage = with_element!(self.layer.dtype(), T => self.collect::<T>(token, layout))?;
        Ok((storage, self.shape()))
    }

    fn cuda_fwd(&self, token: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let storage =
            self.on_cuda((token, layout), |what| with_element!(self.layer.dtype(), T => cuda::lookup::<T>(what)))?;
        Ok((storage, self.shape()))
    }
}

/// The values of a tensor that is in the memory of the host.
fn host_values<'a, T: Element>((storage, layout): &'a (StorageRef<'_>, &Layout)) -> candle_core::Result<&'a [T]> {
    match &**storage {
        Storage::Cpu(storage) => cpu_values(storage, layout),
        _ => Err(elsewhere().through_candle()),
    }
}

/// The values of a tensor on a CUDA device.
fn cuda_values<'a>((storage, layout): &'a (StorageRef<'_>, &Layout)) -> candle_core::Result<cuda::OnCuda<'a>> {
    match &**storage {
        Storage::Cuda(storage) => Ok((storage, layout)),
        _ => Err(elsewhere().through_candle()),
    }
}
