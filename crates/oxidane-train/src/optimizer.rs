//! AdamW (Loshchilov and Hutter 2019) on flat arrays, optionally with AMSGrad (Reddi, Kale, Kumar 2018).

use crate::config::Optimizer;
use oxidane_core::{Error, Result};
use oxidane_math::Real;
use oxidane_math::simd::dispatch;
use oxidane_models::Layout;
use oxidane_models::heads::split_tensor_name;
use rayon::prelude::*;
use std::ops::Range;

/// Numbers handled as one unit of work; fixed, so that sums over blocks have the same bits on any machine.
const BLOCK: usize = 1 << 14;

/// A stretch of weights that are treated alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Place in the flat array.
    pub range: Range<usize>,
    /// Whether weight decay applies.
    pub decay: bool,
}

/// The weights to be changed, as few spans as possible: trainable tensors whose name matches none of the
/// patterns in `freeze` (`*`: any run of characters, `?`: any one, `!` in front: all that the rest does not match), and that
/// are not of one of the heads `untrained`.
///
/// # Errors
/// A pattern matches no tensor, or nothing is left to train.
pub fn spans(layout: &Layout, freeze: &[String], untrained: &[String]) -> Result<Vec<Span>> {
    if let Some(p) =
        freeze.iter().find(|p| !layout.entries.iter().any(|e| matches(p.trim_start_matches('!'), &e.name)))
    {
        let names: Vec<&str> = layout.entries.iter().take(6).map(|e| e.name.as_str()).collect();
        return Err(Error::usage(format!(
            "finetune.freeze: `{p}` matches no tensor of the model; names look like {}",
            names.join(", ")
        )));
    }
    let mut spans: Vec<Span> = Vec::new();
    let of_untrained =
        |name: &str| split_tensor_name(name).0.is_some_and(|head| untrained.iter().any(|u| u == head));
    let open = |name: &str| !freeze.iter().any(|p| frozen(p, name)) && !of_untrained(name);
    for e in layout.entries.iter().filter(|e| e.trainable && !e.is_empty() && open(&e.name)) {
        match spans.last_mut() {
            Some(s) if s.range.end == e.offset && s.decay == e.decay => s.range.end = e.range().end,
            _ => spans.push(Span { range: e.range(), decay: e.decay }),
        }
    }
    if spans.is_empty() {
        return Err(Error::usage("finetune.freeze leaves no tensor to train: freeze less"));
    }
    Ok(spans)
}

/// Whether `name` fits the pattern, or does not fit what follows a `!`.
fn frozen(pattern: &str, name: &str) -> bool {
    pattern.strip_prefix('!').map_or_else(|| matches(pattern, name), |rest| !matches(rest, name))
}

/// Whether `name` fits the pattern with `*` and `?`.
fn matches(pattern: &str, name: &str) -> bool {
    fn fits(p: &[u8], n: &[u8]) -> bool {
        match p.split_first() {
            None => n.is_empty(),
            Some((b'*', rest)) => (0..=n.len()).any(|k| fits(rest, &n[k..])),
            Some((&c, rest)) => n.split_first().is_some_and(|(&x, m)| (c == b'?' || c == x) && fits(rest, m)),
        }
    }
    fits(pattern.as_bytes(), name.as_bytes())
}

/// Euclidean norm over the spans, summed in double precision block by block in a fixed order.
pub fn norm<R: Real>(gradient: &[R], spans: &[Span]) -> f64 {
    let mut sum = 0.0;
    for span in spans {
        let blocks: Vec<f64> = gradient[span.range.clone()].par_chunks(BLOCK).map(sum_of_squares).collect();
        sum += blocks.iter().sum::<f64>();
    }
    sum.sqrt()
}

