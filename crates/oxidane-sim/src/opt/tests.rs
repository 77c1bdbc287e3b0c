//! Minima that are known, and the steps it takes to reach them.

use std::ops::ControlFlow;

use oxidane_core::check::{check_forces, check_virial};
use oxidane_core::units::GIGAPASCAL;
use oxidane_core::{Cell, Potential, System};

use super::*;
use crate::testing::{Hydrocarbon, Pairs, argon_block, distance, lennard_jones, morse, rattle};

fn run(potential: &mut dyn Potential, system: System, options: &OptOptions) -> OptResult {
    optimize(potential, system, options, &mut |s| {
        if std::env::var("SHOW").is_ok() {
            println!("{:?}", s.row);
        }
        ControlFlow::Continue(())
    })
    .unwrap()
}

fn with(method: Method, convergence: Convergence) -> OptOptions {
    OptOptions { method, convergence, ..OptOptions::default() }
}

#[test]
fn step_counts_survey() {
    for n in [2, 4, 8, 12] {
        for method in [Method::Lbfgs, Method::PlainLbfgs, Method::Fire] {
            let mut steps = Vec::new();
            for seed in 0..4 {
                let system = Hydrocarbon::chain(n, seed);
                let mut field = Hydrocarbon::new(&system);
                let options = OptOptions { max_steps: 3000, ..with(method, Convergence::normal()) };
                let r = run(&mut field, system, &options);
                steps.push((r.steps, r.status, (r.row.energy * 1e4).round() / 1e4));
            }
            println!("C{n} {method:?} {steps:?}");
        }
    }
    for n in [13, 38] {
        for method in [Method::Lbfgs, Method::PlainLbfgs, Method::Fire] {
            let mut steps = Vec::new();
            for seed in 0..4 {
                let mut pairs = Pairs::new(lennard_jones, 1e3);
                let options = OptOptions { max_steps: 3000, ..with(method, Convergence::fmax(1e-4)) };
                let r = run(&mut pairs, argon_block(n, seed), &options);
                steps.push((r.steps, r.status, (r.row.energy * 1e4).round() / 1e4));
            }
            println!("Ar{n} {method:?} {steps:?}");
        }
    }
}
