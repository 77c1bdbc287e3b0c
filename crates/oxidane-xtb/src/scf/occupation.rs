//! Occupation of orbitals: Fermi-Dirac at an electronic temperature, separately for the electrons of either spin.

/// Boltzmann's constant in hartree/K (CODATA 2018).
pub const BOLTZMANN: f64 = 3.166_811_563_455_6e-6;

/// Occupation numbers of orbitals.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Occupation {
    /// Of each orbital, both spins together, 0 to 2.
    pub numbers: Vec<f64>,
    /// -T S of the electrons in hartree.
    pub entropy_energy: f64,
}

/// Distributes `alpha` and `beta` electrons over orbitals of `levels` (hartree, ascending) at `temperature` (K).
/// Both numbers are at most that of the orbitals.
pub fn occupy(levels: &[f64], alpha: f64, beta: f64, temperature: f64) -> Occupation {
    let mut occupation = Occupation { numbers: vec![0.0; levels.len()], entropy_energy: 0.0 };
    let thermal = BOLTZMANN * temperature;
    for electrons in [alpha, beta] {
        let fermi = fermi_level(levels, electrons, thermal);
        for (number, &level) in occupation.numbers.iter_mut().zip(levels) {
            let f = filling(level - fermi, thermal);
            *number += f;
            occupation.entropy_energy += thermal * (x_log_x(f) + x_log_x(1.0 - f));
        }
    }
    occupation
}

/// The chemical potential at which the fillings sum to `electrons`, by bisection down to neighbouring numbers.
fn fermi_level(levels: &[f64], electrons: f64, thermal: f64) -> f64 {
    let count = |fermi: f64| levels.iter().map(|&e| filling(e - fermi, thermal)).sum::<f64>();
    let (Some(first), Some(last)) = (levels.first(), levels.last()) else { return 0.0 };
    let margin = 60.0 * thermal + 1.0;
    let (mut low, mut high) = (first - margin, last + margin);
    if electrons <= 0.0 {
        return low;
    }
    if electrons >= levels.len() as f64 {
        return high;
    }
    // A gap around an integer number of electrons: its middle, where the sum is flat and bisection would wander.
    let filled = electrons.round();
    let index = filled as usize;
    if filled == electrons && levels[index] - levels[index - 1] > 80.0 * thermal {
        return 0.5 * (levels[index] + levels[index - 1]);
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if count(middle) < electrons { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The Fermi-Dirac filling of a level `above` the chemical potential.
fn filling(above: f64, thermal: f64) -> f64 {
    let x = above / thermal;
    if x > 0.0 {
        let e = (-x).exp();
        e / (1.0 + e)
    } else {
        1.0 / (1.0 + x.exp())
    }
}

fn x_log_x(x: f64) -> f64 {
    if x > 0.0 { x * x.ln() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn electrons_are_counted_exactly() {
        let levels = [-0.6, -0.5, -0.401, -0.4, -0.399, 0.1];
        for (alpha, beta, temperature) in
            [(3.0, 3.0, 300.0), (4.0, 2.0, 300.0), (3.0, 2.0, 5000.0), (6.0, 0.0, 300.0)]
        {
            let sum: f64 = occupy(&levels, alpha, beta, temperature).numbers.iter().sum();
            assert!((sum - alpha - beta).abs() < 1e-12, "{sum}");
        }
    }

    /// Degenerate levels share: two electrons of a spin over three orbitals are 2/3 each, and the entropy is that of
    /// three half-known coins.
    #[test]
    fn degenerate_levels_share() {
        let filled = occupy(&[-0.4, -0.4, -0.4], 2.0, 0.0, 300.0);
        assert!(filled.numbers.iter().all(|f| (f - 2.0 / 3.0).abs() < 1e-13));
        let (f, kt) = (2.0f64 / 3.0, BOLTZMANN * 300.0);
        let expected = 3.0 * kt * (f * f.ln() + (1.0 - f) * (1.0 - f).ln());
        assert!((filled.entropy_energy - expected).abs() < 1e-15);
    }

    #[test]
    fn a_wide_gap_gives_whole_numbers() {
        let filled = occupy(&[-0.5, -0.4, 0.2], 2.0, 2.0, 300.0);
        assert!(filled.numbers.iter().zip([2.0, 2.0, 0.0]).all(|(f, whole)| (f - whole).abs() < 1e-15));
        assert!(filled.entropy_energy.abs() < 1e-15);
    }
}