fn sum_of_squares<R: Real>(block: &[R]) -> f64 {
    const LANES: usize = 8;
    dispatch(
        #[inline(always)]
        || {
            let mut lanes = [0.0; LANES];
            let (whole, rest) = block.as_chunks::<LANES>();
            for x in whole {
                for k in 0..LANES {
                    lanes[k] += x[k].f64() * x[k].f64();
                }
            }
            lanes.iter().sum::<f64>() + rest.iter().map(|x| x.f64() * x.f64()).sum::<f64>()
        },
    )
}

/// The optimiser's memory: one number per weight in each vector.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamW<R> {
    /// First moments.
    pub first: Vec<R>,
    /// Second moments.
    pub second: Vec<R>,
    /// Largest second moments (empty without AMSGrad).
    pub largest: Vec<R>,
}

/// What one step needs besides the arrays.
struct Step<R> {
    beta: [R; 2],
    complement: [R; 2],
    eps: R,
    /// lr / (1 - beta_1^t).
    rate: R,
    /// 1 / sqrt(1 - beta_2^t).
    root: R,
    /// 1 - lr * weight decay.
    keep: R,
    /// Factor on the gradient (clipping).
    scale: R,
}

impl<R: Real> AdamW<R> {
    /// Fresh memory for `n` weights.
    pub fn new(n: usize, amsgrad: bool) -> Self {
        let zeros = || vec![R::of(0.0); n];
        Self { first: zeros(), second: zeros(), largest: if amsgrad { zeros() } else { Vec::new() } }
    }

    /// Step `t` (from 1) with learning rate `lr`; the gradient is multiplied by `scale` first.
    pub fn step(
        &mut self,
        config: &Optimizer,
        spans: &[Span],
        t: u64,
        lr: f64,
        scale: f64,
        gradient: &[R],
        weights: &mut [R],
    ) {
        let [b1, b2] = config.betas;
        let power = |b: f64| 1.0 - b.powf(t as f64);
        let mut step = Step {
            beta: [R::of(b1), R::of(b2)],
            complement: [R::of(1.0 - b1), R::of(1.0 - b2)],
            eps: R::of(config.eps),
            rate: R::of(lr / power(b1)),
            root: R::of(1.0 / power(b2).sqrt()),
            keep: R::of(1.0),
            scale: R::of(scale),
        };
        for span in spans {
            step.keep = R::of(if span.decay { 1.0 - lr * config.weight_decay } else { 1.0 });
            let r = span.range.clone();
            let first = self.first[r.clone()].par_chunks_mut(BLOCK);
            let second = self.second[r.clone()].par_chunks_mut(BLOCK);
            let blocks = weights[r.clone()]
                .par_chunks_mut(BLOCK)
                .zip(gradient[r.clone()].par_chunks(BLOCK))
                .zip(first.zip(second));
            if self.largest.is_empty() {
                blocks.for_each(|((w, g), (m, v))| step.apply(w, g, m, v, None));
            } else {
                let largest = self.largest[r].par_chunks_mut(BLOCK);
                blocks.zip(largest).for_each(|(((w, g), (m, v)), x)| step.apply(w, g, m, v, Some(x)));
            }
        }
    }
}

impl<R: Real> Step<R> {
    fn apply(&self, w: &mut [R], g: &[R], m: &mut [R], v: &mut [R], largest: Option<&mut [R]>) {
        let n = w.len();
        let (g, m, v) = (&g[..n], &mut m[..n], &mut v[..n]);
        dispatch(
            #[inline(always)]
            || {
                for k in 0..n {
                    let gk = g[k] * self.scale;
                    m[k] = self.beta[0] * m[k] + self.complement[0] * gk;
                    v[k] = self.beta[1] * v[k] + self.complement[1] * gk * gk;
                }
                match largest {
                    None => self.descend(w, m, v),
                    Some(x) => {
                        x.iter_mut().zip(v.iter()).for_each(|(x, &v)| *x = if v > *x { v } else { *x });
                        self.descend(w, m, x);
                    }
                }
            },
        );
    }

