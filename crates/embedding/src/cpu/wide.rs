//! Functions compiled once for each vector extension that a processor may have.

/// Defines a function whose body is compiled for AVX-512, for AVX2 and for what every processor has, and runs the first that this
/// processor can. The results are the same: the compiler may not reorder what is rounded. `fn name<…>[halves: H](…)` is a function that
/// converts 16-bit floats: its body has `halves`, a way of [`Halves`](super::Halves) that this processor has.
macro_rules! wide {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<$($T:ident: $Bound:path),+>)? $([$halves:ident: $H:ident])? ($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name $(<$($T: $Bound),+>)? ($($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            fn body<$($($T: $Bound,)+)? $($H: $crate::cpu::Halves)?>($($halves: $H,)? $($arg: $type),*) $(-> $out)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c")]
                fn avx512 $(<$($T: $Bound),+>)? ($($arg: $type),*) $(-> $out)? {
                    body($({ let $halves = $crate::cpu::Avx2::new(); $halves },)? $($arg),*)
                }
                #[target_feature(enable = "avx2,f16c")]
                fn avx2 $(<$($T: $Bound),+>)? ($($arg: $type),*) $(-> $out)? {
                    body($({ let $halves = $crate::cpu::Avx2::new(); $halves },)? $($arg),*)
                }
                let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c");
                // The compiler takes FMA for granted beside AVX-512.
                let has_avx512 = has_avx2
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl");
                if has_avx512 {
                    // SAFETY: the processor has these extensions.
                    return unsafe { avx512($($arg),*) };
                }
                if has_avx2 {
                    // SAFETY: the processor has these extensions.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body($({ let $halves = $crate::cpu::Portable; $halves },)? $($arg),*)
        }
    };
}
pub(crate) use wide;
