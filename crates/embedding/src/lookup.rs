//! The fused lookup as an operation in candle's graph.

use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, DType as CandleDType, Error as CandleError, Layout, Shape, Tensor,
};

use crate::cpu::{Gather, gather, scatter};
use crate::element::{Element, cpu_values, with_element};
use crate::ids::{CheckedIds, CheckedPositions, KeptPositions};
use crate::table::read_values;
use crate::{DType, Error, Positions, Result, cuda, memory};

/// `scale * token[ids[i]] + position[position_of(i)]` as one operation of candle's graph, which candle's own `backward` goes through.
///
/// It is for models that candle differentiates as a whole. As everywhere in candle, the gradients of the tables are as large as the tables:
/// [`InputEmbedding`](crate::InputEmbedding) has row-sparse ones, and steps to go with them.
///
/// `token` and `position` are matrices of as many columns and of one type: `f32`, `bf16` or `f16`. `shape` holds the ids; the result has that
/// shape and then the columns.
///
/// ```
/// use candle_core::{Device, Tensor, Var};
/// use tokenmill_embedding::{Positions, lookup};
///
/// let token = Var::from_tensor(&Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu)?)?;
/// let position = Var::from_tensor(&Tensor::new(&[[10f32, 20.0], [30.0, 40.0]], &Device::Cpu)?)?;
/// let rows = lookup(&token, Some((&position, Positions::From(0))), &[1, 1], &[1, 2], 1.0)?;
/// assert_eq!(rows.to_vec3::<f32>()?, [[[13.0, 24.0], [33.0, 44.0]]]);
/// let gradients = rows.sum_all()?.backward()?;
/// assert_eq!(gradients.get(&token).unwrap().to_vec2::<f32>()?, [[0.0, 0.0], [2.0, 2.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::IdOutOfRange`], [`Error::ContextTooLong`], [`Error::PositionOutOfRange`], [`Error::ShapeMismatch`] and [`Error::LengthMismatch`] for
/// ids and positions that are no rows or do not fit together, [`Error::TableSize`] for a position table of another number of columns,
/// [`Error::OutOfMemory`], [`Error::Device`], and [`Error::Candle`] for what is no matrix, of another type, or on another device than the other table.
pub fn lookup(
    token: &Tensor,
    position: Option<(&Tensor, Positions<'_>)>,
    ids: &[u32],
    shape: &[usize],
    scale: f32,
) -> Result<Tensor> {
    let (rows, dimensions) = token.dims2()?;
    let checked = CheckedIds::new(ids, shape, rows)?;
    let op = |positions| -> Result<_> {
        let dtype = dtype_of(token)?;
        Ok(Lookup { ids: memory::copied(ids)?, shape: [shape, &[dimensions]].concat(), positions, dtype, scale })
    };
    let Some((position, positions)) = position else {
        return Ok(token.contiguous()?.apply_op1(op(KeptPositions::NONE)?)?);
    };
    let (context_length, columns) = position.dims2()?;
    if columns != dimensions {
        let (expected, actual) = ([context_length, dimensions], [context_length, columns]);
        return Err(Error::TableSize { expected, actual });
    }
    let positions = CheckedPositions::new(positions, checked, context_length)?.kept()?;
    Ok(token.contiguous()?.apply_op2(&position.contiguous()?, op(positions)?)?)
}

fn dtype_of(table: &Tensor) -> Result<DType> {
    match table.dtype() {
        CandleDType::F32 => Ok(DType::F32),
        CandleDType::BF16 => Ok(DType::BF16),
        CandleDType::F16 => Ok(DType::F16),
        other => Err(CandleError::UnsupportedDTypeForOp(other, NAME).into()),
    }
}

const NAME: &str = "embedding-lookup";

struct Lookup {
    ids: Vec<u32>,
    /// Of the result.
    shape: Vec<usize>,
    positions: KeptPositions,
    dtype: DType,
    scale: f32,
}

impl Lookup {
    fn dimensions(&self) -> usize {
        self.shape.last().copied().unwrap_or_default()
    }

    fn forward<T: Element>(&self, token: &[T], position: Option<&[T]>) -> Result<Vec<T>> {
        let len = memory::checked_len(self.ids.len(), self.dimensions())?;
        let mut out = memory::reserved(len)?;
        let what = Gather {
            dimensions: self.dimensions(),
            ids: &self.ids,
            token,
            scale: self.scale,
            types: None,
            position: position.map(|position| (position, self.positions.checked())),
            norm: None,
            dropout: None,
        };
        gather(&what, &mut out.spare_capacity_mut()[..len], &mut [])?;
        // SAFETY: the capacity is at least `len`, and `gather` initialised the first `len` values.
        unsafe { out.set_len(len) };
        Ok(out)
    }

    fn storage<'a>(
        &self,
        (token, layout): (&'a CpuStorage, &'a Layout),
        position: Option<(&'a CpuStorage, &'a Layout)>,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let storage = with_element!(self.dtype, T => {
            let position = position.map(|(storage, layout)| cpu_values::<T>(storage, layout)).transpose()?;
            T::store(self.forward(cpu_values::<T>(token, layout)?, position).map_err(Error::through_candle)?)
        });
        Ok((storage, self.shape.as_slice().into()))
    }

    fn on_cuda(
        &self,
        token: cuda::OnCuda<'_>,
        position: Option<cuda::OnCuda<'_>>,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let what = cuda::Lookup {
            dimensions: self.dimensions(),
            ids: &self.ids,
            token,
            scale: self.scale,
            types: None,
            position: position.map(|position| (position, self.positions.checked())),
            norm: None,
            dropout: None,
        };
        let storage = with_element!(self.dtype, T => cuda::lookup::<T>(&what))?;
        Ok((storage, self.shape.as_slice().into()))
    }

    /// The gradient of `table`, whose row `rows[i]` was used times `scale` for row `i` of the result.
    fn gradient(&self, table: &Tensor, rows: &[u32], scale: f32, grad: &Tensor) -> Result<Tensor> {
        let grad = grad.contiguous()?;
        if !grad.device().is_cpu() {
            return Ok(cuda::scattered(rows, table.dims2()?.0, &grad, scale)?.to_dtype(table.dtype())?);
        }
        let mut sums = memory::untouched_zeros(table.elem_count())?;
        match self.dtype {
            DType::F32 => read_values(&grad, |grad| scatter(rows, grad, scale, &mut sums, self.dimensions()))??,
            _ => with_element!(self.dtype, T => {
                let mut wide = memory::reserved(grad.elem_count())?;
                read_values::<T, _>(&grad, |grad| wide.extend(grad.iter().map(|value| value.widen())))?;
                scatter(rows, &wide, scale, &mut sums, self.dimensions())?;
            }),
        }
        Ok(Tensor::from_vec(sums, table.shape(), table.device())?.to_dtype(table.dtype())?)
    }

    fn token_gradient(&self, token: &Tensor, grad: &Tensor) -> candle_core::Result<Option<Tensor>> {
        self.gradient(token, &self.ids, self.scale, grad).map(Some).map_err(Error::through_candle)
    }
}

impl CustomOp1 for Lookup {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, token: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        self.storage((token, layout), None)
    }

    fn cuda_fwd(&self, token: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        self.on_cuda((token, layout), None)
    }

    fn bwd(&self, token: &Tensor, _: &Tensor, grad: &Tensor) -> candle_core::Result<Option<Tensor>> {
        self.token_gradient(token, grad)
    }
}

impl CustomOp2 for Lookup {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        token: &CpuStorage,
        token_layout: &Layout,
        position: &CpuStorage,
        position_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.storage((token, token_layout), Some((position, position_layout)))
    }

    fn cuda_fwd(
        &self,
        token: &CudaStorage,
        token_layout: &Layout,
        position: &CudaStorage,
        position_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.on_cuda((token, token_layout), Some((position, position_layout)))
    }

    fn bwd(
        &self,
        token: &Tensor,
        position: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let of_position = |positions: Vec<u32>| self.gradient(position, &positions, 1.0, grad);
        let positions = self.positions.checked().to_vec(self.ids.len()).and_then(of_position);
        Ok((self.token_gradient(token, grad)?, Some(positions.map_err(Error::through_candle)?)))
    }
}
