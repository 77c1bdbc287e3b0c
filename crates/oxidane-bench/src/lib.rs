//! Benchmarks of any [`oxidane_core::Potential`] against reference data: reading the sets, planning which structures are to be
//! computed, and statistics of the answers. Nothing is printed and nothing runs in parallel here.
//!
//! A [`Benchmark`] reads its files into a [`Plan`]: structures, each once, and what is asked of them: differences of energies
//! ([`Difference`]), profiles ([`Profile`]), or optimisations. Whoever runs it computes each structure with [`energy`] or
//! [`relax`], on as many threads as there are, and hands the answers of all models to [`Plan::report`]. A [`Report`] holds every
//! number, and shows itself as [`Sheet`]s and [`Figure`]s.
//!
//! Nothing is dropped without a word: what a model refuses is counted and named ([`Missing`]), what a set lacks is a [`Fault`], and
//! models that refuse different structures are compared on what all of them computed as well.
//!
//! Reference and reported energies are in kcal/mol, as in the literature of these sets; structures and answers in eV and angstrom.

mod answers;
pub mod benchmarks;
mod data;
mod molecules;
mod plan;
mod results;
mod selection;
mod sheet;
pub mod statistics;

pub use answers::{Answers, End, Energy, EnergyAnswer, Reason, Refusal, Relaxed, energy, relax};
pub use benchmarks::{ALL, Benchmark, Published, named};
pub use data::{DataFolder, SetFile};
pub use plan::{Difference, Fault, Plan, Planned, Point, Profile, Start, Term, Weighting, Work};
pub use results::{
    DifferenceScores, Differences, Entry, Headline, Means, Missing, Optimisations, Optimised, ProfileScores,
    Profiles, Report, Results, Scan, Totals,
};
pub use selection::{Ids, Sample, Selection, Unit};
pub use sheet::{Cell, Figure, Panel, Sheet};
