//! Times the phases of a calculation.
use oxidane_core::io::FrameReader;
use oxidane_physics::geometry::Derivatives;
use oxidane_physics::*;
use oxidane_xtb::{basis::Basis, calculation::*, hamiltonian::Hamiltonian, repulsion, scf::*};
use std::time::Instant;
fn main() {
    for path in std::env::args().skip(1) {
        let frame = FrameReader::open(std::path::Path::new(&path)).unwrap().next().unwrap().unwrap();
        let s = frame.system;
        let x: Vec<[f64; 3]> = s.positions.iter().map(|p| p.map(|x| x / oxidane_core::units::BOHR)).collect();
        let g = Geometry { numbers: &s.numbers, positions: &x, lattice: None };
        let mut best = [f64::MAX; 12];
        let mut its = 0;
        for _ in 0..15 {
            let mut k = 0;
            let mut t = Instant::now();
            let mut lap = |best: &mut [f64; 12]| {
                let e = t.elapsed().as_secs_f64() * 1e3;
                best[k] = best[k].min(e);
                k += 1;
                t = Instant::now();
            };
            let b = Basis::new(&s.numbers).unwrap();
            let cn = coordination(&g).unwrap();
            lap(&mut best);
            let h = Hamiltonian::new(&g, &b, &cn.values).unwrap();
            lap(&mut best);
            let mut i = Interactions::new(&g, &b, &cn).unwrap();
            lap(&mut best);
            let e = Electrons {
                alpha: b.valence_electrons() / 2.0,
                beta: b.valence_electrons() / 2.0,
                temperature: 300.0,
            };
            let st = SelfConsistency::new(&b, &h, &mut i, e).unwrap().run(&Moments::zero(&b)).unwrap();
            lap(&mut best);
            its = st.iterations;
            let mut d = Derivatives::zero(b.atoms());
            let mut de = vec![0.0; b.atoms()];
            let _ = repulsion::energy(&g, &b, Some(&mut d));
            lap(&mut best);
            i.three_body(Some(&mut d));
            lap(&mut best);
            i.add_derivatives(&g, &b, &st.moments, &mut d, &mut de);
            lap(&mut best);
            let w = st.energy_weighted_density();
            lap(&mut best);
            h.add_derivatives(
                &b,
                &st.density,
                &w,
                &st.potential.shells,
                &st.potential.dipoles,
                &st.potential.quadrupoles,
                &mut d,
                &mut de,
            );
            lap(&mut best);
            cn.add_derivatives(&g, &de, &mut d);
            lap(&mut best);
            let c = Instant::now();
            let _ = Calculation::run(&g, Settings { charge: 0, unpaired: 0, temperature: 300.0 }, None, true);
            best[10] = best[10].min(c.elapsed().as_secs_f64() * 1e3);
            let c = Instant::now();
            let _ = Calculation::run(
                &g,
                Settings { charge: 0, unpaired: 0, temperature: 300.0 },
                Some(&st.moments),
                true,
            );
            best[11] = best[11].min(c.elapsed().as_secs_f64() * 1e3);
        }
        println!(
            "{} atoms: cn {:.3} H {:.3} inter {:.3} scf {:.3} ({its} it) rep {:.3} atm {:.3} ederiv {:.3} W {:.3} dH {:.3} dcn {:.3} | total {:.3} warm {:.3}",
            s.len(),
            best[0],
            best[1],
            best[2],
            best[3],
            best[4],
            best[5],
            best[6],
            best[7],
            best[8],
            best[9],
            best[10],
            best[11]
        );
    }
}
