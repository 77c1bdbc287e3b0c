//! Run-time choice of the instruction set. A kernel is a plain inlined loop; [`dispatch`] compiles it once for
//! each instruction set and runs the best one that the processor has.

use std::sync::OnceLock;

/// Runs a closure with the widest vector instructions available. Only code inlined into the closure profits:
/// mark helpers `#[inline(always)]`.
#[inline(always)]
pub fn dispatch<T>(f: impl FnOnce() -> T) -> T {
    struct Run<F>(F);
    impl<T, F: FnOnce() -> T> pulp::NullaryFnOnce for Run<F> {
        type Output = T;
        #[inline(always)]
        fn call(self) -> T {
            (self.0)()
        }
    }
    arch().dispatch(Run(f))
}

/// The best instruction set that the processor has.
#[inline(always)]
pub(crate) fn arch() -> pulp::Arch {
    static ARCH: OnceLock<pulp::Arch> = OnceLock::new();
    *ARCH.get_or_init(pulp::Arch::new)
}