    #[inline(always)]
    fn descend(&self, w: &mut [R], m: &[R], v: &[R]) {
        for ((w, &m), &v) in w.iter_mut().zip(m).zip(v) {
            *w = *w * self.keep - self.rate * m / (v.sqrt_real() * self.root + self.eps);
        }
    }
}

/// `average = decay average + (1 - decay) weights`.
pub fn update_average<R: Real>(average: &mut [R], weights: &[R], decay: f64) {
    let (keep, add) = (R::of(decay), R::of(1.0 - decay));
    average.par_chunks_mut(BLOCK).zip(weights.par_chunks(BLOCK)).for_each(|(a, w)| {
        dispatch(
            #[inline(always)]
            || a.iter_mut().zip(w).for_each(|(a, &w)| *a = keep * *a + add * w),
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published update written out number by number, f64: rounding only.
    #[test]
    fn steps_follow_the_equations() {
        for amsgrad in [false, true] {
            let config = Optimizer { lr: 0.1, weight_decay: 0.02, amsgrad, ..Optimizer::default() };
            let spans = [Span { range: 0..2, decay: true }, Span { range: 3..4, decay: false }];
            let mut w = vec![1.0, -2.0, 3.0, 0.5];
            let mut adam = AdamW::new(4, amsgrad);
            let (mut want, mut m, mut v, mut x) = (w.clone(), [0.0f64; 4], [0.0f64; 4], [0.0f64; 4]);
            for t in 1..=5u64 {
                let g: Vec<f64> = (0..4).map(|k| (k as f64 + 1.3 * t as f64).sin() / t as f64).collect();
                adam.step(&config, &spans, t, 0.1, 0.5, &g, &mut w);
                for k in [0, 1, 3] {
                    let g = 0.5 * g[k];
                    m[k] = 0.9 * m[k] + 0.1 * g;
                    v[k] = 0.999 * v[k] + 0.001 * g * g;
                    x[k] = x[k].max(v[k]);
                    let decay = if k < 3 { 0.1 * 0.02 * want[k] } else { 0.0 };
                    let second = if amsgrad { x[k] } else { v[k] } / (1.0 - 0.999f64.powf(t as f64));
                    want[k] -= decay + 0.1 * m[k] / (1.0 - 0.9f64.powf(t as f64)) / (second.sqrt() + 1e-8);
                }
            }
            assert!(w.iter().zip(&want).all(|(a, b): (&f64, &f64)| (a - b).abs() < 1e-12), "{w:?} {want:?}");
        }
    }

    #[test]
    fn spans_leave_out_what_is_fixed() {
        let mut layout = Layout::default();
        layout.add("block0.a", &[2, 2], true, true);
        layout.add("block0.b", &[3], true, true);
        layout.add("table", &[5], false, false);
        layout.add("block1.a", &[2], true, false);
        let all = spans(&layout, &[], &[]).unwrap();
        assert_eq!(all, [Span { range: 0..7, decay: true }, Span { range: 12..14, decay: false }]);
        assert_eq!(spans(&layout, &["block?.a".into()], &[]).unwrap(), [Span { range: 4..7, decay: true }]);
        assert!(spans(&layout, &["*".into()], &[]).is_err());
        assert!(spans(&layout, &["head*".into()], &[]).unwrap_err().to_string().contains("head*"));
        // Heads that nothing trains must not decay either.
        layout.add("head.x.a", &[2], true, true);
        layout.add("head.y.a", &[2], true, true);
        let open = spans(&layout, &["block*".into()], &["x".into()]).unwrap();
        assert_eq!(open, [Span { range: 16..18, decay: true }]);
        assert_eq!(spans(&layout, &["!head.y.*".into()], &[]).unwrap(), open);
        assert!(spans(&layout, &["!head.z.*".into()], &[]).is_err());
    }

    #[test]
    fn norm_counts_only_the_spans() {
        let spans = [Span { range: 0..2, decay: true }, Span { range: 3..4, decay: false }];
        assert_eq!(norm(&[3.0f64, 0.0, 100.0, 4.0], &spans), 5.0);
    }
}
